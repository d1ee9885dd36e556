//! Feature maps as tiles.

use crate::draw::{Brush, Color, Font, Pixels, Rect, Svg, viridis};

/// A channel's output for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MapKind {
    /// Values differ.
    Alive,
    /// All are 0: no gradient comes through a ReLU that gives nothing else.
    Dead,
    /// All are the same number, or none is finite.
    Constant,
}

/// The least and the largest finite value; `None` without one.
fn range(values: &[f32]) -> Option<(f32, f32)> {
    values.iter().filter(|v| v.is_finite()).fold(None, |range, &v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })
}

pub(super) fn kind(values: &[f32]) -> MapKind {
    match range(values) {
        Some((low, high)) if low < high => MapKind::Alive,
        Some((0.0, _)) => MapKind::Dead,
        _ => MapKind::Constant,
    }
}

/// A map of `rows` x `columns` values, stretched over a box: from its own least value, dark blue, to its own
/// largest, yellow. One without differences is a crossed-out grey box, told "dead" or "const." where that fits.
pub(super) fn draw_map(svg: &mut Svg, at: Rect, values: &[f32], rows: usize, columns: usize) {
    const LINE: Color = Color(150, 150, 150);
    let (low, high) = range(values).map_or((0.0, 0.0), |(low, high)| (low as f64, high as f64));
    if low < high {
        let color = |x: usize, y: usize| viridis((values[y * columns + x] as f64 - low) / (high - low));
        svg.image(at, &Pixels::from_fn(columns, rows, color));
        return;
    }
    svg.rect(at, Brush::fill(Color(232, 232, 232)).outlined(LINE, 1.0));
    svg.line((at.x, at.y), (at.right(), at.bottom()), Brush::line(Color(200, 200, 200), 1.5));
    svg.line((at.x, at.bottom()), (at.right(), at.y), Brush::line(Color(200, 200, 200), 1.5));
    let word = if kind(values) == MapKind::Dead { "dead" } else { "const." };
    let font = Font::new(14.0).bold();
    if font.width(word) + 4.0 <= at.w && at.h > 18.0 {
        let (x, y) = at.center();
        svg.text(x, y, word, font.middle());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(kind(&[0.0, -0.0]), MapKind::Dead);
        assert_eq!(kind(&[0.5, 0.5]), MapKind::Constant);
        assert_eq!(kind(&[0.5, f32::NAN]), MapKind::Constant);
        assert_eq!(kind(&[f32::INFINITY; 2]), MapKind::Constant);
        assert_eq!(kind(&[0.5, f32::NAN, 0.25]), MapKind::Alive);
    }
}
