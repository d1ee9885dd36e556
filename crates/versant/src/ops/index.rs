//! Indices into tensors.

use crate::tensor::Tensor;

impl Tensor {
    /// A bool tensor with one more axis of `classes`, true where the label (i64) is that class; cast it to
    /// compute with it. [course: A18]
    ///
    /// # Panics
    /// When the labels are not i64 or one of them is not a class.
    #[track_caller]
    pub fn one_hot(&self, classes: usize) -> Tensor {
        assert!(
            self.dtype() == crate::DType::I64,
            "one_hot: labels are i64, not {}; cast them first",
            self.dtype()
        );
        for label in self.to_vec::<i64>() {
            assert!(
                (0..classes as i64).contains(&label),
                "one_hot: label {label} is not one of the {classes} classes (0 to {})",
                classes as i64 - 1
            );
        }
        self.unsqueeze(-1).equal(&Tensor::arange(classes).to(self.device()))
    }
}

#[cfg(test)]
mod tests {
    use crate::{DType, Tensor};

    #[test]
    fn one_hot_rows() {
        let labels = Tensor::from_slice(&[2i64, 0], [2]);
        assert_eq!(labels.one_hot(3).cast(DType::U8).to_vec::<u8>(), [0, 0, 1, 1, 0, 0]);
    }

    #[test]
    #[should_panic(expected = "one_hot: label -1 is not one of the 3 classes")]
    fn a_label_below_zero() {
        Tensor::from_slice(&[-1i64], [1]).one_hot(3);
    }
}
