//! Images in memory, as bytes, with their labels.

use std::sync::Arc;

use super::transforms::{Augment, Canvas};
use super::{Batch, Dataset};
use crate::array::Array;
use crate::cpu::elementwise::unary;
use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::rng::{Purpose, Rng};
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

    /// The images with these indices, in this order.
    ///
    /// # Panics
    /// When there is no such image.
    #[must_use]
    pub fn subset(&self, indices: &[usize]) -> ImageSet {
        let images = indices.iter().flat_map(|&i| self.image(i)).copied().collect();
        let labels: Vec<u8> = indices.iter().map(|&i| self.labels[i]).collect();
        let size = [self.channels, self.height, self.width];
        match ImageSet::new(images, labels, size, self.classes, &self.source) {
            Ok(set) => set.with_class_names(self.class_names.clone()),
            Err(error) => unreachable!("a part of what fits: {error}"),
        }
    }

    /// The mean and the standard deviation of each channel's pixels in [0, 1], as
    /// [`normalize`](ImageData::normalize) takes them. A channel that never changes has the deviation of one grey level.
    ///
    /// ```
    /// use versant::data::{ImageData, Part, shapes};
    /// let train = shapes(100, Part::Train);
    /// let [mean, std] = train.mean_std();
    /// let data = ImageData::new(train).normalize(&mean[..], &std[..]);
    /// ```
    pub fn mean_std(&self) -> [Vec<f32>; 2] {
        let plane = self.height * self.width;
        let mut sums = vec![[0u64; 2]; self.channels];
        for (i, pixels) in self.images.chunks_exact(plane).enumerate() {
            let [sum, squares] = &mut sums[i % self.channels];
            *sum += pixels.iter().map(|&v| v as u64).sum::<u64>();
            *squares += pixels.iter().map(|&v| v as u64 * v as u64).sum::<u64>();
        }
        let n = (self.count() * plane).max(1) as f64;
        let mean = |[sum, _]: &[u64; 2]| *sum as f64 / n;
        let variance = |sums: &[u64; 2]| (sums[1] as f64 / n - mean(sums) * mean(sums)).max(1.0);
        [
            sums.iter().map(|sums| (mean(sums) / 255.0) as f32).collect(),
            sums.iter().map(|sums| (variance(sums).sqrt() / 255.0) as f32).collect(),
        ]
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

/// One number for each channel of an image, or one for all of them: `0.5`, `[0.49, 0.48, 0.45]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PerChannel(Vec<f32>);

impl From<f32> for PerChannel {
    fn from(value: f32) -> PerChannel {
        PerChannel(vec![value])
    }
}

impl<const N: usize> From<[f32; N]> for PerChannel {
    fn from(values: [f32; N]) -> PerChannel {
        PerChannel(values.to_vec())
    }
}

impl From<&[f32]> for PerChannel {
    fn from(values: &[f32]) -> PerChannel {
        PerChannel(values.to_vec())
    }
}

/// An [`ImageSet`] as batches: x f32 `[n, channels, height, width]`, y i64 `[n]`.
pub struct ImageData {
    set: Arc<ImageSet>,
    /// Pixels v become v * scale + shift, by channel.
    scale_shift: Vec<[f32; 2]>,
    augment: Option<(Augment, u64)>,
}

impl ImageData {
    /// Pixels become numbers from 0 to 1.
    pub fn new(set: impl Into<Arc<ImageSet>>) -> ImageData {
        let set = set.into();
        ImageData { scale_shift: vec![[1.0 / 255.0, 0.0]; set.channels], set, augment: None }
    }

    /// Pixels become (v / 255 - mean) / std.
    ///
    /// # Panics
    /// When there is neither one number nor one for each channel.
    #[track_caller]
    pub fn normalize(mut self, mean: impl Into<PerChannel>, std: impl Into<PerChannel>) -> ImageData {
        let channels = self.set.channels;
        let [mean, std] =
            [("mean", mean.into().0), ("std", std.into().0)].map(|(name, values)| match values[..] {
                [value] => vec![value; channels],
                _ if values.len() == channels => values,
                _ => panic!(
                    "normalize: {name} {values:?} for {channels} channels; give one number, or one for each"
                ),
            });
        self.scale_shift =
            mean.iter().zip(&std).map(|(mean, std)| [1.0 / (255.0 * std), -mean / std]).collect();
        self
    }

    /// Changes the images before they are normalised, each epoch otherwise. For training data alone.
    pub fn augment(mut self, augment: Augment, seed: u64) -> ImageData {
        self.augment = Some((augment, seed));
        self
    }

    fn normalized(&self, pixels: &[u8], out: &mut [f32]) {
        let plane = self.set.height * self.set.width;
        let planes = out.chunks_exact_mut(plane).zip(pixels.chunks_exact(plane));
        for ((out, pixels), &[scale, shift]) in planes.zip(&self.scale_shift) {
            unary(pixels, out, |pixel: u8| pixel as f32 * scale + shift);
        }
    }
}

impl Dataset for ImageData {
    fn len(&self) -> usize {
        self.set.count()
    }

    fn batch(&self, indices: &[usize], epoch: u32) -> Batch {
        let set = &self.set;
        let [channels, height, width] = [set.channels, set.height, set.width];
        let shape = [indices.len(), channels, height, width];
        let mut x = Array::recycled(shape.into(), DType::F32, Device::Cpu);
        let mut canvas = Canvas::new(channels, height, width);
        for (out, &index) in x.as_mut_slice::<f32>().chunks_exact_mut(channels * height * width).zip(indices)
        {
            let Some((augment, seed)) = &self.augment else {
                self.normalized(set.image(index), out);
                continue;
            };
            canvas.pixels.copy_from_slice(set.image(index));
            let mut rng = Rng::keyed(*seed, Purpose::Augment, epoch, index as u32);
            let erased = augment.apply(&mut canvas, &mut rng);
            self.normalized(&canvas.pixels, out);
            for plane in out.chunks_exact_mut(height * width) {
                // 0 is the mean.
                erased.iter().flat_map(|cut| cut.rows(width)).for_each(|row| plane[row].fill(0.0));
            }
        }
        let labels: Vec<i64> = indices.iter().map(|&i| set.labels[i] as i64).collect();
        Batch { x: x.into(), y: Tensor::from_slice(&labels, [indices.len()]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Loader, Mix};

    #[test]
    fn batches_are_normalised() {
        let set = ImageSet::new(vec![0, 255, 51, 102], vec![1, 0], [1, 1, 2], 2, "test").unwrap();
        assert_eq!(set.checksum, format!("{:08x}", crc32fast::hash(&[0, 255, 51, 102, 1, 0])));
        let batch = ImageData::new(set).normalize(0.5, 0.25).batch(&[1, 0], 0);
        assert_eq!(batch.x.shape(), [2, 1, 1, 2].into());
        for (got, want) in batch.x.to_vec::<f32>().iter().zip([-1.2, -0.4, -2.0, 2.0]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
        assert_eq!(batch.y.to_vec::<i64>(), [0, 1]);
    }

    /// 200 images 3x8x6 of random pixels.
    fn noise() -> Arc<ImageSet> {
        let mut rng = Rng::new(1);
        let images = (0..200 * 144).map(|_| rng.next_u32() as u8).collect();
        let labels = (0..200).map(|i| i as u8 % 10).collect();
        Arc::new(ImageSet::new(images, labels, [3, 8, 6], 10, "noise").unwrap())
    }

    #[test]
    fn mean_and_deviation_of_each_channel() {
        let set = ImageSet::new(vec![0, 100, 7, 7, 50, 250, 7, 7], vec![0, 0], [2, 1, 2], 1, "test").unwrap();
        let [mean, std] = set.mean_std().map(|values| values.iter().map(|v| v * 255.0).collect::<Vec<f32>>());
        // (0, 100, 50, 250): the mean of the squares is 18750.
        for (got, want) in mean.iter().chain(&std).zip([100.0, 7.0, 8750f32.sqrt(), 1.0]) {
            assert!((got - want).abs() < 1e-3, "{got} {want}");
        }
    }

    #[test]
    fn channels_have_their_own_mean() {
        let set = ImageSet::new(vec![255, 0, 51], vec![0], [3, 1, 1], 1, "test").unwrap();
        let batch = ImageData::new(set).normalize([0.5, 0.25, 0.2], [0.5, 0.25, 1.0]).batch(&[0], 0);
        for (got, want) in batch.x.to_vec::<f32>().iter().zip([1.0, -1.0, 0.0]) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    #[should_panic(expected = "normalize: std [0.5, 0.25] for 3 channels")]
    fn channels_without_a_number_are_refused() {
        ImageData::new(noise()).normalize(0.5, [0.5, 0.25]);
    }

    #[test]
    fn erased_pixels_are_the_mean() {
        let data = ImageData::new(noise()).normalize(0.3, 0.2).augment(Augment::new().erase(1.0), 1);
        let x = data.batch(&[0, 1, 2], 0).x.to_vec::<f32>();
        let zeros = |from: usize| (0..48).filter(|&i| x[from + i] == 0.0).collect::<Vec<_>>();
        for image in 0..3 {
            let erased = zeros(144 * image);
            assert!((1..=17).contains(&erased.len()));
            assert!(erased == zeros(144 * image + 48) && erased == zeros(144 * image + 96));
        }
    }

    #[test]
    fn an_epoch_has_the_same_bits_for_any_number_of_workers() {
        let augment =
            Augment::new().crop(2).flip(0.5).jitter(0.4, 0.4, 0.4, 0.1).rand_augment(2, 9.0).erase(0.5);
        let bits = |workers: usize, epoch: u32| -> Vec<u32> {
            let data = ImageData::new(noise()).normalize(0.5, 0.25).augment(augment.clone(), 7);
            let mix = Mix::new(10, 7).mixup(0.4).cutmix(1.0);
            let loader = Loader::new(data, 16).shuffle(7).workers(workers).prefetch(2).mix(mix);
            loader
                .epoch(epoch)
                .flat_map(|b| [b.x.to_vec::<f32>(), b.y.to_vec::<f32>()].concat())
                .map(f32::to_bits)
                .collect()
        };
        let first = bits(0, 3);
        assert!([1, 2, 4, 7].iter().all(|&workers| bits(workers, 3) == first));
        assert_ne!(first, bits(2, 4));
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
