//! Square cells in rows and columns, as grids of numbers are drawn.

use crate::draw::{Brush, Color, Font, INK, Rect, Svg};

/// A grid of equal squares by its left upper corner.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    pub x: f64,
    pub y: f64,
    pub side: f64,
    pub rows: usize,
    pub columns: usize,
}

impl Cells {
    /// A square grid around a middle.
    pub fn centered((x, y): (f64, f64), side: f64, count: usize) -> Cells {
        let half = 0.5 * side * count as f64;
        Cells { x: x - half, y: y - half, side, rows: count, columns: count }
    }

    /// The grid's outline.
    pub fn area(&self) -> Rect {
        self.span(0, 0, self.rows, self.columns)
    }

    /// One cell.
    pub fn cell(&self, row: usize, column: usize) -> Rect {
        self.span(row, column, 1, 1)
    }

    /// The outline of some rows and columns from a cell on.
    pub fn span(&self, row: usize, column: usize, rows: usize, columns: usize) -> Rect {
        let size = |count: usize| count as f64 * self.side;
        Rect::new(self.x + size(column), self.y + size(row), size(columns), size(rows))
    }

    /// Every cell in the brush that its row and column have.
    pub fn draw(&self, svg: &mut Svg, brush: impl Fn(usize, usize) -> Brush) {
        for row in 0..self.rows {
            for column in 0..self.columns {
                svg.rect(self.cell(row, column), brush(row, column));
            }
        }
    }

    /// A text in the middle of every cell, as [`write_in`] sets it.
    pub fn write(&self, svg: &mut Svg, size: f64, text: impl Fn(usize, usize) -> String) {
        for row in 0..self.rows {
            for column in 0..self.columns {
                write_in(svg, self.cell(row, column), &text(row, column), size, INK);
            }
        }
    }
}

/// A text in the middle of a box, in letters of `size` or as much smaller as it needs; none where even the smallest
/// letters do not fit.
pub(super) fn write_in(svg: &mut Svg, at: Rect, text: &str, size: f64, color: Color) {
    let fitting = (at.w - 8.0) / Font::new(1.0).width(text).max(0.1);
    let font = Font::new(fitting.clamp(14.0, size.max(14.0))).color(color);
    if font.width(text) <= at.w - 2.0 {
        svg.text(at.center().0, at.center().1, text, font.middle());
    }
}

/// The box `by` px smaller on each side.
pub(super) fn inset(r: Rect, by: f64) -> Rect {
    Rect::new(r.x + by, r.y + by, r.w - 2.0 * by, r.h - 2.0 * by)
}
