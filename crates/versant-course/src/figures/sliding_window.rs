//! A convolution step by step: window, products, sum.   [course: B1]

use super::cells::{Cells, inset, write_in};
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, INK, Picture, Rect, Svg, VERMILLION, WHITE, tick_labels};

/// A square image, a square kernel, and what the kernel makes of the image with stride 1 and no padding.
#[derive(Clone, Copy, Debug)]
pub struct SlidingWindow<'a> {
    /// The image, row by row.
    pub input: &'a [f32],
    /// The kernel, row by row.
    pub kernel: &'a [f32],
    /// The output, row by row.
    pub output: &'a [f32],
    /// Sides of the three, in cells.
    pub sides: [usize; 3],
}

const SIDE: f64 = 38.0;
const WIDE: f64 = 64.0;
const STEP: f64 = 234.0;
const LINE: Color = Color(150, 150, 150);
const HEADING: Font = Font::new(18.0).bold();
const NOTE: Font = Font::new(17.0);

/// Each of `steps` (places of the window, counted row by row from 0) in a row: the window on the image, its products
/// with the kernel, their sum, and the output as far as it is known.
///
/// # Panics
/// If the lengths do not fit the sides, the output's side is not input - kernel + 1, or a step is beyond the last.
#[track_caller]
pub fn sliding_window(picture: &SlidingWindow, steps: &[usize]) -> Picture {
    let [input, kernel, output] = picture.sides;
    let squares = picture.sides.map(|side| side * side);
    assert!(
        [picture.input.len(), picture.kernel.len(), picture.output.len()] == squares,
        "sliding_window: {}, {} and {} numbers are no squares with sides {:?}",
        picture.input.len(),
        picture.kernel.len(),
        picture.output.len(),
        picture.sides
    );
    assert!(
        kernel > 0 && input + 1 == kernel + output,
        "sliding_window: sides {:?} do not fit",
        picture.sides
    );
    assert!(
        steps.iter().all(|&s| s < squares[2]),
        "sliding_window: the {} steps end before {steps:?}",
        squares[2]
    );
    let height = TOP + 56.0 + steps.len() as f64 * STEP;
    let mut svg = sheet(
        "Convolution step by step",
        "The window slides over the input; at each place its cells are multiplied by the kernel's and summed",
        height,
    );
    let columns = Columns::new(picture.sides);
    columns.draw_headings(&mut svg);
    for (i, &step) in steps.iter().enumerate() {
        let middle = TOP + 56.0 + (i as f64 + 0.5) * STEP - 14.0;
        columns.draw_step(&mut svg, picture, step, middle);
        if i > 0 {
            let y = middle - 0.5 * STEP;
            svg.line((MARGIN, y), (WIDTH - MARGIN, y), Brush::line(Color(222, 222, 222), 1.0));
        }
    }
    svg.finish()
}

/// Where input, kernel, products and output stand from left to right.
struct Columns {
    sides: [usize; 3],
    cell: f64,
    wide: f64,
    centers: [f64; 4],
    gap: f64,
}

impl Columns {
    fn new(sides: [usize; 3]) -> Columns {
        let room = WIDTH - 2.0 * MARGIN;
        let [input, kernel, output] = sides.map(|side| side as f64);
        let least_gap = 60.0;
        // All grids shrink together where they are too wide or too high.
        let natural = SIDE * (input + kernel + output) + WIDE * kernel;
        let shrink = ((room - 3.0 * least_gap) / natural)
            .min((STEP - 40.0) / (SIDE * input.max(kernel)))
            .min((STEP - 90.0) / (SIDE * output))
            .min(1.0);
        let (cell, wide) = (SIDE * shrink, WIDE * shrink);
        let widths = [cell * input, cell * kernel, wide * kernel, cell * output];
        let gap = (room - widths.iter().sum::<f64>()) / 3.0;
        let mut x = MARGIN;
        let centers = widths.map(|w| {
            let center = x + 0.5 * w;
            x += w + gap;
            center
        });
        Columns { sides, cell, wide, centers, gap }
    }

    fn draw_headings(&self, svg: &mut Svg) {
        let [input, kernel, output] = self.sides.map(|side| format!("{side} × {side}"));
        let headings = [
            format!("input x, {input}"),
            format!("kernel w, {kernel}"),
            "products".into(),
            format!("output y, {output}"),
        ];
        for (x, heading) in self.centers.into_iter().zip(headings) {
            let half = 0.5 * HEADING.width(&heading);
            let x = x.max(MARGIN + half).min(WIDTH - MARGIN - half);
            svg.text(x, TOP + 8.0, &heading, HEADING.middle());
        }
        let formula = "y_{i,j} = Σ_{m} Σ_{n} w_{m,n} · x_{i+m,j+n}";
        svg.formula(WIDTH - MARGIN, 42.0, formula, Font::new(23.0).end());
    }

    fn draw_step(&self, svg: &mut Svg, picture: &SlidingWindow, step: usize, y: f64) {
        let [side, kernel, output] = self.sides;
        let (row, column) = (step / output, step % output);
        let at = |r: usize, c: usize| picture.input[(row + r) * side + column + c];
        let weight = |r: usize, c: usize| picture.kernel[r * kernel + c];
        let grid = |place: usize, count| Cells::centered((self.centers[place], y), self.cell, count);

        let input = grid(0, side);
        let inside =
            |r: usize, c: usize| (row..row + kernel).contains(&r) && (column..column + kernel).contains(&c);
        let tint = BLUE.mix(WHITE, 0.75);
        let paper = |r, c| Brush::fill(if inside(r, c) { tint } else { WHITE }).outlined(LINE, 1.0);
        input.draw(svg, paper);
        input.write(svg, self.size(), |r, c| short(picture.input[r * side + c]));
        svg.rect(inset(input.span(row, column, kernel, kernel), 1.0), Brush::line(BLUE, 4.0));

        let weights = grid(1, kernel);
        weights.draw(svg, |_, _| Brush::fill(VERMILLION.mix(WHITE, 0.78)).outlined(LINE, 1.0));
        weights.write(svg, self.size(), |r, c| short(weight(r, c)));
        svg.rect(weights.area(), Brush::line(VERMILLION, 2.5));
        self.draw_sign(svg, input.area().right(), "×", y);
        self.draw_products(svg, kernel, y, |r, c| (at(r, c), weight(r, c)));
        self.draw_sign(svg, weights.area().right(), "=", y);
        self.draw_output(svg, picture, step, y);
    }

    /// A sign in the gap that begins at `x`.
    fn draw_sign(&self, svg: &mut Svg, x: f64, sign: &str, y: f64) {
        svg.text(x + 0.5 * self.gap, y, sign, Font::new(30.0).middle());
    }

    fn draw_products(&self, svg: &mut Svg, kernel: usize, y: f64, pair: impl Fn(usize, usize) -> (f32, f32)) {
        let left = self.centers[2] - 0.5 * self.wide * kernel as f64;
        let top = y - 0.5 * self.cell * kernel as f64;
        for r in 0..kernel {
            for c in 0..kernel {
                let at =
                    Rect::new(left + self.wide * c as f64, top + self.cell * r as f64, self.wide, self.cell);
                let (x, w) = pair(r, c);
                // Products of zero are there, but do not count.
                let ink = if x * w == 0.0 { GREY } else { INK };
                let text = if w < 0.0 {
                    format!("{}·({})", short(x), short(w))
                } else {
                    format!("{}·{}", short(x), short(w))
                };
                svg.rect(at, Brush::fill(WHITE).outlined(LINE, 1.0));
                write_in(svg, at, &text, 16.0, ink);
            }
        }
    }

    fn draw_output(&self, svg: &mut Svg, picture: &SlidingWindow, step: usize, y: f64) {
        let side = self.sides[2];
        let output = Cells::centered((self.centers[3], y), self.cell, side);
        let value = picture.output[step];
        let known = |r: usize, c: usize| r * side + c <= step;
        let color = |r, c| match r * side + c {
            now if now == step => BLUE,
            before if before < step => WHITE,
            _ => Color(238, 238, 238),
        };
        output.draw(svg, |r, c| Brush::fill(color(r, c)).outlined(LINE, 1.0));
        for r in 0..side {
            for c in (0..side).filter(|&c| known(r, c)) {
                let text = short(picture.output[r * side + c]);
                write_in(svg, output.cell(r, c), &text, self.size(), color(r, c).text_on());
            }
        }
        svg.rect(output.area(), Brush::line(INK, 2.0));
        let right = self.centers[2] + 0.5 * self.wide * self.sides[1] as f64;
        let (from, to) = ((right + 8.0, y), (output.x - 8.0, y));
        svg.arrow(from, to, INK, 2.0);
        let middle = 0.5 * (from.0 + to.0);
        svg.text(middle, y - 20.0, "sum", NOTE.middle());
        svg.text(middle, y + 24.0, &short(value), NOTE.bold().middle().color(BLUE));
        let (row, column) = (step / side, step % side);
        let below = y + 0.5 * self.cell * side as f64 + 24.0;
        let text = format!("y_{{{row},{column}}} = {}", short(value));
        svg.formula(self.centers[3], below, &text, Font::new(20.0).middle());
    }

    fn size(&self) -> f64 {
        (0.47 * self.cell).max(14.0)
    }
}

/// At most two decimals.
fn short(value: f32) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let rounded = (value as f64 * 100.0).round() / 100.0;
    tick_labels(&[rounded + 0.0]).remove(0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn products_sums_and_outputs_are_written() {
        let input: Vec<f32> = (0..16).map(|i| (i % 5) as f32).collect();
        let window = SlidingWindow {
            input: &input,
            kernel: &[1.0, -1.0, 0.5, 0.0],
            output: &[7.0, 1.5, 8.0, -2.0, 4.0, 5.0, 6.0, 3.0, 9.0],
            sides: [4, 2, 3],
        };
        let picture = sliding_window(&window, &[0, 4, 8]);
        check(&picture);
        for text in [">1·(−1)<", ">4·0.5<", ">0·1<", ">1.5<", ">−2<", ">= 9<", ">= 7<"] {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_size_and_any_number_can_be_drawn() {
        for (input, kernel) in [(1, 1), (2, 2), (12, 3), (9, 7)] {
            let output = input - kernel + 1;
            for value in [f32::NAN, f32::INFINITY, -1e30, 1e-30, 12345.678] {
                let window = SlidingWindow {
                    input: &vec![value; input * input],
                    kernel: &vec![value; kernel * kernel],
                    output: &vec![value; output * output],
                    sides: [input, kernel, output],
                };
                check(&sliding_window(&window, &[0, output * output - 1]));
            }
        }
    }

    #[test]
    #[should_panic(expected = "sides [4, 2, 2] do not fit")]
    fn sides_must_fit() {
        let window =
            SlidingWindow { input: &[0.0; 16], kernel: &[0.0; 4], output: &[0.0; 4], sides: [4, 2, 2] };
        sliding_window(&window, &[0]);
    }
}
