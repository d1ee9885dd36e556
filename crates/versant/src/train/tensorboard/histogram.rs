//! TensorBoard's histograms: how many values lie between bounds that grow by a tenth.

use std::sync::LazyLock;

use crate::array::Array;
use crate::dtype::DType;
use crate::io::protobuf::Message;

/// The upper bounds of the buckets, as TensorFlow has them: -1e20 to -1e-12, 0, 1e-12 to 1e20, each a tenth further
/// from 0 than its neighbour, and the largest f64 for what is beyond.
static BOUNDS: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let positive =
        std::iter::successors(Some(1e-12), |bound| Some(bound * 1.1)).take_while(|&bound| bound < 1e20);
    let positive: Vec<f64> = positive.chain([f64::MAX]).collect();
    let negative = positive.iter().rev().map(|bound| -bound);
    negative.chain([0.0]).chain(positive.iter().copied()).collect()
});

/// The finite values among some, counted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Histogram {
    min: f64,
    max: f64,
    count: u64,
    sum: f64,
    sum_of_squares: f64,
    buckets: Vec<u64>,
}

impl Histogram {
    pub fn of(values: &Array) -> Histogram {
        let mut histogram = Histogram {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            count: 0,
            sum: 0.0,
            sum_of_squares: 0.0,
            buckets: vec![0; BOUNDS.len()],
        };
        match values.dtype() {
            DType::F32 => values.to_vec::<f32>().into_iter().for_each(|value| histogram.add(value.into())),
            _ => values.cast(DType::F64).to_vec().into_iter().for_each(|value| histogram.add(value)),
        }
        histogram
    }

    fn add(&mut self, value: f64) {
        if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.count += 1;
            self.sum += value;
            self.sum_of_squares += value * value;
            // A bucket holds values from the bound before it, included, to its own, not included.
            let bucket = BOUNDS.partition_point(|&bound| bound <= value);
            self.buckets[bucket.min(BOUNDS.len() - 1)] += 1;
        }
    }

    /// `HistogramProto`. Of the empty buckets before the first value only the last is written: its bound is the left
    /// edge of the first that counts.
    pub fn proto(&self) -> Message {
        if self.count == 0 {
            return Message::new().doubles(6, &[f64::MAX]).doubles(7, &[0.0]);
        }
        let first = self.buckets.iter().position(|&count| count > 0).unwrap_or(0).saturating_sub(1);
        let last = self.buckets.iter().rposition(|&count| count > 0).unwrap_or(0);
        let counts: Vec<f64> = self.buckets[first..=last].iter().map(|&count| count as f64).collect();
        Message::new()
            .double(1, self.min)
            .double(2, self.max)
            .double(3, self.count as f64)
            .double(4, self.sum)
            .double(5, self.sum_of_squares)
            .doubles(6, &BOUNDS[first..=last])
            .doubles(7, &counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::protobuf::read::Fields;

    #[test]
    fn the_bounds_are_tensorflow_s() {
        assert_eq!(BOUNDS.len(), 1551);
        assert!(BOUNDS.is_sorted_by(|a, b| a < b));
        assert_eq!((BOUNDS[0], BOUNDS[775], BOUNDS[776], BOUNDS[777]), (-f64::MAX, 0.0, 1e-12, 1e-12 * 1.1));
    }

    #[test]
    fn every_finite_value_lies_in_its_bucket() {
        let values =
            [0.0, -0.0, 1.0, 1.05, -1.0, 1e-13, 1e-12, f64::MAX, f64::MIN, 1e300, f64::NAN, f64::INFINITY];
        let histogram = Histogram::of(&Array::from_slice(&values, [12]));
        assert_eq!(histogram.count, 10);
        for &value in values.iter().filter(|value| value.is_finite() && **value < f64::MAX) {
            let bucket = BOUNDS.iter().position(|&bound| value < bound).unwrap();
            assert!(histogram.buckets[bucket] > 0, "{value}");
        }
        let proto = Fields::of(histogram.proto().encoded());
        assert_eq!(proto.one(7).doubles().iter().sum::<f64>(), 10.0);
        assert_eq!(proto.one(6).doubles().len(), proto.one(7).doubles().len());
    }

    #[test]
    fn only_the_buckets_from_the_smallest_to_the_largest_value_are_written() {
        let proto = Fields::of(Histogram::of(&Array::from_slice(&[1.0f32, 2.0, 2.0], [3])).proto().encoded());
        let (bounds, counts) = (proto.one(6).doubles(), proto.one(7).doubles());
        assert!(bounds[0] <= 1.0 && 1.0 < bounds[1] && counts[0] == 0.0 && counts[1] == 1.0);
        assert_eq!((counts.last(), counts.iter().sum::<f64>()), (Some(&2.0), 3.0));
        assert!(bounds.last().is_some_and(|&bound| 2.0 < bound && bound < 2.2));
        let empty = Fields::of(Histogram::of(&Array::zeros([0], DType::F32)).proto().encoded());
        assert_eq!(empty.one(7).doubles(), [0.0]);
    }
}
