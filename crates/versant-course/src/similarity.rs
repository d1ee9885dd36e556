//! Which images one channel of a network takes for alike.   [course: B17]

/// An image of a data set, and how like the query it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The image's index.
    pub image: usize,
    /// From -1 to 1.
    pub similarity: f32,
}

/// How alike two outputs of a channel are: the cosine of the angle between the maps a and b,
/// sum(a b) / sqrt(sum(a^2) sum(b^2)), in f64. A map is like itself: 1. A map of zeros only, or one with a number that is
/// not finite, is like no other: 0.
///
/// ```
/// use versant_course::similarity::{nearest, similarity};
/// let query = [1.0, 0.0];
/// let similarities = [query, [0.0, 2.0], [3.0, 3.0]].map(|map| similarity(&query, &map));
/// assert_eq!(similarities[..2], [1.0, 0.0]);
/// let order: Vec<usize> = nearest(&similarities, 0, 2).iter().map(|n| n.image).collect();
/// assert_eq!(order, [0, 2]);
/// ```
///
/// # Panics
/// If the maps are not of one size.
#[track_caller]
pub fn similarity(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "similarity: maps of different sizes");
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    // Roots before the product: their squares may be too large or too small for it.
    let cosine = product(a, b) / product(a, a).sqrt() / product(b, b).sqrt();
    if cosine.is_finite() { cosine.clamp(-1.0, 1.0) as f32 } else { 0.0 }
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
    fn the_cosine_of_maps() {
        let query = [1.0, 2.0];
        let maps = [query, [3.0, 1.0], [-2.0, -4.0], [2.0, -1.0], [0.5, 1.0]];
        let expected = [1.0, std::f32::consts::FRAC_1_SQRT_2, -1.0, 0.0, 1.0];
        for (map, wanted) in maps.iter().zip(expected) {
            assert!((similarity(&query, map) - wanted).abs() < 1e-7, "{map:?}");
        }
        assert_eq!(similarity(&query, &query), 1.0);
    }

    #[test]
    fn hostile_maps_are_like_no_other() {
        for hostile in [0.0, f32::NAN, f32::INFINITY] {
            assert_eq!(similarity(&[hostile], &[hostile]), 0.0, "{hostile}");
            assert_eq!(similarity(&[1.0], &[hostile]), 0.0, "{hostile}");
        }
        assert_eq!(similarity(&[f32::MAX], &[f32::MIN_POSITIVE]), 1.0);
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
}
