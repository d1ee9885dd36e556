//! Random erasing (Zhong et al. 2020).

use crate::rng::Rng;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) struct Box2d {
    pub(in crate::data) top: usize,
    pub(in crate::data) left: usize,
    pub(in crate::data) height: usize,
    pub(in crate::data) width: usize,
}

impl Box2d {
    /// The rectangle's part of each row of a plane of this width, one after another.
    pub(in crate::data) fn rows(self, row: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        (self.top..self.top + self.height).map(move |y| y * row + self.left..y * row + self.left + self.width)
    }
}

/// The rectangle to erase: 0.02 to 0.33 of the area, its height over its width between 0.3 and 1/0.3. None if ten
/// tries do not fit, as torchvision has it.
pub(super) fn choose(height: usize, width: usize, rng: &mut Rng) -> Option<Box2d> {
    for _ in 0..10 {
        let area = (height * width) as f64 * rng.uniform_in(0.02, 0.33);
        // Not `f64::exp`, which differs from machine to machine. ln(1 / 0.3) = 1.2039728043259361.
        let ratio = libm::exp(rng.uniform_in(-1.203_972_804_325_936_1, 1.203_972_804_325_936_1));
        let (h, w) = ((area * ratio).sqrt().round() as usize, (area / ratio).sqrt().round() as usize);
        if h < height && w < width {
            let top = rng.below((height - h + 1) as u64) as usize;
            let left = rng.below((width - w + 1) as u64) as usize;
            return Some(Box2d { top, left, height: h, width: w });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_lie_inside_and_have_the_areas_promised() {
        let mut rng = Rng::new(1);
        let mut areas = 0.0;
        for _ in 0..2000 {
            let Box2d { top, left, height, width } = choose(32, 24, &mut rng).unwrap();
            assert!(top + height <= 32 && left + width <= 24 && height > 0 && width > 0);
            let area = (height * width) as f64 / (32.0 * 24.0);
            assert!((0.01..0.36).contains(&area), "{area}");
            areas += area / 2000.0;
        }
        // The mean of U(0.02, 0.33) is 0.175, a little less as the largest fit least often.
        assert!((0.15..0.18).contains(&areas), "{areas}");
    }

    #[test]
    fn rows_of_a_plane() {
        let rows: Vec<_> = Box2d { top: 1, left: 2, height: 2, width: 3 }.rows(10).collect();
        assert_eq!(rows, [12..15, 22..25]);
    }
}
