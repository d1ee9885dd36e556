//! Square cells in rows and columns, as grids of numbers are drawn.

use crate::draw::{Brush, Font, Rect, Svg};

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

    /// A text in the middle of every cell, in letters of `size` or as much smaller as it needs.
    pub fn write(&self, svg: &mut Svg, size: f64, text: impl Fn(usize, usize) -> String) {
        let room = self.side - 10.0;
        for row in 0..self.rows {
            for column in 0..self.columns {
                let text = text(row, column);
                let font =
                    Font::new((room / Font::new(1.0).width(&text).max(0.1)).clamp(14.0, size.max(14.0)));
                let (x, y) = self.cell(row, column).center();
                svg.text(x, y, &font.fit(&text, room), font.middle());
            }
        }
    }
}

/// The box `by` px smaller on each side.
pub(super) fn inset(r: Rect, by: f64) -> Rect {
    Rect::new(r.x + by, r.y + by, r.w - 2.0 * by, r.h - 2.0 * by)
}
