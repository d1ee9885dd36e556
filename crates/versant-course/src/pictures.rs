//! The pictures of a run: from models and samples to the plain numbers that figures take.

use std::path::Path;

use versant::autograd::no_grad;
use versant::data::ImageSet;
use versant::nn::{Context, Layer, Observation, Summary, SummaryRow};
use versant::train::EpochRecord;
use versant::{DType, Result, Shape, Tensor};

use crate::data::Samples;
use crate::draw::Picture;
use crate::figures::feature_maps::{LayerMaps, feature_maps};
use crate::figures::images::Images;
use crate::figures::network::{Block, network};
use crate::figures::{confusion, curves, filters, predictions, weights};
use crate::report::Answers;

/// Predictions shown on their page.
const PREDICTIONS: usize = 15;
/// Filters and first-layer weights shown on theirs.
const WEIGHTS: usize = 64;
/// Channels of each layer on the page of feature maps.
const MAPS: usize = 12;

/// Draws the pictures of a finished run into `media` and gives their names: curves, confusion, predictions, the network
/// [B5], and what its first layer looks for: weights [A20] or filters, and then feature maps [B17].
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn draw(
    media: &Path,
    title: &str,
    history: &[EpochRecord],
    model: &dyn Layer,
    samples: &Samples,
    answers: &Answers,
) -> Result<Vec<String>> {
    let counts: Vec<usize> = answers.confusion.counts().iter().map(|&c| c as usize).collect();
    let set = &samples.test;
    let mut pictures = vec![
        ("curves", draw_curves(title, history)),
        ("confusion", confusion::confusion(title, &samples.classes, &counts)),
        ("predictions", draw_predictions(title, samples, answers)),
        ("network", draw_network(title, &Summary::of(model, [1, set.channels, set.height, set.width]))),
    ];
    pictures.extend(first_layer(title, model, set));
    let seen = observe_first(model, samples);
    if seen.iter().any(|o| o.kind == "Conv2d") {
        pictures.push(("features", draw_features(title, set, 0, &seen)));
    }
    pictures.iter().try_for_each(|(name, picture)| picture.save(media, name))?;
    Ok(pictures.into_iter().map(|(name, _)| name.to_string()).collect())
}

/// What the layers give for the first test image.
fn observe_first(model: &dyn Layer, samples: &Samples) -> Vec<Observation> {
    let x = crate::session::images(samples, &samples.test);
    let batch = versant::data::Dataset::batch(&x, &[0], 0);
    let mut cx = Context::eval().observing();
    no_grad(|| model.forward(&batch.x, &mut cx));
    cx.observations().to_vec()
}

/// Images of a set with their channels interleaved, as figures take them.
pub(crate) struct Interleaved {
    bytes: Vec<u8>,
    size: [usize; 3],
}

impl Interleaved {
    /// The chosen images of a set.
    pub(crate) fn new(set: &ImageSet, chosen: impl IntoIterator<Item = usize>) -> Interleaved {
        let plane = set.height * set.width;
        let mut bytes = Vec::new();
        for image in chosen.into_iter().map(|index| set.image(index)) {
            bytes.extend((0..plane).flat_map(|at| (0..set.channels).map(move |c| image[c * plane + at])));
        }
        Interleaved { bytes, size: [set.channels, set.height, set.width] }
    }

    /// As figures take them.
    pub(crate) fn images(&self) -> Images<'_> {
        let [channels, height, width] = self.size;
        Images { bytes: &self.bytes, height, width, channels }
    }
}

fn draw_predictions(title: &str, samples: &Samples, answers: &Answers) -> Picture {
    let test = &samples.test;
    let bytes = Interleaved::new(test, 0..test.count());
    let shown = predictions::Predictions {
        images: &bytes.bytes,
        height: test.height,
        width: test.width,
        channels: test.channels,
        labels: &answers.labels,
        probabilities: &answers.probabilities,
        names: &samples.classes,
    };
    predictions::predictions(title, &shown, PREDICTIONS)
}

fn draw_curves(title: &str, history: &[EpochRecord]) -> Picture {
    let series = |f: fn(&EpochRecord) -> f64| history.iter().map(|r| f(r) as f32).collect::<Vec<f32>>();
    let accuracy = |i: usize| history[i].test_accuracy;
    let best = (0..history.len()).fold(0, |best, i| if accuracy(i) > accuracy(best) { i } else { best });
    curves::curves(
        title,
        &curves::History {
            train_loss: &series(|r| r.train_loss),
            test_loss: &series(|r| r.test_loss),
            train_accuracy: &series(|r| r.train_accuracy.unwrap_or(f64::NAN)),
            test_accuracy: &series(|r| r.test_accuracy.unwrap_or(f64::NAN)),
            best_epoch: (!history.is_empty()).then_some(best + 1),
        },
    )
}

/// The model as a row of boxes.
pub(crate) fn draw_network(title: &str, summary: &Summary) -> Picture {
    let shapes: Vec<&[usize]> = summary.rows.iter().map(|row| without_batch(&row.output)).collect();
    let labels: Vec<String> = summary.rows.iter().map(label).collect();
    let blocks: Vec<Block> = summary
        .rows
        .iter()
        .zip(&shapes)
        .zip(&labels)
        .map(|((row, output), label)| Block { kind: row.kind, output, label, parameters: row.parameters })
        .collect();
    network(title, without_batch(&summary.input), &blocks)
}

/// A layer in words that fit below a box: "3×3 conv, pad 1".
fn label(row: &SummaryRow) -> String {
    let kind = match row.kind {
        "Conv1d" | "Conv2d" => "conv",
        "ConvTranspose1d" | "ConvTranspose2d" => "transposed conv",
        "MaxPool1d" | "MaxPool2d" => "max",
        "AvgPool1d" | "AvgPool2d" => "mean",
        "BatchNorm1d" | "BatchNorm2d" => "batch norm",
        "Dropout" | "Dropout1d" | "Dropout2d" => "dropout",
        "Relu" => "ReLU",
        other => other,
    };
    let detail = row.detail.replace("padding", "pad").replace("p 0.", "0.");
    let (first, rest) = detail.split_once(", ").unwrap_or((&detail, ""));
    let words = match first.contains('x') {
        true => [format!("{} {kind}", first.replace('x', "×")), rest.to_string()],
        false => [kind.to_string(), detail.clone()],
    };
    words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
}

fn without_batch(shape: &Shape) -> &[usize] {
    &shape[1..]
}

/// The weights of a first layer whose rows are as long as an image, or the filters of a convolution.
fn first_layer(title: &str, model: &dyn Layer, set: &ImageSet) -> Option<(&'static str, Picture)> {
    let (name, first) = model.named_parameters().into_iter().next()?;
    let title = format!("{title}: {name}");
    let values = first.cast(DType::F32).to_vec::<f32>();
    match first.shape()[..] {
        [_, channels, height, width] => {
            let layer = filters::Filters { weights: &values, channels, height, width };
            Some(("filters", filters::filters(&title, &layer, WEIGHTS)))
        }
        [_, pixels] if pixels == set.height * set.width * set.channels => {
            let (height, width) = (set.height, set.width);
            let picture = match set.channels {
                1 => {
                    let layer = weights::Weights { matrix: &values, height, width, names: &[] };
                    weights::weights(&title, &layer, WEIGHTS)
                }
                channels => {
                    let layer = filters::Filters { weights: &values, channels, height, width };
                    filters::filters(&title, &layer, WEIGHTS)
                }
            };
            Some(("weights", picture))
        }
        _ => None,
    }
}

/// An image with what each layer that gives maps makes of it; `seen` is a pass of that image alone.
pub(crate) fn draw_features(title: &str, set: &ImageSet, image: usize, seen: &[Observation]) -> Picture {
    let maps: Vec<(&Observation, [usize; 3], Vec<f32>)> = seen
        .iter()
        .filter_map(|o| match o.output.shape()[..] {
            [_, channels, height, width] => Some((o, [channels, height, width], values_of(&o.output))),
            _ => None,
        })
        .collect();
    let layers: Vec<LayerMaps> = maps
        .iter()
        .map(|(o, shape, values)| LayerMaps { name: &o.path, kind: o.kind, shape: *shape, values })
        .collect();
    feature_maps(title, &Interleaved::new(set, [image]).images(), &layers, MAPS)
}

fn values_of(output: &Tensor) -> Vec<f32> {
    output.cast(DType::F32).to_vec()
}
