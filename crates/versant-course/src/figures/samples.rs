//! A data set at a glance: a few images of each class.   [course: B10]

use super::images::Images;
use super::{MARGIN, TOP, WIDTH, grouped, sheet};
use crate::draw::{Font, GREY, Picture, Rect};

const NAME: Font = Font::new(18.0).bold();
const NOTE: Font = Font::new(15.0).color(GREY);
const GAP: f64 = 8.0;

/// The first `each` images of every class in a row, with the class's name and how many images it has.
///
/// # Panics
/// If there is not one label for each image, or a label is none of the classes.
#[track_caller]
pub fn samples(name: &str, images: &Images, labels: &[usize], names: &[String], each: usize) -> Picture {
    let count = images.count();
    assert_eq!(labels.len(), count, "samples: labels of {count} images");
    assert!(labels.iter().all(|&l| l < names.len()), "samples: a label is none of {} classes", names.len());
    let longest = names.iter().map(|n| NAME.width(n)).fold(0.0, f64::max);
    let left = MARGIN + longest.clamp(90.0, 220.0) + 20.0;
    let room = (WIDTH - MARGIN - left + GAP) / each.max(1) as f64 - GAP;
    // Many classes in smaller rows, but never smaller than the names beside them.
    let side = room.min((1500.0 / names.len().max(1) as f64).clamp(46.0, 96.0));
    let (width, height) = images.fit(side);
    let row = height.max(44.0) + GAP;
    let Images { height: h, width: w, channels: c, .. } = images;
    let mut svg = sheet(
        &format!("{name}: samples of each class"),
        &format!("{} images of {c} × {h} × {w} in {} classes", grouped(count), names.len()),
        TOP + names.len().max(1) as f64 * row + 16.0,
    );
    // What narrow rows leave free is shared out between the images.
    let pitch = (width + GAP).max(((WIDTH - MARGIN - left + GAP) / each.max(1) as f64).min(width + 24.0));
    for (class, name) in names.iter().enumerate() {
        let y = TOP + class as f64 * row;
        let members: Vec<usize> = (0..count).filter(|&i| labels[i] == class).collect();
        let middle = y + 0.5 * height;
        svg.text(MARGIN, middle - 10.0, &NAME.fit(name, left - MARGIN - 14.0), NAME);
        svg.text(MARGIN, middle + 12.0, &grouped(members.len()), NOTE);
        for (i, &image) in members.iter().take(each).enumerate() {
            images.draw(&mut svg, image, Rect::new(left + i as f64 * pitch, y, width, height));
        }
    }
    svg.finish()
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn each_class_shows_its_first_images() {
        let bytes: Vec<u8> = (0..60).collect();
        let images = Images { bytes: &bytes, height: 2, width: 2, channels: 3 };
        let names = ["cat".to_owned(), "<dog>".to_owned(), "none".to_owned()];
        let picture = samples("pets", &images, &[0, 1, 0, 0, 1], &names, 2);
        check(&picture);
        assert_eq!(picture.svg().matches("<image").count(), 4);
        for text in ["5 images of 3 × 2 × 2 in 3 classes", ">&lt;dog&gt;<", ">3<", ">2<", ">0<"] {
            assert!(picture.svg().contains(text), "{text}");
        }
    }

    #[test]
    fn any_number_of_classes_and_any_shape() {
        for (classes, height, width, each) in
            [(1, 1, 1, 1), (100, 8, 8, 12), (10, 2, 90, 10), (10, 90, 2, 3), (2, 4, 4, 0)]
        {
            let bytes = vec![99; classes * 2 * height * width];
            let labels: Vec<usize> = (0..classes * 2).map(|i| i / 2).collect();
            let names = vec!["a class with a name that is too long for its room".to_owned(); classes];
            let images = Images { bytes: &bytes, height, width, channels: 1 };
            check(&samples("any", &images, &labels, &names, each));
        }
    }

    #[test]
    #[should_panic(expected = "a label is none of 1 classes")]
    fn labels_must_be_classes() {
        let images = Images { bytes: &[0], height: 1, width: 1, channels: 1 };
        samples("x", &images, &[1], &["a".to_owned()], 1);
    }
}
