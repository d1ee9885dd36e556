//! What becomes of one image from layer to layer.   [course: B17]

use super::images::Images;
use super::maps::{MapKind, draw_map, kind};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{Brush, Color, Font, GREY, Picture, Pixels, Rect, Svg, VERMILLION, viridis};

/// A layer's output for the image.
#[derive(Clone, Copy, Debug)]
pub struct LayerMaps<'a> {
    /// The layer's name and what it is: "conv1", "5×5 conv".
    pub name: &'a str,
    /// Its kind, below the name.
    pub kind: &'a str,
    /// [channels, height, width].
    pub shape: [usize; 3],
    /// The maps, one channel after another.
    pub values: &'a [f32],
}

const LABELS: f64 = 196.0;
const GAP: f64 = 8.0;
const ROW_GAP: f64 = 20.0;
const LINE: f64 = 20.0;
const IMAGE: f64 = 128.0;
const NAME: Font = Font::new(18.0).bold();
const NOTE: Font = Font::new(15.0).color(GREY);

/// The image (the first of `image`) above, then a row for each layer with its first `most` channels, each from its own
/// least value (dark) to its own largest (bright). A channel that gives the same everywhere is crossed out, and
/// counted beside the row, shown or not.
///
/// # Panics
/// If values do not fit a shape, `most` is 0, or there is no image.
#[track_caller]
pub fn feature_maps(name: &str, image: &Images, layers: &[LayerMaps], most: usize) -> Picture {
    assert!(most > 0 && image.count() > 0, "feature_maps: an image and at least one channel");
    for LayerMaps { name, shape, values, .. } in layers {
        assert!(
            shape.iter().product::<usize>() == values.len() && !values.is_empty(),
            "feature_maps: {} values of {name} are not of shape {shape:?}",
            values.len()
        );
    }
    let columns = layers.iter().map(|l| l.shape[0]).max().unwrap_or(1).min(most);
    let wide = ((WIDTH - 2.0 * MARGIN - LABELS + GAP) / columns as f64 - GAP).min(110.0);
    let heights: Vec<f64> =
        layers.iter().map(|l| l.tile(wide).1.max(LINE * l.lines().len() as f64)).collect();
    let top = TOP + IMAGE + 26.0;
    let height = top + heights.iter().map(|h| h + ROW_GAP).sum::<f64>() + 10.0;
    let reading = "Every map from its own least value (dark) to its own largest (bright); \
                   dead: 0 everywhere on this image";
    let mut svg = sheet(&format!("{name}: feature maps"), reading, height);
    image.draw(&mut svg, 0, Rect::new(MARGIN + LABELS, TOP, IMAGE, IMAGE));
    svg.text(MARGIN, TOP + 0.5 * IMAGE - 12.0, "input", NAME);
    let Images { height, width, channels, .. } = image;
    svg.text(MARGIN, TOP + 0.5 * IMAGE + 12.0, &format!("{channels} × {height} × {width}"), NOTE);
    draw_scale(&mut svg, TOP + 0.5 * IMAGE);
    let mut y = top;
    for (layer, height) in layers.iter().zip(heights) {
        layer.draw(&mut svg, y, height, wide, most);
        y += height + ROW_GAP;
    }
    svg.finish()
}

impl LayerMaps<'_> {
    /// Width and height of a tile that is at most `wide` px in both.
    fn tile(&self, wide: f64) -> (f64, f64) {
        let (h, w) = (self.shape[1] as f64, self.shape[2] as f64);
        let zoom = wide / h.max(w);
        (w * zoom, h * zoom)
    }

    /// What stands beside the row.
    fn lines(&self) -> Vec<(String, Font)> {
        let [channels, rows, columns] = self.shape;
        let count =
            |wanted: MapKind| self.values.chunks(rows * columns).filter(|m| kind(m) == wanted).count();
        let told: Vec<String> = [(count(MapKind::Dead), "dead"), (count(MapKind::Constant), "constant")]
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}"))
            .collect();
        let lines = [
            (self.name.to_owned(), NAME),
            (self.kind.to_owned(), NOTE),
            (format!("{channels} × {rows} × {columns}"), NOTE),
            (told.join(", "), NOTE.bold().color(VERMILLION)),
        ];
        lines.into_iter().filter(|(text, _)| !text.is_empty()).collect()
    }

    fn draw(&self, svg: &mut Svg, y: f64, height: f64, wide: f64, most: usize) {
        let [_, rows, columns] = self.shape;
        let middle = y + 0.5 * height;
        let room = LABELS - 14.0;
        let lines = self.lines();
        for (i, (text, font)) in lines.iter().enumerate() {
            let at = middle + LINE * (i as f64 - 0.5 * (lines.len() - 1) as f64);
            svg.text(MARGIN, at, &font.fit(text, room), *font);
        }
        let (w, h) = self.tile(wide);
        for (channel, map) in self.values.chunks(rows * columns).take(most).enumerate() {
            let at = Rect::new(MARGIN + LABELS + channel as f64 * (wide + GAP), middle - 0.5 * h, w, h);
            draw_map(svg, at, map, rows, columns);
        }
    }
}

/// The colours of a map, at the right of the image.
fn draw_scale(svg: &mut Svg, y: f64) {
    const BAR: f64 = 240.0;
    const STEPS: usize = 60;
    let x = WIDTH - MARGIN - 80.0 - BAR;
    let pixels = Pixels::from_fn(STEPS, 1, |i, _| viridis(i as f64 / (STEPS - 1) as f64));
    let bar = Rect::new(x, y - 8.0, BAR, 16.0);
    svg.image(bar, &pixels);
    svg.rect(bar, Brush::line(Color(150, 150, 150), 1.0));
    svg.text(x - 12.0, y, "least", NOTE.end());
    svg.text(bar.right() + 12.0, y, "largest", NOTE);
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    const GREY_IMAGE: Images = Images { bytes: &[0, 80, 160, 240, 9, 9], height: 2, width: 3, channels: 1 };

    #[test]
    fn dead_and_constant_channels_are_counted_even_where_they_are_not_shown() {
        let values = [0.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let layer = LayerMaps { name: "conv1", kind: "Conv2d", shape: [5, 1, 2], values: &values };
        let picture = feature_maps("cat <1>", &GREY_IMAGE, &[layer], 3);
        check(&picture);
        for text in ["3 dead, 1 constant", ">conv1<", "5 × 1 × 2", ">Conv2d<", "cat &lt;1&gt;: feature maps"]
        {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_shape_and_any_number() {
        check(&feature_maps("none", &GREY_IMAGE, &[], 4));
        for shape in [[1, 1, 1], [512, 1, 1], [3, 100, 2], [3, 2, 100], [40, 8, 8]] {
            for value in [0.0, f32::NAN, f32::INFINITY, f32::MAX] {
                let mut values = vec![value; shape.iter().product()];
                values[0] = f32::MIN;
                let layer = LayerMaps {
                    name: "layer with a name too long for its room",
                    kind: "",
                    shape,
                    values: &values,
                };
                check(&feature_maps("any", &GREY_IMAGE, &[layer, layer], 16));
            }
        }
    }

    #[test]
    #[should_panic(expected = "3 values of conv1 are not of shape [2, 1, 2]")]
    fn values_must_fit() {
        let layer = LayerMaps { name: "conv1", kind: "", shape: [2, 1, 2], values: &[0.0; 3] };
        feature_maps("x", &GREY_IMAGE, &[layer], 1);
    }
}
