//! What a channel sees: the images on which its output is most like that on one image.   [course: B17]

use super::images::Images;
use super::maps::draw_map;
use super::{MARGIN, TOP, WIDTH, sheet};
use crate::draw::{BLUE, Brush, Color, Font, GREY, Picture, Rect, Svg};
use crate::similarity::Neighbour;

/// One channel of a layer, with the images it takes for most like the first of them.
#[derive(Clone, Copy, Debug)]
pub struct ChannelRow<'a> {
    /// The layer's name.
    pub layer: &'a str,
    /// The channel's number.
    pub channel: usize,
    /// The images, the query first.
    pub nearest: &'a [Neighbour],
    /// The channel's output for each of them, one map after another.
    pub maps: &'a [f32],
    /// Rows and columns of a map.
    pub map_size: (usize, usize),
}

/// The images that channels look at.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// The images.
    pub images: Images<'a>,
    /// The class of each image.
    pub labels: &'a [usize],
    /// The classes' names.
    pub names: &'a [String],
}

/// More images than this are not shown: they would be too small.
const MOST: usize = 12;
const LABELS: f64 = 160.0;
const GAP: f64 = 16.0;
const NAME: Font = Font::new(18.0).bold();
const NOTE: Font = Font::new(15.0).color(GREY);
const SCORE: Font = Font::new(17.0).bold();

/// A row for each channel: the images from the most to the least similar, below each the channel's output, and below
/// that the similarity and the class. Of more than twelve images the first twelve are shown.
///
/// # Panics
/// If a map is missing, or an image or a class is none of the set.
#[track_caller]
pub fn channel_gallery(name: &str, set: &Labelled, rows: &[ChannelRow]) -> Picture {
    let count = set.images.count();
    assert_eq!(set.labels.len(), count, "channel_gallery: labels of {count} images");
    assert!(
        set.labels.iter().all(|&l| l < set.names.len()),
        "channel_gallery: a label is none of the classes"
    );
    for row in rows {
        let size = row.map_size.0 * row.map_size.1;
        assert!(
            size > 0 && row.maps.len() == size * row.nearest.len(),
            "channel_gallery: {} values are no maps of {} images",
            row.maps.len(),
            row.nearest.len()
        );
        assert!(row.nearest.iter().all(|n| n.image < count), "channel_gallery: an image is none of {count}");
    }
    let columns = rows.iter().map(|r| r.nearest.len()).max().unwrap_or(0).clamp(1, MOST);
    let tile = ((WIDTH - 2.0 * MARGIN - LABELS + GAP) / columns as f64 - GAP).min(if rows.len() > 1 {
        108.0
    } else {
        150.0
    });
    let pitch = 2.0 * tile + 92.0;
    let height = TOP + 26.0 + rows.len().max(1) as f64 * pitch;
    let reading = "Above: images; below: the channel's output on them; \
                   the number: cosine similarity to the first output";
    let mut svg = sheet(&format!("{name}: what a channel sees"), reading, height);
    if rows.is_empty() {
        svg.text(0.5 * WIDTH, TOP + 60.0, "no channel was asked for", NAME.middle().color(GREY));
    }
    let left = MARGIN + LABELS;
    let gap = if columns > 1 {
        ((WIDTH - MARGIN - left - columns as f64 * tile) / (columns - 1) as f64).min(40.0)
    } else {
        GAP
    };
    svg.text(left, TOP - 2.0, "the image itself", NOTE);
    if columns > 1 {
        let next = left + tile + gap;
        svg.text(
            next.max(left + NOTE.width("the image itself") + 20.0),
            TOP - 2.0,
            "the most similar, falling →",
            NOTE,
        );
    }
    for (i, row) in rows.iter().enumerate() {
        let y = TOP + 18.0 + i as f64 * pitch;
        if i > 0 {
            svg.line((MARGIN, y - 14.0), (WIDTH - MARGIN, y - 14.0), Brush::line(Color(222, 222, 222), 1.0));
        }
        row.draw(&mut svg, set, y, tile, gap);
    }
    svg.finish()
}

impl ChannelRow<'_> {
    fn draw(&self, svg: &mut Svg, set: &Labelled, y: f64, tile: f64, gap: f64) {
        let room = LABELS - 14.0;
        let (rows, columns) = self.map_size;
        svg.text(MARGIN, y + tile - 24.0, &NAME.fit(self.layer, room), NAME);
        svg.text(MARGIN, y + tile, &NAME.fit(&format!("channel {}", self.channel), room), NAME);
        svg.text(MARGIN, y + tile + 24.0, &NOTE.fit(&format!("{rows} × {columns}"), room), NOTE);
        for (i, (neighbour, map)) in
            self.nearest.iter().zip(self.maps.chunks(rows * columns)).take(MOST).enumerate()
        {
            let x = MARGIN + LABELS + i as f64 * (tile + gap);
            let image = Rect::new(x, y, tile, tile);
            set.images.draw(svg, neighbour.image, image);
            let (w, h) = fitted(rows, columns, tile);
            let at = Rect::new(x + 0.5 * (tile - w), y + tile + 6.0 + 0.5 * (tile - h), w, h);
            draw_map(svg, at, map, rows, columns);
            if i == 0 {
                let frame = Rect::new(x - 5.0, y - 5.0, tile + 10.0, 2.0 * tile + 16.0);
                svg.rect(frame, Brush::line(BLUE, 3.0));
            }
            let (middle, below) = (x + 0.5 * tile, y + 2.0 * tile + 26.0);
            let score = if neighbour.similarity.is_finite() {
                format!("{:.2}", neighbour.similarity).replace('-', "−")
            } else {
                "–".to_owned()
            };
            svg.text(middle, below, &score, SCORE.middle());
            let class = &set.names[set.labels[neighbour.image]];
            let font = Font::new(15.0);
            svg.text(middle, below + 20.0, &font.fit(class, tile + gap - 4.0), font.middle());
        }
    }
}

/// Width and height of the largest box of a map's shape in a square.
fn fitted(rows: usize, columns: usize, side: f64) -> (f64, f64) {
    let zoom = side / rows.max(columns) as f64;
    (columns as f64 * zoom, rows as f64 * zoom)
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    fn set<'a>(bytes: &'a [u8], labels: &'a [usize], names: &'a [String]) -> Labelled<'a> {
        Labelled { images: Images { bytes, height: 1, width: 2, channels: 1 }, labels, names }
    }

    #[test]
    fn scores_classes_and_channels_are_written() {
        let names = ["cat".to_owned(), "<dog>".to_owned()];
        let set = set(&[0, 255, 9, 9, 100, 200], &[0, 1, 1], &names);
        let nearest =
            [(2, 1.0), (0, 0.987), (1, -0.5)].map(|(image, similarity)| Neighbour { image, similarity });
        let row = ChannelRow {
            layer: "conv1",
            channel: 7,
            nearest: &nearest,
            maps: &[0.0, 1.0, 0.5, 0.5, 0.0, 0.0],
            map_size: (2, 1),
        };
        let picture = channel_gallery("photos", &set, &[row, row]);
        check(&picture);
        for (text, times) in [
            (">1.00<", 2),
            (">0.99<", 2),
            (">−0.50<", 2),
            (">&lt;dog&gt;<", 4),
            (">channel 7<", 2),
            (">cat<", 2),
        ] {
            assert_eq!(picture.svg().matches(text).count(), times, "{text}");
        }
    }

    #[test]
    fn any_number_of_rows_and_images_and_any_number() {
        let names = ["a class with a name that is much too long".to_owned()];
        let set = set(&[7; 60], &[0; 30], &names);
        check(&channel_gallery("none", &set, &[]));
        for count in [0, 1, 5, 20] {
            let nearest = vec![Neighbour { image: 29, similarity: f32::NAN }; count];
            let maps = vec![f32::INFINITY; count * 12];
            let row = ChannelRow {
                layer: "a layer with a long name",
                channel: 10_000,
                nearest: &nearest,
                maps: &maps,
                map_size: (1, 12),
            };
            check(&channel_gallery("any", &set, &vec![row; count]));
        }
    }

    #[test]
    #[should_panic(expected = "3 values are no maps of 1 images")]
    fn each_image_has_a_map() {
        let names = ["a".to_owned()];
        let nearest = [Neighbour { image: 0, similarity: 1.0 }];
        let row = ChannelRow { layer: "", channel: 0, nearest: &nearest, maps: &[0.0; 3], map_size: (2, 1) };
        channel_gallery("x", &set(&[0, 0], &[0], &names), &[row]);
    }
}
