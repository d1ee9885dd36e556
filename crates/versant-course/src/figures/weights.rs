//! What the units of a first layer look for.   [course: A6]

use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{Brush, Color, Font, GREY, Picture, Pixels, Rect, Svg, diverging, tick_labels};

/// The weights of a layer that looks at images of one channel: a matrix [out, in] with in = `height * width`.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The matrix, row by row.
    pub matrix: &'a [f32],
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Names of the units; none: their numbers.
    pub names: &'a [String],
}

pub(super) const GAP: f64 = 12.0;
pub(super) const LABEL: Font = Font::new(15.0).middle();
pub(super) const LABEL_ROW: f64 = 26.0;

/// The first `most` units' weights as images: positive red, negative blue, zero white, on one scale for all,
/// symmetric about zero. The scale ends where 99.5 % of the weights lie; the few beyond have the colour of
/// its end.
///
/// # Panics
/// If the matrix is not a multiple of `height * width` long, or names are given but not one for each unit.
#[track_caller]
pub fn weights(name: &str, layer: &Weights, most: usize) -> Picture {
    let size = layer.height * layer.width;
    assert!(
        size > 0 && layer.matrix.len().is_multiple_of(size),
        "weights: {} numbers are no rows of {} x {}",
        layer.matrix.len(),
        layer.height,
        layer.width
    );
    let units = layer.matrix.len() / size;
    assert!(
        layer.names.is_empty() || layer.names.len() == units,
        "weights: one name for each of {units} units"
    );
    let shown = most.min(units);
    let (columns, zoom) = layout(shown.max(1), layer.height, layer.width);
    let tile = Rect::new(0.0, 0.0, layer.width as f64 * zoom, layer.height as f64 * zoom);
    let rows = shown.div_ceil(columns).max(1);
    let height = TOP + rows as f64 * (tile.h + LABEL_ROW + GAP) + 66.0;
    let title = match shown {
        _ if shown < units => format!("{name}: weights of the first {shown} of {units} units"),
        1 => format!("{name}: weights of the one unit"),
        _ => format!("{name}: weights of the {shown} units"),
    };
    let reading =
        "Red: a bright pixel here excites the unit; blue: it inhibits it; white: it does not matter";
    let mut svg = sheet(&title, reading, height);
    let limit = limit(layer.matrix);
    let spare = WIDTH - 2.0 * MARGIN - columns as f64 * (tile.w + GAP) + GAP;
    for (unit, row) in layer.matrix.chunks(size).take(shown).enumerate() {
        let x = MARGIN + 0.5 * spare + (unit % columns) as f64 * (tile.w + GAP);
        let y = TOP + (unit / columns) as f64 * (tile.h + LABEL_ROW + GAP);
        let at = Rect { x, y, ..tile };
        let color = |x: usize, y: usize| diverging((row[y * layer.width + x] / limit) as f64);
        svg.image(at, &Pixels::from_fn(layer.width, layer.height, color));
        svg.rect(at, Brush::line(Color(150, 150, 150), 1.0));
        let label = layer.names.get(unit).cloned().unwrap_or_else(|| unit.to_string());
        svg.text(x + 0.5 * tile.w, y + tile.h + 15.0, &LABEL.fit(&label, tile.w + GAP - 4.0), LABEL);
    }
    let beyond = layer.matrix.iter().any(|w| w.abs() > limit);
    color_bar(&mut svg, limit, beyond, height - 52.0, diverging);
    svg.finish()
}

/// Columns, and px for each weight (whole, unless that leaves none): the largest tiles that keep the figure
/// about as high as a slide; among equals, full rows, then few.
pub(super) fn layout(tiles: usize, height: usize, width: usize) -> (usize, f64) {
    const ROOM_HIGH: f64 = 760.0;
    let room = WIDTH - 2.0 * MARGIN + GAP;
    let (w, h) = (width as f64, height as f64);
    let zoom = |columns: usize| {
        let rows = tiles.div_ceil(columns) as f64;
        let wide = (room / columns as f64 - GAP) / w;
        // Tiles less than 30 px high are not worth their labels; the figure grows instead.
        let high = (ROOM_HIGH / rows - GAP - LABEL_ROW).max(30.0) / h;
        let zoom = wide.min(high).min(240.0 / w.max(h));
        if zoom >= 1.0 { zoom.floor() } else { zoom }
    };
    let rank = |columns: &usize| (zoom(*columns), tiles.is_multiple_of(*columns), *columns);
    let better = |a: &(f64, bool, usize), b: &(f64, bool, usize)| {
        a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)))
    };
    let best = (1..=tiles.min(24)).max_by(|a, b| better(&rank(a), &rank(b))).unwrap_or(1);
    (best, zoom(best))
}

/// The magnitude that 99.5 % of the finite weights do not exceed; 1 where all are zero.
pub(super) fn limit(matrix: &[f32]) -> f32 {
    let mut magnitudes: Vec<f32> = matrix.iter().map(|w| w.abs()).filter(|w| w.is_finite()).collect();
    magnitudes.sort_unstable_by(f32::total_cmp);
    let last = magnitudes.len().saturating_sub(1);
    let largest = magnitudes.last().copied().unwrap_or(0.0);
    match magnitudes.get((0.995 * last as f64).ceil() as usize) {
        Some(&m) if m > 0.0 => m,
        _ if largest > 0.0 => largest,
        _ => 1.0,
    }
}

/// The scale of colours, with its ends and zero named; and told where weights lie beyond the ends.
pub(super) fn color_bar(svg: &mut Svg, limit: f32, beyond: bool, y: f64, color: fn(f64) -> Color) {
    const FONT: Font = Font::new(15.0).middle();
    const BAR: f64 = 420.0;
    const STEPS: usize = 84;
    let x = 0.5 * (WIDTH - BAR);
    let middle = (STEPS / 2) as f64;
    let pixels = Pixels::from_fn(STEPS + 1, 1, |i, _| color((i as f64 - middle) / middle));
    let bar = Rect::new(x, y, BAR, 16.0);
    svg.image(bar, &pixels);
    svg.rect(bar, Brush::line(Color(150, 150, 150), 1.0));
    // Two significant digits say enough.
    let rounded: f64 = format!("{limit:.1e}").parse().unwrap_or(limit as f64);
    let labels = tick_labels(&[-rounded, 0.0, rounded]);
    for (i, label) in labels.iter().enumerate() {
        let label = match i {
            0 if beyond => format!("≤ {label}"),
            1 => "0".to_owned(),
            2 if beyond => format!("≥ {label}"),
            _ => label.clone(),
        };
        svg.text(x + 0.5 * BAR * i as f64, y + 32.0, &label, FONT);
    }
    svg.text(x - 14.0, y + 8.0, "negative", FONT.end().color(GREY));
    svg.text(x + BAR + 14.0, y + 8.0, "positive", Font::new(15.0).color(GREY));
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn layer(matrix: &[f32], height: usize, width: usize) -> Weights<'_> {
        Weights { matrix, height, width, names: &[] }
    }

    #[test]
    fn any_number_of_units_of_any_size() {
        for (units, height, width) in
            [(0, 3, 3), (1, 28, 28), (10, 28, 28), (300, 5, 5), (4, 200, 1), (3, 1, 2000)]
        {
            let matrix: Vec<f32> = (0..units * height * width).map(|i| (i as f32).sin()).collect();
            check(&weights("layer 1", &layer(&matrix, height, width), 128));
        }
    }

    #[test]
    fn numbers_that_are_none_and_zeros_can_be_drawn() {
        for value in [0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, f32::MAX] {
            check(&weights("w", &layer(&[value; 18], 3, 3), 9));
        }
    }

    #[test]
    fn one_outlier_does_not_pale_the_rest() {
        let mut matrix = vec![0.1; 999];
        matrix.push(100.0);
        assert_eq!(limit(&matrix), 0.1);
        assert_eq!(limit(&[0.0; 5]), 1.0);
        assert_eq!(limit(&[f32::NAN, 2.0]), 2.0);
    }

    #[test]
    fn positive_weights_are_red_in_the_png() {
        let picture = weights("w", &layer(&[1.0, -1.0], 1, 2), 1);
        let png = image::load_from_memory(&picture.to_png(1.0).unwrap()).unwrap().to_rgb8();
        let count = |is: fn(&[u8; 3]) -> bool| png.pixels().filter(|p| is(&p.0)).count();
        assert!(count(|p| p == &[103, 0, 31]) > 5000 && count(|p| p == &[5, 48, 97]) > 5000);
    }

    #[test]
    #[should_panic(expected = "7 numbers are no rows of 2 x 3")]
    fn the_matrix_must_fit_the_image() {
        weights("w", &layer(&[0.0; 7], 2, 3), 1);
    }
}
