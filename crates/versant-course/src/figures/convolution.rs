//! Where a convolution's window goes, and how large its output is.   [course: B2]

use versant::Window;

use super::cells::{Cells, inset};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREEN, GREY, INK, Picture, Rect, Svg, VERMILLION, WHITE};

/// A convolution along one side of a square image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Cells along a side of the input.
    pub input: usize,
    /// Cells along a side of the window.
    pub kernel: usize,
    /// Cells added on each side.
    pub padding: usize,
    /// Cells from one place of the window to the next.
    pub stride: usize,
}

const LINE: Color = Color(150, 150, 150);
const PAPER: Color = Color(236, 240, 244);
const HEADING: Font = Font::new(19.0).bold();
const NOTE: Font = Font::new(16.0).color(GREY);
const DASH: &[f64] = &[5.0, 4.0];
const OUTPUT_SIZE: &str = "d_{out} = floor((d_{in} + 2p − k) / s) + 1";

impl Geometry {
    /// Cells along a side of the output: floor((input + 2 padding - kernel) / stride) + 1, as [`Window::output`].
    ///
    /// # Panics
    /// If a side or the stride is 0, or the window is larger than the padded input.
    #[track_caller]
    pub fn output(&self) -> usize {
        let Geometry { input, kernel, padding, stride } = *self;
        let window = Window::new([kernel; 2]).stride([stride; 2]).padding([padding; 2]);
        match window.output([input; 2]) {
            Some([output, _]) if input > 0 => output,
            _ => panic!(
                "convolution: a window of {kernel} with stride {stride} has no place on {} cells",
                self.padded()
            ),
        }
    }

    fn padded(&self) -> usize {
        self.input + 2 * self.padding
    }

    fn name(&self) -> String {
        format!("kernel size {}, padding {}, stride {}", self.kernel, self.padding, self.stride)
    }

    /// What the heading says of the places that are shown.
    fn coloured(&self) -> &'static str {
        match self.output() {
            1 => "; there is one place",
            2 => "; the first and the last are coloured",
            _ => "; the first, the next and the last are coloured",
        }
    }

    /// The formula of the output's size with the numbers put in.
    fn numbers(&self) -> String {
        let Geometry { input, kernel, padding, stride } = self;
        format!("floor(({input} + 2·{padding} − {kernel}) / {stride}) + 1 = {}", self.output())
    }

    /// The places of the window that are shown, first to last: where it begins, its next place, and the last.
    fn places(&self) -> Vec<(usize, usize, Color)> {
        let last = self.output() - 1;
        let mut places = vec![(0, 0, BLUE)];
        if last > 1 {
            places.push((0, 1, VERMILLION));
        }
        if last > 0 {
            places.push((last, last, GREEN));
        }
        places
    }
}

/// One convolution: the input with its padding dashed, three places of the window, the output, and the formula of
/// its size.
///
/// ```
/// use versant_course::figures::convolution::{Geometry, convolution};
/// let picture = convolution(&Geometry { input: 7, kernel: 3, padding: 1, stride: 2 });
/// assert!(picture.svg().contains("floor((7 + 2·1 − 3) / 2) + 1 = 4"));
/// ```
///
/// # Panics
/// As [`Geometry::output`].
#[track_caller]
pub fn convolution(geometry: &Geometry) -> Picture {
    const FORMULA: Font = Font::new(27.0);
    geometry.output();
    let mut svg = sheet(
        &format!("Convolution: {}", geometry.name()),
        &format!(
            "Every place of the window on the input gives one cell of the output{}",
            geometry.coloured()
        ),
        TOP + 600.0,
    );
    panel(&mut svg, geometry, Rect::new(MARGIN, TOP + 34.0, WIDTH - 2.0 * MARGIN, 434.0), true);
    let text = format!("{OUTPUT_SIZE}  =  {}", geometry.numbers());
    svg.formula(0.5 * WIDTH, TOP + 550.0, &text, FORMULA.middle());
    svg.finish()
}

/// Several convolutions on one page, three to a row, and the formula of their size.
///
/// # Panics
/// As [`Geometry::output`].
#[track_caller]
pub fn convolutions(all: &[Geometry]) -> Picture {
    const COLUMNS: usize = 3;
    const HEIGHT: f64 = 310.0;
    const GAP: f64 = 30.0;
    all.iter().for_each(|g| _ = g.output());
    let rows = (all.len() + 1).div_ceil(COLUMNS);
    let mut svg = sheet(
        "Convolution: kernel size, padding and stride",
        "Every place of the window on the input gives one cell of the output; \
         the first, the next and the last are coloured",
        TOP + rows as f64 * HEIGHT,
    );
    let width = (WIDTH - 2.0 * MARGIN - (COLUMNS - 1) as f64 * GAP) / COLUMNS as f64;
    let corner = |i: usize| {
        (MARGIN + (i % COLUMNS) as f64 * (width + GAP), TOP + (i / COLUMNS) as f64 * HEIGHT + 12.0)
    };
    for (i, geometry) in all.iter().enumerate() {
        let (x, y) = corner(i);
        svg.text(x, y, &HEADING.fit(&geometry.name(), width), HEADING);
        panel(&mut svg, geometry, Rect::new(x, y + 26.0, width, 200.0), false);
        svg.text(x + 0.5 * width, y + 254.0, &geometry.numbers(), Font::new(19.0).middle());
    }
    let (x, y) = corner(all.len());
    legend(&mut svg, x, y, width);
    svg.finish()
}

/// Input and output side by side; with room for it, their sizes and the stride stand beside them.
fn panel(svg: &mut Svg, geometry: &Geometry, area: Rect, large: bool) {
    let (padded, output) = (geometry.padded(), geometry.output());
    let gap = if large { 190.0 } else { 34.0 };
    let least = if large { 50.0 } else { 22.0 };
    let side = ((area.w - gap) / (padded + output) as f64).min(area.h / padded as f64).min(least);
    let used = side * (padded + output) as f64 + gap;
    let left = area.x + 0.5 * (area.w - used);
    let (y, size) = (area.center().1, |count: usize| side * count as f64);
    let input = Cells::centered((left + 0.5 * size(padded), y), side, padded);
    let result = Cells::centered((left + used - 0.5 * size(output), y), side, output);
    draw_input(svg, geometry, &input, large);
    let color = |row, column| {
        let shown = geometry.places().into_iter().find(|p| (p.0, p.1) == (row, column));
        shown.map_or(WHITE, |(_, _, color)| color)
    };
    result.draw(svg, |row, column| Brush::fill(color(row, column)).outlined(LINE, 1.0));
    svg.rect(result.area(), Brush::line(INK, 2.0));
    draw_rays(svg, geometry, &input, &result);
    if large {
        let padding =
            if geometry.padding > 0 { format!(", padding {}", geometry.padding) } else { String::new() };
        let below = input.area().bottom().max(result.area().bottom()) + 30.0;
        for (grid, what, n, more) in
            [(&input, "input", geometry.input, padding.as_str()), (&result, "output", output, "")]
        {
            svg.text(grid.area().center().0, below, &format!("{what} {n} × {n}{more}"), HEADING.middle());
        }
        draw_stride(svg, geometry, &input);
    }
}

/// From the first and the last place of the window to their output cells.
fn draw_rays(svg: &mut Svg, geometry: &Geometry, input: &Cells, output: &Cells) {
    for (row, column, color) in geometry.places().into_iter().filter(|p| p.2 != VERMILLION) {
        let window = window(geometry, input, row, column);
        let cell = output.cell(row, column);
        let brush = Brush::line(color, 1.4);
        svg.line((window.right(), window.y), (cell.x, cell.y), brush);
        svg.line((window.right(), window.bottom()), (cell.x, cell.bottom()), brush);
    }
}

fn window(geometry: &Geometry, input: &Cells, row: usize, column: usize) -> Rect {
    let Geometry { kernel, stride, .. } = *geometry;
    input.span(row * stride, column * stride, kernel, kernel)
}

fn draw_input(svg: &mut Svg, geometry: &Geometry, input: &Cells, large: bool) {
    let inner = geometry.padding..geometry.padding + geometry.input;
    let cell = |row, column| {
        if inner.contains(&row) && inner.contains(&column) {
            Brush::fill(PAPER).outlined(LINE, 1.0)
        } else {
            Brush::fill(WHITE).outlined(Color(175, 175, 175), 1.0).dashed(if large {
                DASH
            } else {
                &[3.0, 3.0]
            })
        }
    };
    input.draw(svg, cell);
    // The tints first, then the grid's outline, then the windows' own: none may hide another.
    let places = geometry.places();
    for &(row, column, color) in places.iter().filter(|p| p.2 != VERMILLION) {
        for r in 0..geometry.kernel {
            for c in 0..geometry.kernel {
                let at = input.cell(row * geometry.stride + r, column * geometry.stride + c);
                svg.rect(at, Brush::fill(color.mix(WHITE, 0.62)).outlined(WHITE, 1.0));
            }
        }
    }
    let inside = input.span(geometry.padding, geometry.padding, geometry.input, geometry.input);
    svg.rect(inside, Brush::line(INK, 2.0));
    let thick = if large { 4.0 } else { 3.0 };
    for &(row, column, color) in places.iter().rev() {
        let (by, dash) =
            if color == VERMILLION { (thick + 2.0, &[9.0, 4.0][..]) } else { (0.5 * thick, &[][..]) };
        let at = inset(window(geometry, input, row, column), by);
        svg.rect(at, Brush::line(color, thick).dashed(dash));
    }
}

/// From the left edge of the first place of the window to that of the next.
fn draw_stride(svg: &mut Svg, geometry: &Geometry, input: &Cells) {
    if geometry.output() < 2 {
        return;
    }
    let (from, to) = (window(geometry, input, 0, 0).x, window(geometry, input, 0, 1).x);
    let y = input.y - 20.0;
    for x in [from, to] {
        svg.line((x, y - 8.0), (x, y + 8.0), Brush::line(GREY, 1.5));
    }
    svg.arrow((from, y), (to, y), INK, 2.0);
    svg.text(to + 10.0, y, &format!("stride {}", geometry.stride), NOTE.color(INK));
}

fn legend(svg: &mut Svg, x: f64, y: f64, width: f64) {
    svg.text(x, y, "Size of the output", HEADING);
    svg.formula(x, y + 44.0, OUTPUT_SIZE, Font::new(21.0));
    let lines = [
        ("d", "in", "cells along a side of the input"),
        ("p", "", "padding: dashed cells on each side"),
        ("k", "", "kernel size: cells along the window"),
        ("s", "", "stride: cells from one place to the next"),
    ];
    for (i, (sign, index, meaning)) in lines.into_iter().enumerate() {
        let y = y + 88.0 + 28.0 * i as f64;
        svg.formula(x, y, &format!("{sign}_{{{index}}}"), Font::new(20.0));
        svg.text(x + 42.0, y, &Font::new(15.0).fit(meaning, width - 42.0), Font::new(15.0));
    }
    for (i, (color, place)) in
        [(BLUE, "first"), (VERMILLION, "next"), (GREEN, "last place")].into_iter().enumerate()
    {
        let at = Rect::new(x + 106.0 * i as f64, y + 214.0, 20.0, 20.0);
        svg.rect(at, Brush::fill(color.mix(WHITE, 0.62)).outlined(color, 3.0));
        svg.text(at.right() + 10.0, at.center().1, place, NOTE.color(INK));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn geometry(input: usize, kernel: usize, padding: usize, stride: usize) -> Geometry {
        Geometry { input, kernel, padding, stride }
    }

    /// The five slides of the course.
    const SLIDES: [(usize, usize, usize); 5] = [(3, 0, 1), (5, 0, 1), (3, 1, 1), (3, 1, 2), (3, 1, 3)];

    #[test]
    fn the_slides_have_their_sizes() {
        let sizes = SLIDES.map(|(k, p, s)| geometry(7, k, p, s).output());
        assert_eq!(sizes, [5, 3, 7, 4, 3]);
        let all = SLIDES.map(|(k, p, s)| geometry(7, k, p, s));
        let page = convolutions(&all);
        check(&page);
        for g in all {
            let picture = convolution(&g);
            check(&picture);
            for text in [g.numbers(), g.name()] {
                assert!(picture.svg().contains(&text) && page.svg().contains(&text), "{text}");
            }
        }
    }

    #[test]
    fn any_geometry_can_be_drawn() {
        for (input, kernel, padding, stride) in
            [(1, 1, 0, 1), (2, 1, 0, 1), (1, 9, 4, 9), (28, 5, 2, 3), (3, 2, 0, 5)]
        {
            check(&convolution(&geometry(input, kernel, padding, stride)));
            check(&convolutions(&[geometry(input, kernel, padding, stride)]));
        }
        check(&convolutions(&[]));
    }

    #[test]
    #[should_panic(expected = "a window of 5 with stride 1 has no place on 4 cells")]
    fn the_window_must_fit() {
        convolution(&geometry(4, 5, 0, 1));
    }
}
