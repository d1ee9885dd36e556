//! A network as a row of boxes, drawn from its definition.   [course: B5]

use super::{MARGIN, TOP, WIDTH, grouped, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREEN, GREY, INK, ORANGE, Picture, Rect, Svg, WHITE};

/// One layer.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// PyTorch's name of its kind: "Conv2d", "MaxPool2d", "Linear", "BatchNorm2d".
    pub kind: &'a str,
    /// What it gives for one input: `[channels, height, width]`, or `[units]`.
    pub output: &'a [usize],
    /// What stands below its box, a line for each part between commas: "5×5 conv, stride 1"; none: its kind.
    pub label: &'a str,
    /// Its trained numbers.
    pub parameters: usize,
}

const TEXT: Font = Font::new(14.0);
const SHAPE: Font = Font::new(15.0).bold();
const LINE_HEIGHT: f64 = 20.0;
/// The least room for a box and the longest usual word below it.
const LEAST_COLUMN: f64 = 80.0;
/// Between the words of neighbours.
const GUTTER: f64 = 1.5;
/// Direction of what leads into the page, as shares of its length.
const DEPTH: (f64, f64) = (0.3, 0.26);

/// The layers from left to right: images as boxes (channels to the right, height upwards, width into the page), layers
/// of units as bars; sizes on a logarithmic scale. A layer that changes nothing but values (activation, norm, dropout)
/// is told below the box before it. Networks too long for a row go on in the next.
///
/// # Panics
/// If a shape is not of one or three sizes, or a size is 0.
#[track_caller]
pub fn network(name: &str, input: &[usize], blocks: &[Block]) -> Picture {
    for shape in blocks.iter().map(|b| b.output).chain([input]) {
        let fits = matches!(shape.len(), 1 | 3) && shape.iter().all(|&n| n > 0);
        assert!(fits, "network: {shape:?} is neither [channels, height, width] nor [units]");
    }
    let mut stages = stages(input, blocks);
    let most = ((WIDTH - 2.0 * MARGIN) / LEAST_COLUMN) as usize;
    let rows = stages.len().div_ceil(most);
    let each = stages.len().div_ceil(rows);
    let column = (WIDTH - 2.0 * MARGIN) / each as f64;
    stages.iter_mut().for_each(|stage| stage.wrap(column - GUTTER));
    let scale = Scale::new(&stages, column);
    let lines = stages.iter().map(|s| s.lines.len()).max().unwrap_or(0);
    let row_height = scale.height() + 76.0 + LINE_HEIGHT * (lines + 1) as f64;
    let parameters: usize = blocks.iter().map(|b| b.parameters).sum();
    let mut svg = sheet(
        &format!("{name}: {} parameters", grouped(parameters)),
        "Below each box: its size (channels, height × width), the layers that made it, and their parameters",
        TOP + rows as f64 * row_height + 16.0,
    );
    for (row, stages) in stages.chunks(each).enumerate() {
        let top = TOP + row as f64 * row_height;
        scale.draw_row(&mut svg, stages, top, lines);
    }
    svg.finish()
}

/// A box with all that is told below it.
struct Stage {
    shape: Vec<usize>,
    lines: Vec<String>,
    parameters: usize,
    color: Color,
}

impl Stage {
    /// Breaks lines between words where they are wider than `room`.
    fn wrap(&mut self, room: f64) {
        let mut lines: Vec<String> = Vec::new();
        for line in &self.lines {
            let mut open = false;
            for word in line.split(' ') {
                let font = if lines.len() <= 1 { TEXT.bold() } else { TEXT };
                match lines.last_mut() {
                    Some(last) if open && font.width(&format!("{last} {word}")) <= room => {
                        last.push(' ');
                        last.push_str(word);
                    }
                    _ => lines.push(word.to_owned()),
                }
                open = true;
            }
        }
        self.lines = lines;
    }
}

/// Layers that make a box of their own even where they keep the shape.
fn stands_alone(kind: &str) -> bool {
    ["Conv", "Linear", "MaxPool", "AvgPool", "Upsample"].iter().any(|start| kind.starts_with(start))
}

fn color(kind: &str) -> Color {
    match kind {
        k if k.starts_with("Conv") => BLUE,
        k if k.contains("Pool") || k.contains("Shuffle") || k.contains("shuffle") => ORANGE,
        k if k.starts_with("Linear") => GREEN,
        _ => Color(150, 150, 150),
    }
}

fn stages(input: &[usize], blocks: &[Block]) -> Vec<Stage> {
    let first = Stage { shape: input.to_vec(), lines: vec!["input".into()], parameters: 0, color: color("") };
    let mut stages = vec![first];
    for block in blocks {
        let label = if block.label.is_empty() { plain(block.kind) } else { block.label };
        let lines = label.split(',').map(|part| part.trim().to_owned());
        match stages.last_mut() {
            Some(last) if last.shape == block.output && !stands_alone(block.kind) => {
                last.lines.extend(lines);
                last.parameters += block.parameters;
            }
            _ => stages.push(Stage {
                shape: block.output.to_vec(),
                lines: lines.collect(),
                parameters: block.parameters,
                color: color(block.kind),
            }),
        }
    }
    stages
}

/// "BatchNorm2d" as "BatchNorm", "Relu" as "ReLU".
fn plain(kind: &str) -> &str {
    match kind.strip_suffix("2d").or(kind.strip_suffix("1d")).unwrap_or(kind) {
        "Relu" => "ReLU",
        "MaxPool" => "max pool",
        "AvgPool" => "avg pool",
        "Conv" => "conv",
        "Linear" => "linear",
        "Flatten" => "flatten",
        "Dropout" => "dropout",
        other => other,
    }
}

/// From sizes to px, the same for all boxes of a figure.
struct Scale {
    column: f64,
    /// The largest height, width, channels and units there are.
    most: [usize; 4],
    /// What the largest get in px.
    px: [f64; 4],
}

impl Scale {
    fn new(stages: &[Stage], column: f64) -> Scale {
        let images = || stages.iter().filter(|s| s.shape.len() == 3);
        let most = |axis: usize| images().map(|s| s.shape[axis]).max().unwrap_or(1);
        let units = stages.iter().filter(|s| s.shape.len() == 1).map(|s| s.shape[0]).max().unwrap_or(1);
        let tall = (1.7 * column).clamp(120.0, 200.0);
        // Neither the longest channels nor the widest image may reach the next column.
        let deep = (0.52 * column / DEPTH.0).min(tall);
        let thick = (0.86 * column - DEPTH.0 * deep).min(60.0);
        Scale { column, most: [most(1), most(2), most(0), units], px: [tall, deep, thick, tall] }
    }

    /// Of the highest box, with what leads into the page.
    fn height(&self) -> f64 {
        self.px[0] + DEPTH.1 * self.px[1]
    }

    /// Logarithmic from 1 to the largest, and never nothing.
    fn length(&self, axis: usize, size: usize) -> f64 {
        let least = 0.06 * self.px[axis] + 3.0;
        let share =
            if self.most[axis] > 1 { (size as f64).ln() / (self.most[axis] as f64).ln() } else { 1.0 };
        least + (self.px[axis] - least) * share
    }

    fn draw_row(&self, svg: &mut Svg, stages: &[Stage], top: f64, lines: usize) {
        let middle = top + 0.5 * self.height();
        let mut last = None;
        for (i, stage) in stages.iter().enumerate() {
            let x = MARGIN + (i as f64 + 0.5) * self.column;
            let (left, right) = self.draw_box(svg, stage, x, middle);
            if let Some(from) = last.filter(|&from| left - from >= 12.0) {
                svg.arrow((from + 4.0, middle), (left - 3.0, middle), GREY, 1.5);
            }
            last = Some(right);
            self.draw_words(svg, stage, x, top + self.height() + 24.0, lines);
        }
    }

    /// Draws the box and gives its left and right end at half height.
    fn draw_box(&self, svg: &mut Svg, stage: &Stage, x: f64, y: f64) -> (f64, f64) {
        let outline = stage.color.mix(INK, 0.55);
        let front = stage.color.mix(WHITE, 0.45);
        let &[channels, height, width] = stage.shape.as_slice() else {
            let h = self.length(3, stage.shape[0]);
            let w = (0.2 * self.column).clamp(14.0, 26.0);
            let bar = Rect::new(x - 0.5 * w, y - 0.5 * h, w, h);
            svg.rect(bar, Brush::fill(front).outlined(outline, 1.6));
            self.draw_units(svg, bar, stage.shape[0], outline);
            return (bar.x, bar.right());
        };
        let (h, depth, thick) = (self.length(0, height), self.length(1, width), self.length(2, channels));
        let (dx, dy) = (DEPTH.0 * depth, DEPTH.1 * depth);
        let face = Rect::new(x - 0.5 * (thick + dx), y - 0.5 * (h - dy), thick, h);
        let (l, r, t, b) = (face.x, face.right(), face.y, face.bottom());
        let top = [(l, t), (l + dx, t - dy), (r + dx, t - dy), (r, t)];
        let side = [(r, t), (r + dx, t - dy), (r + dx, b - dy), (r, b)];
        svg.polygon(&top, Brush::fill(stage.color.mix(WHITE, 0.7)).outlined(outline, 1.6));
        svg.polygon(&side, Brush::fill(stage.color.mix(INK, 0.08)).outlined(outline, 1.6));
        svg.rect(face, Brush::fill(front).outlined(outline, 1.6));
        // Channels one by one, as far as they can be seen.
        let slices = channels.min((thick / 3.5) as usize).max(1);
        for i in 1..slices {
            let at = l + thick * i as f64 / slices as f64;
            let brush = Brush::line(stage.color.mix(WHITE, 0.1), 0.8);
            svg.line((at, t), (at, b), brush);
            svg.line((at, t), (at + dx, t - dy), brush);
        }
        svg.rect(face, Brush::line(outline, 1.6));
        (l, r + dx)
    }

    /// Lines between units, as far as they can be seen.
    fn draw_units(&self, svg: &mut Svg, bar: Rect, units: usize, outline: Color) {
        let shown = units.min((bar.h / 5.0) as usize);
        for i in 1..shown {
            let y = bar.y + bar.h * i as f64 / shown as f64;
            svg.line((bar.x, y), (bar.right(), y), Brush::line(outline.mix(WHITE, 0.45), 0.8));
        }
    }

    fn draw_words(&self, svg: &mut Svg, stage: &Stage, x: f64, y: f64, lines: usize) {
        let room = self.column - GUTTER;
        let mut write = |y: f64, text: &str, font: Font| svg.text(x, y, &font.fit(text, room), font.middle());
        match stage.shape.as_slice() {
            &[channels, height, width] => {
                write(y, &channels.to_string(), SHAPE);
                write(y + LINE_HEIGHT, &format!("{height} × {width}"), SHAPE);
            }
            units => write(y + 0.5 * LINE_HEIGHT, &grouped(units[0]), SHAPE),
        }
        for (i, line) in stage.lines.iter().enumerate() {
            let font = if i == 0 { TEXT.bold() } else { TEXT };
            let color = if i == 0 { stage.color.mix(INK, 0.5) } else { INK };
            write(y + 50.0 + LINE_HEIGHT * i as f64, line, font.color(color));
        }
        if stage.parameters > 0 {
            write(y + 54.0 + LINE_HEIGHT * lines as f64, &grouped(stage.parameters), TEXT.color(GREY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn block<'a>(kind: &'a str, output: &'a [usize], label: &'a str, parameters: usize) -> Block<'a> {
        Block { kind, output, label, parameters }
    }

    #[test]
    fn layers_that_keep_the_shape_join_the_box_before() {
        let blocks = [
            block("Conv2d", &[6, 28, 28], "5×5 conv, stride 1", 456),
            block("BatchNorm2d", &[6, 28, 28], "", 12),
            block("Relu", &[6, 28, 28], "", 0),
            block("MaxPool2d", &[6, 14, 14], "2×2 max", 0),
            block("Conv2d", &[6, 14, 14], "", 330),
            block("Flatten", &[1176], "", 0),
            block("Linear", &[10], "", 11_770),
        ];
        let stages = stages(&[3, 32, 32], &blocks);
        let lines: Vec<String> = stages.iter().map(|s| s.lines.join("|")).collect();
        let expected = ["input", "5×5 conv|stride 1|BatchNorm|ReLU", "2×2 max", "conv", "flatten", "linear"];
        assert_eq!(lines, expected);
        assert_eq!(stages[1].parameters, 468);
        let picture = network("LeNet", &[3, 32, 32], &blocks);
        check(&picture);
        for text in ["12\u{a0}568 parameters", ">28 × 28<", ">468<", ">stride 1<", ">1176<"] {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn lines_break_between_words() {
        let mut stage = stages(&[1], &[block("Conv2d", &[2], "2×2 max pool, stride 2", 0)]).remove(1);
        stage.wrap(80.0);
        assert_eq!(stage.lines, ["2×2 max", "pool", "stride 2"]);
        stage.wrap(1.0);
        assert_eq!(stage.lines.len(), 5);
    }

    #[test]
    fn any_sizes_and_any_length() {
        check(&network("none", &[1], &[]));
        check(&network(
            "large",
            &[2048, 1, 4096],
            &[block("Linear", &[1_000_000], "a long word, and another", usize::MAX)],
        ));
        let shapes: Vec<[usize; 3]> = (0..50).map(|i| [1 + i * 40, 64 >> (i / 8), 1 + i % 3]).collect();
        let blocks: Vec<Block> = shapes.iter().map(|s| block("Conv2d", s, "3×3 conv, stride 1", 9)).collect();
        check(&network("deep", &[3, 64, 64], &blocks));
    }

    #[test]
    #[should_panic(expected = "[3, 0, 2] is neither [channels, height, width] nor [units]")]
    fn shapes_must_be_drawable() {
        network("x", &[1], &[block("Conv2d", &[3, 0, 2], "", 0)]);
    }
}
