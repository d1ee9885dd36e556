//! Images in memory, as bytes, with their labels.

use std::sync::Arc;

use super::{Batch, Dataset};
use crate::array::Array;
use crate::cpu::elementwise::unary;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// For training.
    Train,
    /// For evaluation.
    Test,
}

/// Images of one size, with labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSet {
    /// Pixels 0 to 255, [count, channels, height, width] row-major.
    pub images: Vec<u8>,
    /// A class for each image.
    pub labels: Vec<u8>,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// Labels are below this.
    pub classes: usize,
    /// A name for each class: "0", "1", ... unless changed by [`with_class_names`](ImageSet::with_class_names).
    pub class_names: Vec<String>,
    /// Where the images come from: "MNIST", "built-in digits".
    pub source: String,
    /// CRC-32 of the images followed by the labels, in hexadecimal: tells one data set from another.
    pub checksum: String,
}

impl ImageSet {
    /// Checks that the parts fit together, and takes the checksum.
    ///
    /// # Errors
    /// When the lengths do not fit or a label is not a class; the message does not name a file.
    pub fn new(
        images: Vec<u8>,
        labels: Vec<u8>,
        [channels, height, width]: [usize; 3],
        classes: usize,
        source: &str,
    ) -> Result<ImageSet> {
        let pixels = channels.checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|&n| n > 0);
        if pixels.and_then(|n| n.checked_mul(labels.len())) != Some(images.len()) {
            return Err(Error::Data(format!(
                "{source}: {} bytes are not {} images [{channels}, {height}, {width}], one for each label",
                images.len(),
                labels.len()
            )));
        }
        if let Some(at) = labels.iter().position(|&l| l as usize >= classes) {
            return Err(Error::Data(format!(
                "{source}: label {} of image {at} is not one of the {classes} classes (0 to {})",
                labels[at],
                classes.saturating_sub(1)
            )));
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(&images);
        crc.update(&labels);
        let checksum = format!("{:08x}", crc.finalize());
        let class_names = (0..classes).map(|class| class.to_string()).collect();
        let source = source.into();
        Ok(ImageSet { images, labels, channels, height, width, classes, class_names, source, checksum })
    }

    /// With a name for each class.
    ///
    /// # Panics
    /// When there are not as many names as classes.
    #[track_caller]
    pub fn with_class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> ImageSet {
        self.class_names = names.into_iter().map(Into::into).collect();
        let (names, classes) = (self.class_names.len(), self.classes);
        assert!(names == classes, "ImageSet: {names} names for {classes} classes; give one for each");
        self
    }

    /// The number of images.
    pub fn count(&self) -> usize {
        self.labels.len()
    }

    /// The pixels of one image.
    ///
    /// # Panics
    /// When there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        let pixels = self.channels * self.height * self.width;
        &self.images[index * pixels..][..pixels]
    }
}

/// An [`ImageSet`] as batches: x f32 `[n, channels, height, width]`, y i64 `[n]`.
pub struct ImageData {
    set: Arc<ImageSet>,
    scale: f32,
    shift: f32,
}

impl ImageData {
    /// Pixels become numbers from 0 to 1.
    pub fn new(set: impl Into<Arc<ImageSet>>) -> ImageData {
        ImageData { set: set.into(), scale: 1.0 / 255.0, shift: 0.0 }
    }

    /// Pixels become (v / 255 - mean) / std.
    pub fn normalize(mut self, mean: f32, std: f32) -> ImageData {
        self.scale = 1.0 / (255.0 * std);
        self.shift = -mean / std;
        self
    }
}

impl Dataset for ImageData {
    fn len(&self) -> usize {
        self.set.count()
    }

    fn batch(&self, indices: &[usize]) -> Batch {
        let set = &self.set;
        let shape = [indices.len(), set.channels, set.height, set.width];
        let mut x = Array::recycled(shape.into(), DType::F32, Device::Cpu);
        let pixels = set.channels * set.height * set.width;
        for (row, &index) in x.as_mut_slice::<f32>().chunks_exact_mut(pixels).zip(indices) {
            unary(set.image(index), row, |pixel: u8| pixel as f32 * self.scale + self.shift);
        }
        let labels: Vec<i64> = indices.iter().map(|&i| set.labels[i] as i64).collect();
        Batch { x: x.into(), y: Tensor::from_slice(&labels, [indices.len()]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_normalised() {
        let set = ImageSet::new(vec![0, 255, 51, 102], vec![1, 0], [1, 1, 2], 2, "test").unwrap();
        assert_eq!(set.checksum, format!("{:08x}", crc32fast::hash(&[0, 255, 51, 102, 1, 0])));
        let batch = ImageData::new(set).normalize(0.5, 0.25).batch(&[1, 0]);
        assert_eq!(batch.x.shape(), [2, 1, 1, 2].into());
        for (got, want) in batch.x.to_vec::<f32>().iter().zip([-1.2, -0.4, -2.0, 2.0]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        assert_eq!(batch.y.to_vec::<i64>(), [0, 1]);
    }

    #[test]
    fn parts_that_do_not_fit() {
        let error = |images: usize, labels: Vec<u8>| {
            ImageSet::new(vec![0; images], labels, [1, 1, 2], 2, "test").unwrap_err().to_string()
        };
        assert_eq!(error(3, vec![0, 1]), "test: 3 bytes are not 2 images [1, 1, 2], one for each label");
        assert!(ImageSet::new(vec![], vec![0; 2], [usize::MAX, 2, 1], 2, "test").is_err());
        assert!(ImageSet::new(vec![], vec![], [1, 0, 1], 2, "test").is_err());
        assert_eq!(error(4, vec![0, 7]), "test: label 7 of image 1 is not one of the 2 classes (0 to 1)");
    }
}
