//! The confusion matrix of many classes: a picture of it, and what is worst in words.   [course: A20]

use super::{MARGIN, TOP, WIDTH, grouped, percent, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, Picture, Pixels, Rect, Svg, VERMILLION, WHITE, share};

/// More classes than this are drawn here: their names would not fit beside the rows.
pub(super) const FROM: usize = 40;

const SIDE: f64 = 640.0;
const LISTED: usize = 12;
const HEADING: Font = Font::new(18.0).bold();
const TEXT: Font = Font::new(16.0);
const LINE: f64 = 25.0;

/// The matrix as an image, a square a cell, with the most frequent mistakes and the least accurate classes beside it.
pub(super) fn draw(title: &str, reading: &str, names: &[String], counts: &[usize]) -> Picture {
    let k = names.len();
    let rows: Vec<usize> = counts.chunks(k).map(|row| row.iter().sum()).collect();
    let mut svg = sheet(title, reading, TOP + SIDE + 104.0);
    let grid = Rect::new(MARGIN + 66.0, TOP + 40.0, SIDE, SIDE);
    draw_matrix(&mut svg, grid, k, counts, &rows);
    let x = grid.right() + 40.0;
    let room = WIDTH - MARGIN - x;
    let mut mistakes: Vec<usize> = (0..k * k).filter(|i| i / k != i % k && counts[*i] > 0).collect();
    mistakes.sort_by_key(|&i| (usize::MAX - counts[i], i));
    let lines =
        mistakes.iter().map(|&i| (format!("{} → {}", names[i / k], names[i % k]), grouped(counts[i])));
    list(&mut svg, (x, TOP + 8.0), room, "mistakes: true → predicted", lines);
    let part = |class: usize| counts[class * k + class] as f64 / rows[class] as f64;
    let mut classes: Vec<usize> = (0..k).filter(|&class| rows[class] > 0).collect();
    classes.sort_by(|&a, &b| part(a).total_cmp(&part(b)));
    let lines = classes.iter().map(|&class| (names[class].clone(), percent(part(class))));
    let below = TOP + 8.0 + (LISTED as f64 + 2.0) * LINE + 16.0;
    list(&mut svg, (x, below), room, "least accurate classes", lines);
    svg.finish()
}

fn draw_matrix(svg: &mut Svg, grid: Rect, k: usize, counts: &[usize], rows: &[usize]) {
    const TICK: Font = Font::new(15.0).color(GREY);
    let color = |prediction: usize, truth: usize| match counts[truth * k + prediction] {
        0 => WHITE,
        count => {
            let part = count as f64 / rows[truth] as f64;
            // Single mistakes are seen, too.
            if truth == prediction { share(BLUE, part) } else { share(VERMILLION, 0.15 + 2.0 * part) }
        }
    };
    svg.image(grid, &Pixels::from_fn(k, k, color));
    svg.rect(grid, Brush::line(GREY, 1.2));
    let every = [10, 20, 50, 100, 200, 500].into_iter().find(|e| k.div_ceil(*e) <= 12).unwrap_or(k);
    for class in (0..k).step_by(every) {
        let at = (class as f64 + 0.5) * grid.w / k as f64;
        svg.text(grid.x + at, grid.y - 12.0, &class.to_string(), TICK.middle());
        svg.text(grid.x - 8.0, grid.y + at, &class.to_string(), TICK.end());
    }
    let (x, y) = grid.center();
    svg.text(x, grid.y - 38.0, "predicted class", HEADING.middle());
    svg.text(grid.x - 58.0, y, "true class", HEADING.middle().turned(-90.0));
    let y = grid.bottom() + 32.0;
    for (x, color, text) in [
        (grid.x, BLUE, "right: darker for a larger share of the row"),
        (grid.x + 390.0, VERMILLION, "wrong: darkest from 40 % on"),
    ] {
        svg.rect(Rect::new(x, y - 9.0, 18.0, 18.0), Brush::fill(color).outlined(Color(150, 150, 150), 1.0));
        svg.text(x + 26.0, y, text, Font::new(15.0));
    }
}

/// A heading, and lines of a text with a number at the right.
fn list(
    svg: &mut Svg,
    (x, y): (f64, f64),
    room: f64,
    heading: &str,
    lines: impl Iterator<Item = (String, String)>,
) {
    svg.text(x, y, &HEADING.fit(heading, room), HEADING);
    for (i, (text, number)) in lines.take(LISTED).enumerate() {
        let y = y + 10.0 + (i as f64 + 1.0) * LINE;
        svg.text(x, y, &TEXT.fit(&text, room - TEXT.width(&number) - 16.0), TEXT);
        svg.text(x + room, y, &number, TEXT.end());
    }
}
