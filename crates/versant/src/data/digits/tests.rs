use super::*;

/// Both streams are checked; each test looks at this many samples of them.
const SAMPLES: usize = 1000;

fn parts() -> [(Vec<u8>, Vec<u8>); 2] {
    [Purpose::DigitsTrain, Purpose::DigitsTest].map(|purpose| digit_images(SAMPLES, purpose))
}

fn images(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.chunks_exact(DIGIT_SIDE * DIGIT_SIDE)
}

/// The first and the last of the rows or columns with ink.
fn extent(inked: impl Fn(usize) -> bool) -> (usize, usize) {
    let mut lines = (0..DIGIT_SIDE).filter(|&line| inked(line));
    let first = lines.next().expect("a digit has ink");
    (first, lines.next_back().unwrap_or(first))
}

/// Every platform gives these bits. Whoever changes the digits on purpose changes these numbers.
#[test]
fn golden_bits() {
    let (images, labels) = digit_images(100, Purpose::DigitsTrain);
    assert_eq!((crc32fast::hash(&images), crc32fast::hash(&labels)), (2567748553, 3463952361));
}

#[test]
fn a_sample_is_the_same_alone_and_in_a_batch() {
    let (images, labels) = digit_images(20, Purpose::DigitsTest);
    for index in (0..20).rev() {
        let (image, label) = digit(STANDARD_SEED, Purpose::DigitsTest, index as u32);
        assert_eq!((&images[index * image.len()..][..image.len()], labels[index]), (&image[..], label));
    }
}

#[test]
fn seeds_purposes_and_indices_differ() {
    let sample = digit(1, Purpose::DigitsTrain, 0).0;
    assert_ne!(sample, digit(2, Purpose::DigitsTrain, 0).0);
    assert_ne!(sample, digit(1, Purpose::DigitsTest, 0).0);
    assert_ne!(sample, digit(1, Purpose::DigitsTrain, 1).0);
    let [train, test] = parts();
    assert!(images(&test.0).all(|image| !images(&train.0).any(|other| image == other)));
}

#[test]
fn classes_are_about_as_frequent() {
    for (_, labels) in parts() {
        for class in 0..10 {
            let count = labels.iter().filter(|&&label| label == class).count();
            // Five standard deviations of the binomial distribution: sqrt(1000 * 0.1 * 0.9) = 9.5.
            assert!((53..=147).contains(&count), "class {class} occurs {count} times");
        }
    }
}

#[test]
fn ink_fits_its_box_and_reaches_full_white() {
    for (bytes, _) in parts() {
        for image in images(&bytes) {
            let (top, bottom) =
                extent(|row| (0..DIGIT_SIDE).any(|column| image[row * DIGIT_SIDE + column] > 0));
            let (left, right) =
                extent(|column| (0..DIGIT_SIDE).any(|row| image[row * DIGIT_SIDE + column] > 0));
            let (height, width) = (bottom - top + 1, right - left + 1);
            assert!(height <= 20 && width <= 20, "{height}x{width} pixels of ink");
            assert!(height.max(width) >= 18, "{height}x{width} pixels of ink");
            assert!(image.iter().any(|&pixel| pixel > 250));
        }
    }
}

#[test]
fn the_centre_of_mass_is_in_the_middle() {
    for (bytes, _) in parts() {
        for image in images(&bytes) {
            let mass: f64 = image.iter().map(|&pixel| pixel as f64).sum();
            let mean = |place: fn(usize) -> usize| {
                image.iter().enumerate().map(|(i, &pixel)| place(i) as f64 * pixel as f64).sum::<f64>() / mass
            };
            let (row, column) = (mean(|i| i / DIGIT_SIDE), mean(|i| i % DIGIT_SIDE));
            // Half a pixel of rounding, and what rounding the grey levels adds.
            assert!((row - 14.0).abs() < 0.51 && (column - 14.0).abs() < 0.51, "({row}, {column})");
        }
    }
}

/// Ink covers about as much of the paper as in MNIST, where the mean pixel is 0.1307.
#[test]
fn brightness_is_that_of_mnist() {
    for (bytes, _) in parts() {
        let mean = bytes.iter().map(|&pixel| pixel as f64).sum::<f64>() / (255.0 * bytes.len() as f64);
        assert!((mean - 0.1307).abs() < 0.01, "the mean pixel is {mean}");
    }
}
