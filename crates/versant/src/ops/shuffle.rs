//! Pixels to channels and back, without arithmetic [course: B8].

use crate::shape::Shape;
use crate::tensor::Tensor;

#[track_caller]
fn images(operation: &str, x: &Tensor) -> [usize; 4] {
    let shape = x.shape();
    assert!(shape.rank() == 4, "{operation}: images are [n, c, h, w], not {shape}");
    x.dims()
}

/// Nothing is computed: the elements are the same, bit for bit. Gradient: g in the old order.
impl Tensor {
    /// Each r x r block of pixels as r^2 channels: [n, c, h, w] to [n, c r^2, h / r, w / r], channel c r^2 + i r + j from
    /// row i and column j of the blocks. The squeeze of the slides, an invertible pooling, is that of r = 2.
    /// [course: B8]
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [1, 1, 2, 2]);
    /// let y = x.pixel_unshuffle(2);
    /// assert_eq!((y.shape(), y.to_vec::<f32>()), ([1, 4, 1, 1].into(), vec![1.0, 2.0, 3.0, 4.0]));
    /// assert_eq!(y.pixel_shuffle(2).shape(), x.shape());
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w], or r does not divide h and w.
    #[track_caller]
    pub fn pixel_unshuffle(&self, r: usize) -> Tensor {
        let [n, c, h, w] = images("pixel_unshuffle", self);
        assert!(
            r > 0 && h % r == 0 && w % r == 0,
            "pixel_unshuffle: images {} cannot be cut into blocks of {r} by {r}",
            self.shape()
        );
        let blocks = self.reshape([n, c, h / r, r, w / r, r]);
        blocks.permute(&[0, 1, 3, 5, 2, 4]).reshape([n, c * r * r, h / r, w / r])
    }

    /// Each r^2 channels as r x r blocks of pixels: [n, c r^2, h, w] to [n, c, h r, w r], the inverse of
    /// [`pixel_unshuffle`](Tensor::pixel_unshuffle). [course: B8]
    ///
    /// # Panics
    /// When this is not [n, c, h, w], or r^2 does not divide the channels.
    #[track_caller]
    pub fn pixel_shuffle(&self, r: usize) -> Tensor {
        let ([n, c, h, w], shape) = (images("pixel_shuffle", self), self.shape());
        let blocks = r.checked_mul(r).filter(|&square| square > 0 && c.is_multiple_of(square));
        let Some(square) = blocks else {
            panic!("pixel_shuffle: the {c} channels of {shape} are no blocks of {r} by {r}")
        };
        let dims = [h.checked_mul(r), w.checked_mul(r)];
        let result = match dims {
            [Some(h), Some(w)] => Shape::checked(&[n, c / square, h, w]),
            _ => None,
        };
        let Some(result) = result else {
            panic!("pixel_shuffle: {shape} by {r} has more elements than memory can hold")
        };
        let blocks = self.reshape([n, c / square, r, r, h, w]);
        blocks.permute(&[0, 1, 4, 2, 5, 3]).reshape(result)
    }

    /// Channels in the order of a table of `groups` rows that is read by its columns, so that each group gets some of
    /// every other: PyTorch's `channel_shuffle`, from ShuffleNet (Zhang et al. 2018, arXiv 1707.01083).
    ///
    /// ```
    /// use versant::Tensor;
    /// let x = Tensor::arange(4).reshape([1, 4, 1, 1]);
    /// assert_eq!(x.channel_shuffle(2).to_vec::<i64>(), [0, 2, 1, 3]);
    /// ```
    ///
    /// # Panics
    /// When this is not [n, c, h, w], or the groups do not divide the channels.
    #[track_caller]
    pub fn channel_shuffle(&self, groups: usize) -> Tensor {
        let [n, c, h, w] = images("channel_shuffle", self);
        assert!(
            groups > 0 && c % groups == 0,
            "channel_shuffle: {groups} groups do not divide the {c} channels of {}",
            self.shape()
        );
        self.reshape([n, groups, c / groups, h, w]).transpose(1, 2).reshape([n, c, h, w])
    }
}
