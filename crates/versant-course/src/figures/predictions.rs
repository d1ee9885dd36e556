//! Images with what they are, what they were taken for, and how surely.   [course: A20]

use std::cmp::Reverse;

use super::{MARGIN, TOP, WIDTH, grouped, percent, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, Picture, Pixels, Rect, Svg, VERMILLION};

/// Classified images, all of one size.
#[derive(Clone, Copy, Debug)]
pub struct Predictions<'a> {
    /// The images one after another, each `height * width * channels` bytes, channels interleaved.
    pub images: &'a [u8],
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// 1 (greyscale) or 3 (RGB).
    pub channels: usize,
    /// The true class of each image.
    pub labels: &'a [usize],
    /// For each image the probability of every class, one image after another.
    pub probabilities: &'a [f32],
    /// The classes' names.
    pub names: &'a [String],
}

const COLUMNS: usize = 5;
const GAP: f64 = 26.0;
const TILE: f64 = (WIDTH - 2.0 * MARGIN - GAP * (COLUMNS - 1) as f64) / COLUMNS as f64;
const PICTURE: f64 = 168.0;
const TEXT: Font = Font::new(17.0);
const BAR_TEXT: Font = Font::new(14.0);
const BAR_ROW: f64 = 23.0;
const TOP_CLASSES: usize = 3;
const TILE_HEIGHT: f64 = PICTURE + 68.0 + TOP_CLASSES as f64 * BAR_ROW;

/// Up to `most` images, five to a row: the mistakes first, the worst (the least probability for the true
/// class) at the start; then, in the room that is left, the surest hits. Below each image are its three most
/// probable classes; the third gives way to the true class if that is not among them.
///
/// # Panics
/// If the lengths do not fit together, or a label is no class.
#[track_caller]
pub fn predictions(name: &str, set: &Predictions, most: usize) -> Picture {
    set.check();
    let order = set.order();
    let mistakes = order.iter().take_while(|&&i| set.predicted(i) != set.labels[i]).count();
    let shown = &order[..most.min(order.len())];
    let rows = shown.len().div_ceil(COLUMNS).max(1);
    let title = match mistakes {
        0 => format!("{name}: no mistakes"),
        _ if mistakes >= shown.len() => format!("{name}: the worst mistakes"),
        1 => format!("{name}: the one mistake, and the surest hits"),
        _ => format!("{name}: all mistakes, and the surest hits"),
    };
    let reading = format!(
        "{} of {} test images wrong. Bars: probabilities of the top classes, outlined: the true class",
        grouped(mistakes),
        grouped(set.labels.len())
    );
    let mut svg = sheet(&title, &reading, TOP + rows as f64 * (TILE_HEIGHT + GAP) + 10.0);
    for (place, &index) in shown.iter().enumerate() {
        let x = MARGIN + (place % COLUMNS) as f64 * (TILE + GAP);
        let y = TOP + (place / COLUMNS) as f64 * (TILE_HEIGHT + GAP);
        set.draw_tile(&mut svg, index, x, y);
    }
    svg.finish()
}

impl Predictions<'_> {
    #[track_caller]
    fn check(&self) {
        let (n, k) = (self.labels.len(), self.names.len());
        let bytes = n * self.height * self.width * self.channels;
        assert_eq!(self.images.len(), bytes, "predictions: bytes of {n} images");
        assert_eq!(
            self.probabilities.len(),
            n * k,
            "predictions: probabilities of {n} images and {k} classes"
        );
        assert!(
            self.labels.iter().all(|&label| label < k),
            "predictions: a label is none of the {k} classes"
        );
    }

    fn row(&self, index: usize) -> &[f32] {
        let k = self.names.len();
        &self.probabilities[index * k..(index + 1) * k]
    }

    /// Classes by falling probability; the earlier of equals first, numbers that are none last.
    fn ranking(&self, index: usize) -> Vec<usize> {
        let row = self.row(index);
        let key = |class: usize| if row[class].is_nan() { f32::NEG_INFINITY } else { row[class] };
        let mut classes: Vec<usize> = (0..row.len()).collect();
        classes.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
        classes
    }

    fn predicted(&self, index: usize) -> usize {
        self.ranking(index)[0]
    }

    /// Mistakes by rising, then hits by falling probability of the true class.
    fn order(&self) -> Vec<usize> {
        let mut keyed: Vec<_> = (0..self.labels.len())
            .map(|i| {
                let p = self.row(i)[self.labels[i]];
                // Probabilities are not negative, so their bits are ordered as they are.
                let bits = if p > 0.0 { p.to_bits() } else { 0 };
                let right = self.predicted(i) == self.labels[i];
                (right, if right { Err(Reverse(bits)) } else { Ok(bits) }, i)
            })
            .collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, _, i)| i).collect()
    }

    fn draw_tile(&self, svg: &mut Svg, index: usize, x: f64, y: f64) {
        let (truth, ranking) = (self.labels[index], self.ranking(index));
        let right = ranking[0] == truth;
        let (color, sign) = if right { (BLUE, "✓") } else { (VERMILLION, "✗") };
        self.draw_image(svg, index, Rect::new(x, y, PICTURE, PICTURE), color);
        svg.text(x + PICTURE + 10.0, y + 12.0, sign, Font::new(26.0).bold().color(color));
        let line = y + PICTURE + 22.0;
        let names =
            [("predicted ", ranking[0], TEXT.bold().color(color)), ("true class ", truth, TEXT.bold())];
        for (row, (word, class, font)) in names.into_iter().enumerate() {
            let (at, line) = (x + TEXT.width(word), line + 24.0 * row as f64);
            svg.text(x, line, word, TEXT.color(GREY));
            svg.text(at, line, &font.fit(&self.names[class], x + TILE - at), font);
        }
        let mut bars: Vec<usize> = ranking.into_iter().take(TOP_CLASSES).collect();
        if let (false, Some(last)) = (bars.contains(&truth), bars.last_mut()) {
            *last = truth;
        }
        for (place, class) in bars.iter().enumerate() {
            let at = line + 50.0 + place as f64 * BAR_ROW;
            self.draw_bar(svg, index, *class, x, at);
        }
    }

    /// The image as large as fits with whole px for each of its pixels, framed in the colour of the outcome.
    fn draw_image(&self, svg: &mut Svg, index: usize, room: Rect, color: Color) {
        let size = self.height * self.width * self.channels;
        let bytes = &self.images[index * size..(index + 1) * size];
        let pixels = Pixels::from_bytes(self.height, self.width, self.channels, bytes);
        let fit = (room.w / self.width as f64).min(room.h / self.height as f64);
        let zoom = if fit >= 1.0 { fit.floor() } else { fit };
        let (w, h) = (self.width as f64 * zoom, self.height as f64 * zoom);
        let at = Rect::new(room.x + 0.5 * (room.w - w), room.y + 0.5 * (room.h - h), w, h);
        svg.image(at, &pixels);
        svg.rect(Rect::new(at.x - 2.0, at.y - 2.0, w + 4.0, h + 4.0), Brush::line(color, 4.0));
    }

    fn draw_bar(&self, svg: &mut Svg, index: usize, class: usize, x: f64, y: f64) {
        const NUMBER: f64 = 62.0;
        let name_room = self.names.iter().map(|n| BAR_TEXT.width(n)).fold(0.0, f64::max).min(0.41 * TILE);
        let p = self.row(index)[class] as f64;
        let truth = class == self.labels[index];
        svg.text(x, y, &BAR_TEXT.fit(&self.names[class], name_room), BAR_TEXT);
        let left = x + name_room + 8.0;
        let full = x + TILE - NUMBER - left;
        let bar = |w: f64| Rect::new(left, y - 7.0, w, 14.0);
        let color = if truth { BLUE } else { VERMILLION };
        let length = if p.is_finite() { full * p.clamp(0.0, 1.0) } else { 0.0 };
        svg.rect(bar(full), Brush::fill(Color(240, 240, 240)));
        svg.rect(bar(length), Brush::fill(color.mix(Color(255, 255, 255), 0.25)));
        if truth {
            svg.rect(bar(full), Brush::line(BLUE, 2.0));
        }
        svg.text(x + TILE, y, &percent(p), BAR_TEXT.end());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn names(k: usize) -> Vec<String> {
        (0..k).map(|i| format!("<{i}>")).collect()
    }

    fn set<'a>(images: &'a [u8], labels: &'a [usize], p: &'a [f32], names: &'a [String]) -> Predictions<'a> {
        Predictions { images, height: 2, width: 3, channels: 1, labels, probabilities: p, names }
    }

    #[test]
    fn worst_mistakes_first_then_surest_hits() {
        let (names, images) = (names(2), [9; 30]);
        let p = [0.9, 0.1, 0.4, 0.6, 0.01, 0.99, 0.7, 0.3, 1.0, 0.0];
        let set = set(&images, &[0, 0, 0, 1, 0], &p, &names);
        assert_eq!(set.order(), [2, 3, 1, 4, 0]);
        let picture = predictions("test", &set, 4);
        assert!(picture.svg().contains("3 of 5 test images wrong"));
        assert_eq!((picture.svg().matches('✗').count(), picture.svg().matches('✓').count()), (3, 1));
        check(&picture);
    }

    #[test]
    fn draws_without_images_without_mistakes_and_with_broken_probabilities() {
        let (names, images) = (names(2), [9; 12]);
        check(&predictions("none", &set(&[], &[], &[], &names), 12));
        check(&predictions("right", &set(&images, &[0, 1], &[1.0, 0.0, 0.0, 1.0], &names), 12));
        let nan = [f32::NAN, f32::NAN, f32::INFINITY, -1.0];
        check(&predictions("nan", &set(&images, &[1, 1], &nan, &names), 12));
        check(&predictions("zero tiles", &set(&images, &[1, 1], &nan, &names), 0));
    }

    #[test]
    fn any_image_size_and_long_names() {
        let names = vec!["a very long name of a class".to_owned(); 3];
        for (height, width, channels) in [(1, 1, 1), (500, 20, 3), (3, 300, 1), (32, 32, 3)] {
            let images = vec![77; height * width * channels];
            let (labels, probabilities) = (&[2][..], &[0.2, 0.5, 0.3][..]);
            let set = Predictions {
                images: &images,
                height,
                width,
                channels,
                labels,
                probabilities,
                names: &names,
            };
            check(&predictions("sizes", &set, 6));
        }
    }

    #[test]
    #[should_panic(expected = "probabilities of 1 images and 2 classes")]
    fn lengths_must_agree() {
        predictions("x", &set(&[0; 6], &[0], &[1.0], &names(2)), 1);
    }
}
