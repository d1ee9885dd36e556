//! Which class was taken for which.   [course: A20]

use super::{MARGIN, TOP, WIDTH, confusion_large, grouped, percent, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, Picture, Rect, Svg, VERMILLION, WHITE, share};

const LABEL: Font = Font::new(17.0);
const AXIS: Font = Font::new(18.0).bold();
const GRID: Color = Color(226, 226, 226);
const SMALLEST_LETTERS: f64 = 14.0;

/// The confusion matrix: `counts[truth * K + prediction]` of the K classes in `names`, with each class's
/// accuracy at the right. The diagonal is blue by the share of the row it holds; mistakes are vermillion by
/// theirs, on a scale of their own, since a good classifier's would not be seen on the same one. Cells of
/// zero stay empty. Of more than 40 classes the table is small and without words, and beside it stand the most
/// frequent mistakes and the classes least often right.
///
/// # Panics
/// If `counts` is not K * K long, or there is no class.
#[track_caller]
pub fn confusion(name: &str, names: &[String], counts: &[usize]) -> Picture {
    let k = names.len();
    assert!(k > 0 && counts.len() == k * k, "{} counts are no {k} x {k} confusion matrix", counts.len());
    let total: usize = counts.iter().sum();
    let right: usize = (0..k).map(|i| counts[i * k + i]).sum();
    let title = format!("{name}: confusion matrix");
    let reading = format!(
        "{} of {} test samples right ({})",
        grouped(right),
        grouped(total),
        percent(right as f64 / total as f64)
    );
    if k > confusion_large::FROM {
        return confusion_large::draw(&title, &reading, names, counts);
    }
    let table = Table::new(names, counts);
    let mut svg = sheet(&title, &reading, table.grid.bottom() + 96.0);
    table.draw_labels(&mut svg);
    for truth in 0..k {
        for prediction in 0..k {
            table.draw_cell(&mut svg, truth, prediction);
        }
        table.draw_accuracy(&mut svg, truth);
    }
    let Rect { x, y, w, h } = table.grid;
    svg.rect(Rect::new(x, y, w, h), Brush::line(GREY, 1.2));
    table.draw_scales(&mut svg);
    svg.finish()
}

struct Table<'a> {
    names: &'a [String],
    counts: &'a [usize],
    /// Samples of each true class.
    rows: Vec<usize>,
    /// The largest share of a row that one mistake has.
    worst: f64,
    grid: Rect,
    cell: (f64, f64),
    /// Names of columns are turned where they are wider than their column.
    turned: bool,
}

impl<'a> Table<'a> {
    fn new(names: &'a [String], counts: &'a [usize]) -> Table<'a> {
        const ACCURACY_ROOM: f64 = 190.0;
        let k = names.len();
        let rows: Vec<usize> = counts.chunks(k).map(|row| row.iter().sum()).collect();
        let mistakes = (0..k * k).filter(|i| i / k != i % k && counts[*i] > 0);
        let worst = mistakes.map(|i| counts[i] as f64 / rows[i / k] as f64).fold(0.0, f64::max);
        let longest = names.iter().map(|n| LABEL.width(n)).fold(0.0, f64::max).clamp(20.0, 190.0);
        let left = MARGIN + 34.0 + longest + 14.0;
        let cell_w = ((WIDTH - MARGIN - ACCURACY_ROOM - left) / k as f64).min(150.0);
        let cell_h = (600.0 / k as f64).clamp(34.0, 100.0).min(cell_w.max(34.0));
        let turned = longest + 8.0 > cell_w;
        let top = TOP + 30.0 + if turned { 14.0 + longest } else { 28.0 };
        // What the table leaves free is shared out to both sides.
        let shift = 0.5 * (WIDTH - MARGIN - ACCURACY_ROOM - left - cell_w * k as f64);
        let grid = Rect::new(left + shift, top, cell_w * k as f64, cell_h * k as f64);
        Table { names, counts, rows, worst, grid, cell: (cell_w, cell_h), turned }
    }

    fn rect(&self, truth: usize, prediction: usize) -> Rect {
        let (w, h) = self.cell;
        Rect::new(self.grid.x + prediction as f64 * w, self.grid.y + truth as f64 * h, w, h)
    }

    fn draw_labels(&self, svg: &mut Svg) {
        let (middle_x, middle_y) = self.grid.center();
        svg.text(middle_x, TOP + 8.0, "predicted class", AXIS.middle());
        for (i, name) in self.names.iter().enumerate() {
            let cell = self.rect(i, i);
            let (x, y) = cell.center();
            let name = LABEL.fit(name, 190.0);
            svg.text(self.grid.x - 12.0, y, &name, LABEL.end());
            if self.turned {
                svg.text(x, self.grid.y - 12.0, &name, LABEL.turned(-90.0));
            } else {
                svg.text(x, self.grid.y - 18.0, &name, LABEL.middle());
            }
        }
        let widest = self.names.iter().map(|n| LABEL.width(n)).fold(0.0, f64::max).min(190.0);
        svg.text(self.grid.x - widest - 38.0, middle_y, "true class", AXIS.middle().turned(-90.0));
        svg.text(self.grid.right() + 24.0, self.grid.y - 18.0, "accuracy", AXIS);
    }

    fn draw_cell(&self, svg: &mut Svg, truth: usize, prediction: usize) {
        let cell = self.rect(truth, prediction);
        let count = self.counts[truth * self.names.len() + prediction];
        if count == 0 {
            let paper = if truth == prediction { Color(245, 245, 245) } else { WHITE };
            svg.rect(cell, Brush::fill(paper).outlined(GRID, 1.0));
            return;
        }
        let part = count as f64 / self.rows[truth] as f64;
        let color = if truth == prediction { share(BLUE, part) } else { self.mistake_color(part) };
        svg.rect(cell, Brush::fill(color).outlined(GRID, 1.0));
        let (x, y) = cell.center();
        if let Some((text, font)) = fitted(count, cell.w - 4.0, (0.42 * cell.h).clamp(SMALLEST_LETTERS, 22.0))
        {
            let font = if truth == prediction { font.bold() } else { font };
            svg.text(x, y, &text, font.middle().color(color.text_on()));
        }
    }

    /// A single mistake among many is still tinted, however many another cell holds.
    fn mistake_color(&self, part: f64) -> Color {
        share(VERMILLION, 0.06 + 0.69 * part / self.worst)
    }

    fn draw_accuracy(&self, svg: &mut Svg, truth: usize) {
        const BAR: f64 = 64.0;
        let cell = self.rect(truth, truth);
        let (x, y) = (self.grid.right() + 24.0, cell.center().1);
        let part = self.counts[truth * self.names.len() + truth] as f64 / self.rows[truth] as f64;
        let thick = (0.4 * cell.h).min(16.0);
        let bar = |w: f64| Rect::new(x, y - 0.5 * thick, w, thick);
        svg.rect(bar(BAR), Brush::fill(Color(238, 238, 238)));
        if part > 0.0 {
            svg.rect(bar(BAR * part), Brush::fill(BLUE));
        }
        svg.text(x + BAR + 12.0, y, &percent(part), LABEL);
    }

    fn draw_scales(&self, svg: &mut Svg) {
        let right = Scale::new("right: 0 %", "100 %");
        let worst = percent(self.worst);
        let wrong = Scale::new("wrong: 0 %", &worst);
        let title = "share of the row";
        let second = if self.worst > 0.0 { 44.0 + wrong.width } else { 0.0 };
        let width = SCALE.width(title) + 20.0 + right.width + second;
        let x = (self.grid.center().0 - 0.5 * width).min(WIDTH - MARGIN - width);
        let y = self.grid.bottom() + 48.0;
        svg.text(x, y, title, SCALE.color(GREY));
        right.draw(svg, x + SCALE.width(title) + 20.0, y, |t| share(BLUE, t));
        if self.worst > 0.0 {
            let color = |t: f64| if t == 0.0 { WHITE } else { self.mistake_color(t * self.worst) };
            wrong.draw(svg, x + width - wrong.width, y, color);
        }
    }
}

const SCALE: Font = Font::new(16.0);

/// A bar of colours between two texts.
struct Scale<'a> {
    from: &'a str,
    to: &'a str,
    width: f64,
}

impl<'a> Scale<'a> {
    const STEPS: usize = 10;
    const BAR: f64 = 140.0;

    fn new(from: &'a str, to: &'a str) -> Scale<'a> {
        Scale { from, to, width: SCALE.width(from) + 10.0 + Self::BAR + 10.0 + SCALE.width(to) }
    }

    fn draw(&self, svg: &mut Svg, x: f64, y: f64, color: impl Fn(f64) -> Color) {
        let bar = Rect::new(x + SCALE.width(self.from) + 10.0, y - 9.0, Self::BAR, 18.0);
        svg.text(x, y, self.from, SCALE);
        let step = bar.w / Self::STEPS as f64;
        for i in 0..Self::STEPS {
            let at = Rect { x: bar.x + i as f64 * step, w: step, ..bar };
            svg.rect(at, Brush::fill(color(i as f64 / (Self::STEPS - 1) as f64)));
        }
        svg.rect(bar, Brush::line(GRID, 1.0));
        svg.text(bar.right() + 10.0, y, self.to, SCALE);
    }
}

/// The count in letters as large as fit, in thousands or millions where even the smallest do not; `None`
/// where nothing fits, and the colour must do.
fn fitted(count: usize, width: f64, size: f64) -> Option<(String, Font)> {
    let short = match count {
        0..=999 => count.to_string(),
        1_000..=999_999 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    };
    [count.to_string(), short].into_iter().find_map(|text| {
        let per_px = Font::new(1.0).bold().width(&text);
        (per_px * SMALLEST_LETTERS <= width).then(|| (text, Font::new(size.min(width / per_px))))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn names(k: usize) -> Vec<String> {
        (0..k).map(|i| format!("class <{i}> & friends with a long name")).collect()
    }

    #[test]
    fn draws_any_number_of_classes_and_any_counts() {
        for k in [1, 2, 3, 10, 20, 40, 41, 100, 300] {
            for count in [0, 1, 123_456_789] {
                check(&confusion("test", &names(k), &vec![count; k * k]));
            }
        }
    }

    #[test]
    fn zero_cells_hold_no_text_and_each_count_is_written_once() {
        let picture = confusion("pets", &["cat".into(), "dog".into()], &[77, 0, 13, 46]);
        for (text, times) in [(">77<", 1), (">13<", 1), (">46<", 1), (">0<", 0)] {
            assert_eq!(picture.svg().matches(text).count(), times, "{text}");
        }
        assert!(picture.svg().contains("123 of 136 test samples right (90.4 %)"));
        assert!(picture.svg().contains(">78.0 %<"), "46 of 59 dogs are right");
    }

    #[test]
    #[should_panic(expected = "3 counts are no 2 x 2 confusion matrix")]
    fn the_matrix_must_be_square() {
        confusion("x", &names(2), &[1, 2, 3]);
    }

    #[test]
    fn many_classes_have_their_worst_mistakes_told() {
        let names: Vec<String> = (0..50).map(|i| format!("class {i}")).collect();
        let mut counts = vec![0; 2500];
        (0..50).for_each(|i| counts[i * 50 + i] = 90);
        (counts[3 * 50 + 7], counts[8 * 50 + 9]) = (10, 30);
        let picture = confusion("many", &names, &counts);
        check(&picture);
        for text in [">class 8 → class 9<", ">class 3 → class 7<", ">30<", ">75.0 %<", "4500 of 4540"] {
            assert!(picture.svg().contains(text), "{text}");
        }
        assert!(picture.svg().find(">class 8 →") < picture.svg().find(">class 3 →"));
    }

    #[test]
    fn counts_shrink_before_they_are_shortened() {
        let text = |count, width| fitted(count, width, 22.0).map(|(text, _)| text);
        assert_eq!(text(1234, 100.0).as_deref(), Some("1234"));
        assert_eq!(text(1234, 34.0).as_deref(), Some("1k"));
        assert_eq!(text(12_345, 40.0).as_deref(), Some("12k"));
        assert_eq!(text(123, 20.0), None);
        let (text, font) = fitted(1234, 44.0, 22.0).unwrap();
        assert!(font.width(&text) <= 44.0);
    }
}
