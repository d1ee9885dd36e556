//! New tensors, their values, their shapes.

use versant::rng::Rng;
use versant::{Array, DType, Shape, Tensor};

use super::{BIG, VAST, Wrong, bools, f32s, ints, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "shape", "[1, 1, 1, 1, 1, 1, 1, 1, 1]" => Shape::new(&[1; 9]);
    "shape", "[4294967296, 4294967296]" => Shape::from([1 << 32, 1 << 32]);
    "shape", "[18446744073709551615]" => Shape::from(usize::MAX);
    "shape", "[9223372036854775807, 2]" => Shape::from(vec![isize::MAX as usize, 2]);
    "shape", "[0, 9223372036854775807, 2]" => Shape::from([0, isize::MAX as usize, 2]);
    "shape", "[4294967296, 4294967296]" => Tensor::zeros([1 << 32, 1 << 32]);
    "shape", "[4294967296, 4294967296]" => Tensor::ones([1 << 32, 1 << 32]);
    "shape", "[9223372036854775808]" => Tensor::full([1 << 63], 0.0, DType::U8);
    "shape", "[4294967296, 4294967296]" => Tensor::rand([1 << 32, 1 << 32], &mut Rng::new(0));
    "shape", "[4294967296, 4294967296]" => Tensor::randn([1 << 32, 1 << 32], &mut Rng::new(0));
    "shape", "[4294967296, 4294967296]" => Array::zeros([1 << 32, 1 << 32], DType::F64);
    "with_axis", "axis 2" => Shape::from([BIG, 3]).with_axis(2, 1);
    "shape", "[9223372036854775807, 3]" => Shape::from([BIG, 3]).with_axis(0, isize::MAX as usize);
    "from_slice", "[1048576, 3]" => Tensor::from_slice(&[1.0f32, 2.0], [BIG, 3]);
    "from_slice", "[]" => Tensor::from_slice::<f32>(&[], ());
    "from_slice", "[0]" => Array::from_slice(&[1i64], [0]);
    "from_bytes", "[1048576]" => Array::from_bytes(&[0; 7], [BIG], DType::F32);
    "from_bytes", "7 bytes" => Array::from_bytes(&[0; 7], [2], DType::I64);
    "rand", "i64" => Array::rand([VAST], 0.0, 1.0, DType::I64, &mut Rng::new(0));
    "randn", "bool" => Array::randn([VAST], DType::Bool, &mut Rng::new(0));
    "requires_grad", "i64" => ints([VAST]).requires_grad();
    "requires_grad", "bool" => bools([VAST]).requires_grad();
    "dims", "[1099511627776, 3]" => { let [_, _, _] = f32s([VAST, 3]).dims(); };
    "dims", "[]" => { let [_] = f32s(()).dims(); };
    "to_vec", "f64" => f32s([VAST]).to_vec::<f64>();
    "to_vec", "i64" => ints([VAST]).to_vec::<f32>();
    "item", "[1099511627776]" => f32s([VAST]).item::<f32>();
    "item", "[0]" => f32s([0]).item::<f32>();
    "item", "f64" => f32s(()).item::<f64>();
    "Rng::below", "0..0" => Rng::new(0).below(0);
    "arange_step", "steps of 0" => Tensor::arange_step(0.0, 1.0, 0.0);
    "arange_step", "steps of -1" => Tensor::arange_step(0.0, 1.0, -1.0);
    "arange_step", "NaN" => Tensor::arange_step(0.0, f64::NAN, 1.0);
    "arange_step", "more than memory" => Tensor::arange_step(0.0, 1e300, 1.0);
    "eye", "[4611686018427387904, 4611686018427387904]" => Tensor::eye(1 << 62);
    "randint", "3..3" => Tensor::randint(3, 3, [VAST], &mut Rng::new(0));
    "bernoulli", "1.5" => Tensor::full([2], 1.5, DType::F32).bernoulli(&mut Rng::new(0));
    "bernoulli", "i64" => ints([VAST]).bernoulli(&mut Rng::new(0));
    "multinomial", "[2, 1, 3]" => f32s([2, 1, 3]).multinomial(1, false, &mut Rng::new(0));
    "multinomial", "4 are to be drawn" => f32s([3]).multinomial(4, false, &mut Rng::new(0));
    "multinomial", "-1" => Tensor::full([2], -1.0, DType::F32).multinomial(1, true, &mut Rng::new(0));
    "multinomial", "0 weights above 0" => Tensor::zeros([3]).multinomial(1, true, &mut Rng::new(0));
    "meshgrid", "[3, 1]" => versant::meshgrid(&[&f32s([VAST]), &f32s([3, 1])]);
    "meshgrid", "1099511627776" => versant::meshgrid(&[&f32s([VAST]), &f32s([VAST])]);
};
