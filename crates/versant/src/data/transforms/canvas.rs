//! An image while it is changed.

/// Pixels [channels, height, width] with room for a copy.
pub(in crate::data) struct Canvas {
    pub(in crate::data) channels: usize,
    pub(in crate::data) height: usize,
    pub(in crate::data) width: usize,
    pub(in crate::data) pixels: Vec<u8>,
    spare: Vec<u8>,
}

impl Canvas {
    /// Black, and reused for one image after the other.
    pub(in crate::data) fn new(channels: usize, height: usize, width: usize) -> Canvas {
        let pixels = vec![0; channels * height * width];
        Canvas { channels, height, width, spare: pixels.clone(), pixels }
    }

    /// `change(old plane, new plane)` for each channel.
    pub(super) fn replace(&mut self, change: impl Fn(&[u8], &mut [u8])) {
        let plane = self.height * self.width;
        let planes = self.pixels.chunks_exact(plane).zip(self.spare.chunks_exact_mut(plane));
        planes.for_each(|(old, new)| change(old, new));
        std::mem::swap(&mut self.pixels, &mut self.spare);
    }

    /// Each channel's pixels.
    pub(super) fn planes(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.pixels.chunks_exact_mut(self.height * self.width)
    }

    /// Red, green and blue, if the image has them.
    pub(super) fn colors(&mut self) -> Option<[&mut [u8]; 3]> {
        let plane = self.height * self.width;
        let (red, rest) = self.pixels.split_at_mut(plane);
        let (green, blue) = rest.split_at_mut_checked(plane)?;
        (self.channels == 3).then_some([red, green, blue])
    }
}
