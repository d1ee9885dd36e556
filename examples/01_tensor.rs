//! Tensors: values in a shape.
//!
//! `cargo run --release --example 01_tensor`

use versant::prelude::*;

fn main() {
    // A tensor is numbers in row-major order (the last axis runs fastest) and a shape.
    let a = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
    println!("a, {} of {}:\n{a}\n", a.shape(), a.dtype());

    // `dims` gives the sizes as Rust numbers; it panics, at this line, when the rank is another.
    let [rows, columns] = a.dims();
    assert_eq!((rows, columns), (2, 3));

    // Views share the numbers: only the strides change, nothing is copied.
    let t = a.transpose(0, 1);
    println!("a transposed, {}:\n{t}\n", t.shape());
    println!("its second row: {}", t.narrow(0, 1, 1).squeeze(0));
    println!("every other column of a:\n{}\n", a.slice(1, 0, 3, 2));

    // Reshaping keeps the row-major order. It copies only where the strides leave no other way.
    println!("a in one row: {}\n", a.flatten(0));
    assert_eq!(a.reshape([3, 2]).to_vec::<f32>(), a.to_vec::<f32>());

    // Broadcasting: shapes are compared from their last axes; an axis of 1, or a missing one, stretches.
    // Here a row [3] is added to each row of [2, 3], then a column [2, 1] to each column.
    let row = Tensor::from_slice(&[10.0f32, 20.0, 30.0], [3]);
    let column = Tensor::from_slice(&[100.0f32, 200.0], [2, 1]);
    let sum = &a + &row + &column;
    println!("a + row + column:\n{sum}\n");
    assert_eq!(sum.to_vec::<f32>(), [111.0, 122.0, 133.0, 214.0, 225.0, 236.0]);

    // Elementwise arithmetic takes tensors and numbers; & borrows, so that a is still ours afterwards.
    println!("1 - a^2 / 2:\n{}\n", 1.0 - a.square() / 2.0);

    // Reductions drop the axes that they reduce; negative axes count from the end.
    println!("sum {}, mean of each column {}", a.sum(), a.mean_axes([0]));
    println!("largest of each row {}, at {}\n", a.max_axes([-1]), a.argmax(-1));

    // The matrix product [2, 3] x [3, 2] = [2, 2]; axes before the last two are a batch.
    println!("a a^T:\n{}\n", a.matmul(&t));
    let batch = Tensor::ones([5, 2, 3]).matmul(&t);
    assert_eq!(batch.shape(), Shape::from([5, 2, 2]));

    // Random numbers come from a generator that we own: the same seed gives the same bits, everywhere.
    let mut rng = Rng::new(42);
    let noise = Tensor::randn([2, 3], &mut rng);
    println!("noise:\n{noise:.2}\n");
    assert_eq!(noise.to_vec::<f32>(), Tensor::randn([2, 3], &mut Rng::new(42)).to_vec::<f32>());

    // Joining: `cat` along an axis that there is, `stack` along a new one.
    assert_eq!(cat(&[&a, &noise], 0).shape(), Shape::from([4, 3]));
    assert_eq!(stack(&[&a, &noise], 0).shape(), Shape::from([2, 2, 3]));

    // Numbers are f32 unless we say otherwise. Types never mix by themselves; `cast` converts.
    let exact = a.cast(DType::F64) / 3.0;
    println!("a / 3 in f64: {exact:.15}");
    println!("a > 2:\n{}", a.gt(&Tensor::scalar(2.0f32)));
}
