//! Dropout on and off: units of a network, and whole channels of an image.   [course: B15]

use super::maps::draw_map;
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, INK, Picture, Rect, Svg, VERMILLION, WHITE};

/// A network whose units were dropped, and an image whose channels were.
#[derive(Clone, Copy, Debug)]
pub struct Dropout<'a> {
    /// The probability of dropping a unit or a channel.
    pub p: f64,
    /// Units of each layer, from the input to the output.
    pub layers: &'a [usize],
    /// For each training step shown, whether a unit was kept: all units, layer after layer.
    pub steps: &'a [&'a [bool]],
    /// Feature maps, one channel after another.
    pub maps: &'a [f32],
    /// Rows and columns of a map.
    pub map_size: (usize, usize),
    /// For each training step shown, whether a channel was kept.
    pub channels: &'a [&'a [bool]],
}

const HEADING: Font = Font::new(18.0).bold();
const NOTE: Font = Font::new(16.0).color(GREY);
const NETWORK: f64 = 330.0;

/// Above the network in each training step and in evaluation, below the channels. What is dropped is crossed out,
/// and so are its connections left out.
///
/// # Panics
/// If a step has not one flag for each unit or channel, or the maps are not of the size.
#[track_caller]
pub fn dropout(shown: &Dropout) -> Picture {
    let units: usize = shown.layers.iter().sum();
    let size = shown.map_size.0 * shown.map_size.1;
    assert!(shown.steps.iter().all(|s| s.len() == units), "dropout: one flag for each of {units} units");
    assert!(
        size > 0 && shown.maps.len().is_multiple_of(size),
        "dropout: {} numbers are no maps of {:?}",
        shown.maps.len(),
        shown.map_size
    );
    let channels = shown.maps.len() / size;
    assert!(
        shown.channels.iter().all(|s| s.len() == channels),
        "dropout: one flag for each of {channels} channels"
    );
    let row = shown.map_height(channels) + 22.0;
    let height = TOP + NETWORK + 130.0 + (shown.channels.len() + 1) as f64 * row + 10.0;
    let mut svg = sheet(
        &format!("Dropout, p = {}", shown.p),
        "In training each unit is dropped with probability p, anew at every step; in evaluation all are there",
        height,
    );
    shown.draw_networks(&mut svg);
    shown.draw_channels(&mut svg, channels, TOP + NETWORK + 60.0);
    svg.finish()
}

/// Room at the left of the maps for what they are.
const LABELS: f64 = 190.0;
const GAP: f64 = 12.0;

impl Dropout<'_> {
    /// What training multiplies by, so that the mean stays.
    fn kept_note(&self) -> String {
        let factor = 1.0 / (1.0 - self.p);
        if factor.is_finite() {
            format!("kept values × 1/(1 − p) = {factor:.2}")
        } else {
            "nothing is kept".to_owned()
        }
    }

    fn draw_networks(&self, svg: &mut Svg) {
        let all = vec![true; self.layers.iter().sum()];
        let panels = self.steps.len() + 1;
        let width = (WIDTH - 2.0 * MARGIN) / panels as f64;
        for (i, kept) in self.steps.iter().copied().chain([all.as_slice()]).enumerate() {
            let x = MARGIN + i as f64 * width;
            let evaluation = i + 1 == panels;
            let heading =
                if evaluation { "evaluation".to_owned() } else { format!("training, step {}", i + 1) };
            svg.text(x + 0.5 * width, TOP + 8.0, &HEADING.fit(&heading, width), HEADING.middle());
            self.draw_network(svg, kept, Rect::new(x + 20.0, TOP + 30.0, width - 40.0, NETWORK - 66.0));
            let note =
                if evaluation { "every unit, values as they are".to_owned() } else { self.kept_note() };
            svg.text(x + 0.5 * width, TOP + NETWORK - 10.0, &NOTE.fit(&note, width), NOTE.middle());
        }
    }

    fn draw_network(&self, svg: &mut Svg, kept: &[bool], area: Rect) {
        let most = self.layers.iter().copied().max().unwrap_or(0);
        let pitch = area.h / most.max(1) as f64;
        let radius = (0.36 * pitch).min(16.0);
        let columns = self.layers.len().max(2) - 1;
        let place = |layer: usize, unit: usize| {
            let middle = 0.5 * (self.layers[layer] as f64 - 1.0);
            let x = area.x + 20.0 + (area.w - 40.0) * layer as f64 / columns as f64;
            (x, area.center().1 + (unit as f64 - middle) * pitch)
        };
        let first: Vec<usize> = (0..self.layers.len()).map(|l| self.layers[..l].iter().sum()).collect();
        for layer in 1..self.layers.len() {
            for a in (0..self.layers[layer - 1]).filter(|a| kept[first[layer - 1] + a]) {
                for b in (0..self.layers[layer]).filter(|b| kept[first[layer] + b]) {
                    svg.line(place(layer - 1, a), place(layer, b), Brush::line(Color(165, 180, 195), 1.4));
                }
            }
        }
        for (layer, &units) in self.layers.iter().enumerate() {
            for unit in 0..units {
                draw_unit(svg, place(layer, unit), radius, kept[first[layer] + unit]);
            }
        }
    }

    /// Side by side, all maps of one step have the width of the sheet.
    fn map_height(&self, channels: usize) -> f64 {
        let (rows, columns) = (self.map_size.0 as f64, self.map_size.1 as f64);
        let width = (WIDTH - 2.0 * MARGIN - LABELS + GAP) / channels.max(1) as f64 - GAP;
        (width * rows / columns).min(110.0)
    }

    fn draw_channels(&self, svg: &mut Svg, channels: usize, top: f64) {
        svg.line((MARGIN, top - 22.0), (WIDTH - MARGIN, top - 22.0), Brush::line(Color(222, 222, 222), 1.0));
        let title = "Channel dropout: whole feature maps are dropped, not single values";
        svg.text(MARGIN, top + 12.0, title, HEADING);
        let all = vec![true; channels];
        let (rows, columns) = self.map_size;
        let size = rows * columns;
        let height = self.map_height(channels);
        let width = height * columns as f64 / rows as f64;
        for (i, kept) in self.channels.iter().copied().chain([all.as_slice()]).enumerate() {
            let y = top + 46.0 + i as f64 * (height + 22.0);
            let evaluation = i == self.channels.len();
            let label =
                if evaluation { "evaluation".to_owned() } else { format!("training, step {}", i + 1) };
            svg.text(MARGIN, y + 0.5 * height, &HEADING.fit(&label, LABELS - 14.0), HEADING);
            for (channel, map) in self.maps.chunks(size).enumerate() {
                let at = Rect::new(MARGIN + LABELS + channel as f64 * (width + GAP), y, width, height);
                if kept[channel] {
                    draw_map(svg, at, map, rows, columns);
                } else {
                    svg.rect(at, Brush::fill(Color(40, 40, 40)));
                    draw_cross(svg, at.center(), 0.2 * at.h.min(at.w), WHITE, 3.0);
                }
            }
        }
    }
}

fn draw_unit(svg: &mut Svg, center: (f64, f64), radius: f64, kept: bool) {
    if kept {
        svg.circle(center, radius, Brush::fill(BLUE.mix(WHITE, 0.35)).outlined(INK, 2.0));
    } else {
        svg.circle(
            center,
            radius,
            Brush::fill(WHITE).outlined(Color(150, 150, 150), 2.0).dashed(&[4.0, 3.0]),
        );
        draw_cross(svg, center, 0.75 * radius, VERMILLION, 3.5);
    }
}

fn draw_cross(svg: &mut Svg, (x, y): (f64, f64), half: f64, color: Color, width: f64) {
    for sign in [-1.0, 1.0] {
        svg.line((x - half, y - sign * half), (x + half, y + sign * half), Brush::line(color, width));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn shown<'a>(steps: &'a [&'a [bool]], channels: &'a [&'a [bool]], maps: &'a [f32]) -> Dropout<'a> {
        Dropout { p: 0.5, layers: &[2, 3, 1], steps, maps, map_size: (1, 2), channels }
    }

    #[test]
    fn dropped_units_are_crossed_out_and_lose_their_lines() {
        let step = [true, true, false, true, true, true];
        let maps = [0.0, 1.0, 1.0, 0.0];
        let lines = |steps: &[&[bool]]| {
            let picture = dropout(&shown(steps, &[], &maps));
            check(&picture);
            picture.svg().matches("<line").count()
        };
        // Nine connections without dropout; with one hidden unit dropped six, and two lines of its cross.
        let dropped = lines(&[&step]);
        assert_eq!(dropped - lines(&[]), 6 + 2);
        let picture = dropout(&shown(&[&step], &[&[true, false]], &maps));
        for text in ["training, step 1", "evaluation", "kept values × 1/(1 − p) = 2.00", "Dropout, p = 0.5"]
        {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn anything_can_be_drawn() {
        check(&dropout(&Dropout {
            p: 1.0,
            layers: &[],
            steps: &[],
            maps: &[],
            map_size: (3, 3),
            channels: &[&[]],
        }));
        let maps = vec![f32::NAN; 40 * 6];
        let channels = [false; 40];
        let many = Dropout {
            p: 0.0,
            layers: &[40],
            steps: &[&[true; 40] as &[bool]; 6],
            maps: &maps,
            map_size: (6, 1),
            channels: &[&channels],
        };
        check(&dropout(&many));
    }

    #[test]
    #[should_panic(expected = "one flag for each of 6 units")]
    fn each_unit_has_a_flag() {
        dropout(&shown(&[&[true]], &[], &[0.0, 0.0]));
    }
}
