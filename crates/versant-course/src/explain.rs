//! A look inside a trained model: what its channels see, its filters, its feature maps.   [course: B17]

use versant::autograd::no_grad;
use versant::data::Dataset;
use versant::nn::{Context, Observation};
use versant::{DType, Error, Result, Tensor};

use crate::config::did_you_mean;
use crate::data::Samples;
use crate::draw::Picture;
use crate::figures::channel_gallery::{ChannelRow, Labelled, channel_gallery};
use crate::pictures::{Interleaved, draw_features};
use crate::session::{Places, images};
use crate::similarity::{Neighbour, nearest, similarity};
use crate::trained::Trained;
use crate::ui::Ui;

/// Images that are looked at in one forward pass.
const AT_A_TIME: usize = 250;
/// Channels that are shown when none are named.
const CHANNELS: usize = 6;

/// A trained model with the images of its test part.
pub struct Explanation {
    trained: Trained,
    samples: Samples,
}

/// The images that one channel takes for most like the one that was asked about.
pub struct Channel {
    /// Its number.
    pub number: usize,
    /// From the most to the least alike, the image itself first.
    pub nearest: Vec<Neighbour>,
    /// The channel's output for each of them, one map after another.
    maps: Vec<f32>,
    size: [usize; 2],
}

impl Explanation {
    /// Takes the data of a run.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn new(trained: Trained, places: &Places, ui: &mut dyn Ui) -> Result<Explanation> {
        let samples = trained.samples(places, ui)?;
        Ok(Explanation { trained, samples })
    }

    /// The name of an image's class.
    pub fn class_of(&self, image: usize) -> &str {
        &self.samples.classes[self.samples.test.labels[image] as usize]
    }

    /// Compares channels of a layer for one image of the test part with the same channels for every other; without
    /// channels, those that answer most strongly to the image. The `top` most alike of each are kept.
    ///
    /// # Errors
    /// When there is no such layer, channel or image.
    pub fn channels(
        &self,
        layer: &str,
        channels: &[usize],
        image: usize,
        top: usize,
        ui: &mut dyn Ui,
    ) -> Result<Vec<Channel>> {
        let query = self.output(layer, image)?;
        let size = match query.shape()[1..] {
            [_, height, width] => [height, width],
            [_] => [1, 1],
            _ => {
                return Err(Error::Config(format!("{layer} gives {}, which has no channels", query.shape())));
            }
        };
        let count = query.shape()[1];
        if let Some(none) = channels.iter().find(|&&c| c >= count) {
            return Err(Error::Config(format!("{layer} has no channel {none}; it has 0 to {}", count - 1)));
        }
        let chosen = if channels.is_empty() { strongest(&query) } else { channels.to_vec() };
        let similarities = self.similarities(layer, &chosen, &query, ui)?;
        let channel = |(number, similarities): (usize, Vec<f32>)| {
            let nearest = nearest(&similarities, image, top);
            let shown: Vec<usize> = nearest.iter().map(|n| n.image).collect();
            let maps = maps_of(&find(&self.pass(&shown), layer)?.output, number);
            Ok(Channel { number, nearest, maps, size })
        };
        chosen.into_iter().zip(similarities).map(channel).collect()
    }

    /// For each channel its similarity on every image of the test part to its output in `query`.
    fn similarities(
        &self,
        layer: &str,
        channels: &[usize],
        query: &Tensor,
        ui: &mut dyn Ui,
    ) -> Result<Vec<Vec<f32>>> {
        let own: Vec<Vec<f32>> = channels.iter().map(|&c| maps_of(query, c)).collect();
        let mut all = vec![Vec::new(); channels.len()];
        let indices: Vec<usize> = (0..self.samples.test.count()).collect();
        for some in indices.chunks(AT_A_TIME) {
            let seen = self.pass(some);
            let output = &find(&seen, layer)?.output;
            for ((found, own), &channel) in all.iter_mut().zip(&own).zip(channels) {
                let maps = maps_of(output, channel);
                found.extend(maps.chunks_exact(own.len()).map(|other| similarity(own, other)));
            }
            ui.progress("images compared", some[some.len() - 1] + 1, indices.len());
        }
        Ok(all)
    }

    /// The page of the channels: a row for each.
    pub fn page(&self, layer: &str, channels: &[Channel]) -> Picture {
        let test = &self.samples.test;
        let shown: Vec<usize> = channels.iter().flat_map(|c| c.nearest.iter().map(|n| n.image)).collect();
        let bytes = Interleaved::new(test, shown.iter().copied());
        let labels: Vec<usize> = shown.iter().map(|&i| test.labels[i] as usize).collect();
        // The figure knows the images that it shows and no others.
        let mut next = 0..;
        let renumbered: Vec<Vec<Neighbour>> = channels
            .iter()
            .map(|c| c.nearest.iter().zip(&mut next).map(|(n, image)| Neighbour { image, ..*n }).collect())
            .collect();
        let rows: Vec<ChannelRow> = channels
            .iter()
            .zip(&renumbered)
            .map(|(c, nearest)| ChannelRow {
                layer,
                channel: c.number,
                nearest,
                maps: &c.maps,
                map_size: (c.size[0], c.size[1]),
            })
            .collect();
        let set = Labelled { images: bytes.images(), labels: &labels, names: &self.samples.classes };
        let image = channels.first().and_then(|c| c.nearest.first()).map_or(0, |query| query.image);
        channel_gallery(&format!("{}, image {image}", self.trained.recipe()), &set, &rows)
    }

    /// What becomes of an image from layer to layer.
    ///
    /// # Errors
    /// When there is no such image.
    pub fn features(&self, image: usize) -> Result<Picture> {
        self.check_image(image)?;
        let title = format!("{}, image {image} ({})", self.trained.recipe(), self.class_of(image));
        Ok(draw_features(&title, &self.samples.test, image, &self.pass(&[image])))
    }

    fn check_image(&self, image: usize) -> Result<()> {
        let test = &self.samples.test;
        if image < test.count() {
            return Ok(());
        }
        let last = test.count() - 1;
        Err(Error::Config(format!("there is no image {image}; {} has 0 to {last} to test", test.source)))
    }

    /// A layer's output for one image, [1, channels, ...].
    fn output(&self, layer: &str, image: usize) -> Result<Tensor> {
        self.check_image(image)?;
        Ok(find(&self.pass(&[image]), layer)?.output.clone())
    }

    fn pass(&self, indices: &[usize]) -> Vec<Observation> {
        let batch = images(&self.samples, &self.samples.test).batch(indices, 0);
        let mut cx = Context::eval().observing();
        no_grad(|| self.trained.model().forward(&batch.x, &mut cx));
        cx.observations().to_vec()
    }
}

/// The layer of that name.
fn find<'a>(seen: &'a [Observation], layer: &str) -> Result<&'a Observation> {
    seen.iter().find(|o| o.path == layer).ok_or_else(|| {
        let names: Vec<&str> = seen.iter().map(|o| o.path.as_str()).collect();
        let hint = did_you_mean(layer, names.iter().copied());
        Error::Config(format!("the model has no layer `{layer}`{hint}; its layers are: {}", names.join(", ")))
    })
}

/// One channel's maps of a layer's output [n, channels, ...], one image after another.
fn maps_of(output: &Tensor, channel: usize) -> Vec<f32> {
    output.select(1, channel).cast(DType::F32).to_vec()
}

/// The channels with the largest sums of squares, the strongest first; of equals the first.
fn strongest(output: &Tensor) -> Vec<usize> {
    let energy: Vec<f32> = output.select(0, 0).square().flatten(1).sum_axes([1]).to_vec();
    let mut order: Vec<usize> = (0..energy.len()).collect();
    order.sort_by(|&a, &b| energy[b].total_cmp(&energy[a]));
    order.truncate(CHANNELS);
    order
}
