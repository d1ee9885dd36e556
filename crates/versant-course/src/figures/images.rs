//! Small images as tiles.

use crate::draw::{Brush, Color, Pixels, Rect, Svg};

/// Images of one size.
#[derive(Clone, Copy, Debug)]
pub struct Images<'a> {
    /// One after another, each `height * width * channels` bytes, channels interleaved.
    pub bytes: &'a [u8],
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// 1 (greyscale) or 3 (RGB).
    pub channels: usize,
}

impl Images<'_> {
    /// How many there are.
    ///
    /// # Panics
    /// If the bytes are no whole number of images, or an image has no pixels.
    #[track_caller]
    pub fn count(&self) -> usize {
        let size = self.height * self.width * self.channels;
        assert!(
            size > 0 && self.bytes.len().is_multiple_of(size),
            "images: {} bytes are no images of {}x{}, {} channels",
            self.bytes.len(),
            self.height,
            self.width,
            self.channels
        );
        self.bytes.len() / size
    }

    /// The largest box of an image's shape in a square of `side` px.
    pub(super) fn fit(&self, side: f64) -> (f64, f64) {
        let zoom = side / self.height.max(self.width) as f64;
        (self.width as f64 * zoom, self.height as f64 * zoom)
    }

    /// Draws one in the middle of a box, as large as fits, with a thin frame.
    pub(super) fn draw(&self, svg: &mut Svg, index: usize, room: Rect) {
        let size = self.height * self.width * self.channels;
        let bytes = &self.bytes[index * size..(index + 1) * size];
        let (w, h) = self.fit(room.w.min(room.h));
        let at = Rect::new(room.x + 0.5 * (room.w - w), room.y + 0.5 * (room.h - h), w, h);
        svg.image(at, &Pixels::from_bytes(self.height, self.width, self.channels, bytes));
        svg.rect(at, Brush::line(Color(150, 150, 150), 1.0));
    }
}
