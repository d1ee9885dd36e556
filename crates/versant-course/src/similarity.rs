//! Which images one channel of a network takes for alike.   [course: B17]

/// An image of a data set, and how like the query it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The image's index.
    pub image: usize,
    /// From -1 to 1.
    pub similarity: f32,
}

/// How like the query's every image's output of one channel is: the cosine of the angle between the two maps a and b,
/// sum(a b) / sqrt(sum(a^2) sum(b^2)), in f64. `maps` holds one map after another, `images` in all. The query has
/// exactly 1. A map of zeros only, or one with a number that is not finite, is like no other: 0.
///
/// ```
/// use versant_course::similarity::{channel_similarities, nearest};
/// let maps = [1.0, 0.0, /* image 1: */ 0.0, 2.0, /* image 2: */ 3.0, 3.0];
/// let similarities = channel_similarities(&maps, 3, 0);
/// assert_eq!(similarities[..2], [1.0, 0.0]);
/// let order: Vec<usize> = nearest(&similarities, 0, 2).iter().map(|n| n.image).collect();
/// assert_eq!(order, [0, 2]);
/// ```
///
/// # Panics
/// If the maps do not divide among the images, or the query is none of them.
#[track_caller]
pub fn channel_similarities(maps: &[f32], images: usize, query: usize) -> Vec<f32> {
    assert!(
        query < images && maps.len().is_multiple_of(images) && !maps.is_empty(),
        "channel_similarities: {} values are no maps of {images} images with image {query}",
        maps.len()
    );
    let size = maps.len() / images;
    let map = |image: usize| &maps[image * size..(image + 1) * size];
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    let own = product(map(query), map(query)).sqrt();
    let similarity = |image: usize| {
        if image == query {
            return 1.0;
        }
        // Roots before the product: their squares may be too large or too small for it.
        let cosine = product(map(query), map(image)) / own / product(map(image), map(image)).sqrt();
        if cosine.is_finite() { cosine.clamp(-1.0, 1.0) as f32 } else { 0.0 }
    };
    (0..images).map(similarity).collect()
}

/// The query first, then the `k - 1` most similar of the others; of equals the lower index first.
///
/// # Panics
/// If the query is no image.
#[track_caller]
pub fn nearest(similarities: &[f32], query: usize, k: usize) -> Vec<Neighbour> {
    assert!(query < similarities.len(), "nearest: image {query} of {}", similarities.len());
    let mut order: Vec<usize> = (0..similarities.len()).collect();
    // Both zeros are equal: no index may win by its sign.
    let key = |image: usize| (image == query, similarities[image] + 0.0);
    order.sort_by(|&a, &b| {
        let (a, b) = (key(a), key(b));
        b.0.cmp(&a.0).then(b.1.total_cmp(&a.1))
    });
    order.into_iter().take(k).map(|image| Neighbour { image, similarity: similarities[image] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_of_known_angles() {
        let maps = [1.0, 0.0, 1.0, 1.0, -2.0, 0.0, 0.0, 0.0, 7.0, 0.0];
        let found = channel_similarities(&maps, 5, 0);
        let expected = [1.0, std::f32::consts::FRAC_1_SQRT_2, -1.0, 0.0, 1.0];
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-7), "{found:?}");
    }

    #[test]
    fn hostile_maps_are_like_no_other_but_themselves() {
        let maps = [0.0, f32::NAN, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, f32::MAX];
        assert_eq!(channel_similarities(&maps, 6, 0), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(channel_similarities(&maps, 6, 3), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
    }

    #[test]
    fn the_image_itself_is_first_and_ties_go_by_index() {
        let order = |similarities: &[f32], query, k| -> Vec<usize> {
            nearest(similarities, query, k).iter().map(|n| n.image).collect()
        };
        assert_eq!(order(&[1.0, 0.5, 1.0, 0.5], 2, 9), [2, 0, 1, 3]);
        assert_eq!(order(&[-0.0, 0.0, 0.3, -0.7], 3, 4), [3, 2, 0, 1]);
        assert!(order(&[1.0], 0, 0).is_empty());
    }

    #[test]
    #[should_panic(expected = "5 values are no maps of 2 images with image 0")]
    fn maps_must_divide() {
        channel_similarities(&[0.0; 5], 2, 0);
    }
}
