//! What the filters of a convolution look for.   [course: B17]

use super::weights::{GAP, LABEL, LABEL_ROW, color_bar, layout, limit};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{Brush, Color, Font, GREY, Picture, Pixels, Rect, Svg, diverging};

/// The weights of a convolution, [filters, channels, height, width].
#[derive(Clone, Copy, Debug)]
pub struct Filters<'a> {
    /// Row by row, channel by channel, filter by filter.
    pub weights: &'a [f32],
    /// Channels that each filter looks at.
    pub channels: usize,
    /// Rows of a filter.
    pub height: usize,
    /// Columns of a filter.
    pub width: usize,
}

/// Channels of a filter that are shown where they are not three.
const MOST_CHANNELS: usize = 16;
const FRAME: Brush = Brush::line(Color(150, 150, 150), 1.0);

/// The first `most` filters on one scale for all, symmetric about zero. Filters of three channels are colour images:
/// grey is zero, and a colour is what the filter answers to. Filters of one channel are red where positive and blue
/// where negative; filters of more are rows of such images, one for each of up to 16 channels. The scale ends where
/// 99.5 % of the weights lie.
///
/// # Panics
/// If the weights are no whole number of filters.
#[track_caller]
pub fn filters(name: &str, layer: &Filters, most: usize) -> Picture {
    let Filters { channels, height, width, .. } = *layer;
    let size = channels * height * width;
    assert!(
        size > 0 && layer.weights.len().is_multiple_of(size),
        "filters: {} weights are no filters of {channels} x {height} x {width}",
        layer.weights.len()
    );
    let all = layer.weights.len() / size;
    let shown = most.min(all);
    let title = match shown {
        _ if shown < all => format!("{name}: the first {shown} of {all} filters"),
        1 => format!("{name}: the one filter"),
        _ => format!("{name}: the {shown} filters"),
    };
    if matches!(channels, 1 | 3) { layer.draw_grid(&title, shown) } else { layer.draw_rows(&title, shown) }
}

/// A weight of all three colour channels in -1..=1: grey is zero.
fn grey(value: f64) -> Color {
    let level = byte(value);
    Color(level, level, level)
}

/// 128 is zero, also for what is no number.
fn byte(value: f64) -> u8 {
    if value.is_nan() { 128 } else { (127.5 + 127.5 * value.clamp(-1.0, 1.0)).round() as u8 }
}

impl Filters<'_> {
    fn scaled(&self, filter: usize, channel: usize, x: usize, y: usize, limit: f32) -> f64 {
        let at = ((filter * self.channels + channel) * self.height + y) * self.width + x;
        (self.weights[at] / limit) as f64
    }

    fn beyond(&self, limit: f32) -> bool {
        self.weights.iter().any(|w| w.abs() > limit)
    }

    /// One tile a filter.
    fn draw_grid(&self, title: &str, shown: usize) -> Picture {
        let (columns, zoom) = layout(shown.max(1), self.height, self.width);
        let (w, h) = (self.width as f64 * zoom, self.height as f64 * zoom);
        let rows = shown.div_ceil(columns).max(1);
        let height = TOP + rows as f64 * (h + LABEL_ROW + GAP) + 66.0;
        let colored = self.channels == 3;
        let reading = if colored {
            "Grey: no weight; a colour: the filter answers to that colour there, and against its opposite"
        } else {
            "Red: a bright pixel here raises the filter's answer; blue: it lowers it; white: it does not matter"
        };
        let mut svg = sheet(title, reading, height);
        let limit = limit(self.weights);
        let spare = WIDTH - 2.0 * MARGIN - columns as f64 * (w + GAP) + GAP;
        for filter in 0..shown {
            let x = MARGIN + 0.5 * spare + (filter % columns) as f64 * (w + GAP);
            let y = TOP + (filter / columns) as f64 * (h + LABEL_ROW + GAP);
            let value = |channel, x, y| self.scaled(filter, channel, x, y, limit);
            let color = |x: usize, y: usize| {
                if colored {
                    Color(byte(value(0, x, y)), byte(value(1, x, y)), byte(value(2, x, y)))
                } else {
                    diverging(value(0, x, y))
                }
            };
            draw_tile(&mut svg, Rect::new(x, y, w, h), &Pixels::from_fn(self.width, self.height, color));
            svg.text(x + 0.5 * w, y + h + 15.0, &LABEL.fit(&filter.to_string(), w + GAP - 2.0), LABEL);
        }
        color_bar(&mut svg, limit, self.beyond(limit), height - 52.0, if colored { grey } else { diverging });
        svg.finish()
    }

    /// One row a filter, one tile a channel.
    fn draw_rows(&self, title: &str, shown: usize) -> Picture {
        const LEFT: f64 = 104.0;
        const HEAD: f64 = 44.0;
        let columns = self.channels.min(MOST_CHANNELS);
        let wide = (WIDTH - 2.0 * MARGIN - LEFT + GAP) / columns as f64 - GAP;
        let w = wide.min(60.0).min(60.0 * self.width as f64 / self.height as f64);
        let h = w * self.height as f64 / self.width as f64;
        let height = TOP + HEAD + shown as f64 * (h + GAP) + 74.0;
        let reading = if columns < self.channels {
            format!("The first {columns} of {} input channels; red: positive, blue: negative", self.channels)
        } else {
            "A row for each filter, a tile for each input channel; red: positive, blue: negative".to_owned()
        };
        let mut svg = sheet(title, &reading, height);
        let limit = limit(self.weights);
        let left = MARGIN + LEFT;
        svg.text(left, TOP, "input channel", Font::new(16.0).color(GREY));
        for channel in 0..columns {
            let x = left + channel as f64 * (w + GAP) + 0.5 * w;
            svg.text(x, TOP + 26.0, &LABEL.fit(&channel.to_string(), w + GAP - 2.0), LABEL);
        }
        for filter in 0..shown {
            let y = TOP + HEAD + filter as f64 * (h + GAP);
            let label = Font::new(16.0);
            svg.text(
                left - 14.0,
                y + 0.5 * h,
                &label.fit(&format!("filter {filter}"), LEFT - 14.0),
                label.end(),
            );
            for channel in 0..columns {
                let color = |x: usize, y: usize| diverging(self.scaled(filter, channel, x, y, limit));
                let at = Rect::new(left + channel as f64 * (w + GAP), y, w, h);
                draw_tile(&mut svg, at, &Pixels::from_fn(self.width, self.height, color));
            }
        }
        color_bar(&mut svg, limit, self.beyond(limit), height - 52.0, diverging);
        svg.finish()
    }
}

fn draw_tile(svg: &mut Svg, at: Rect, pixels: &Pixels) {
    svg.image(at, pixels);
    svg.rect(at, FRAME);
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn any_number_of_filters_of_any_shape() {
        for (count, channels, height, width) in [
            (0, 3, 3, 3),
            (1, 3, 5, 5),
            (6, 3, 5, 5),
            (32, 1, 3, 3),
            (64, 3, 7, 7),
            (16, 6, 5, 5),
            (300, 40, 1, 3),
            (2, 2, 50, 1),
        ] {
            let weights: Vec<f32> =
                (0..count * channels * height * width).map(|i| (i as f32).sin()).collect();
            check(&filters("conv1", &Filters { weights: &weights, channels, height, width }, 64));
        }
    }

    #[test]
    fn numbers_that_are_none_can_be_drawn() {
        for value in [0.0, f32::NAN, f32::NEG_INFINITY, f32::MIN_POSITIVE] {
            for channels in [1, 2, 3] {
                let weights = vec![value; 2 * channels * 9];
                check(&filters("w", &Filters { weights: &weights, channels, height: 3, width: 3 }, 9));
            }
        }
    }

    #[test]
    fn a_filter_of_red_is_red() {
        let picture =
            filters("w", &Filters { weights: &[1.0, -1.0, -1.0], channels: 3, height: 1, width: 1 }, 1);
        let png = image::load_from_memory(&picture.to_png(1.0).unwrap()).unwrap().to_rgb8();
        assert!(png.pixels().filter(|p| p.0 == [255, 0, 0]).count() > 20_000);
        assert!(picture.svg().contains("w: the one filter"));
    }

    #[test]
    #[should_panic(expected = "10 weights are no filters of 3 x 1 x 1")]
    fn weights_must_fit() {
        filters("w", &Filters { weights: &[0.0; 10], channels: 3, height: 1, width: 1 }, 1);
    }
}
