use super::*;
use crate::cpu::threads::tests::with_threads;

/// Every platform gives these bits. Whoever changes the shapes on purpose changes these numbers.
#[test]
fn golden_bits() {
    let set = shapes(100, Part::Train);
    assert_eq!((crc32fast::hash(&set.images), crc32fast::hash(&set.labels)), (3875189672, 3279070178));
}

#[test]
fn a_sample_is_the_same_alone_and_for_any_number_of_threads() {
    let set = shapes(50, Part::Test);
    for threads in [1, 2, 4] {
        assert!(with_threads(threads, || shapes(50, Part::Test)) == set);
    }
    for index in (0..50).rev() {
        let (image, label) = shape(STANDARD_SEED, Purpose::ShapesTest, index as u32);
        assert_eq!((set.image(index), set.labels[index]), (&image[..], label));
    }
}

#[test]
fn seeds_parts_and_indices_differ() {
    let sample = shape(1, Purpose::ShapesTrain, 0).0;
    assert_ne!(sample, shape(2, Purpose::ShapesTrain, 0).0);
    assert_ne!(sample, shape(1, Purpose::ShapesTest, 0).0);
    assert_ne!(sample, shape(1, Purpose::ShapesTrain, 1).0);
}

#[test]
fn classes_are_about_as_frequent() {
    for part in [Part::Train, Part::Test] {
        let labels = shapes(1000, part).labels;
        for class in 0..10 {
            let count = labels.iter().filter(|&&label| label == class).count();
            // Five standard deviations of the binomial distribution: sqrt(1000 * 0.1 * 0.9) = 9.5.
            assert!((53..=147).contains(&count), "class {class} occurs {count} times");
        }
    }
}

/// The mean colour of an image tells nothing: the class whose mean is nearest is right about as often as by chance.
#[test]
fn mean_colours_do_not_tell_the_class() {
    let mean = |image: &[u8]| -> Vec<f64> {
        image.chunks(PLANE).map(|plane| plane.iter().map(|&v| v as f64).sum::<f64>() / PLANE as f64).collect()
    };
    let train = shapes(2000, Part::Train);
    let mut classes = vec![[0.0; 4]; 10];
    for i in 0..train.count() {
        let sums = &mut classes[train.labels[i] as usize];
        mean(train.image(i)).iter().zip(&mut sums[..3]).for_each(|(v, sum)| *sum += v);
        sums[3] += 1.0;
    }
    let test = shapes(1000, Part::Test);
    let right = (0..test.count()).filter(|&i| {
        let found = mean(test.image(i));
        let distance =
            |sums: &[f64; 4]| -> f64 { (0..3).map(|c| (found[c] - sums[c] / sums[3]).powi(2)).sum() };
        let nearest = (0..10).min_by(|&a, &b| distance(&classes[a]).total_cmp(&distance(&classes[b])));
        nearest == Some(test.labels[i] as usize)
    });
    // 100 of 1000 by chance, and five standard deviations of 9.5.
    assert!(right.count() < 148);
}
