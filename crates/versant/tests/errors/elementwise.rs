//! Functions of one and of two arguments, activations, comparisons, choice.

use versant::DType;
use versant::rng::Rng;

use super::{BIG, VAST, Wrong, bools, f32s, f64s, ints, naive, of, wrong};

pub(super) const CALLS: &[Wrong] = wrong! {
    "dropout", "i64" => ints([VAST]).dropout(0.5, &mut Rng::new(0));
    "dropout", "1.5" => f32s([VAST]).dropout(1.5, &mut Rng::new(0));
    "dropout", "NaN" => f32s([VAST]).dropout(f64::NAN, &mut Rng::new(0));
    "dropout", "-0.1" => f32s([VAST]).dropout(-0.1, &mut Rng::new(0));

    "add", "[1048576, 2]" => f32s([BIG, 3]).add(&f32s([BIG, 2]));
    "add", "[2, 1048576]" => f32s([BIG, 3]) + f32s([2, BIG]);
    "add", "f64 [1048576]" => f32s([BIG]) + f64s([BIG]);
    "add", "i64 [1048576]" => ints([BIG]) + f32s([BIG]);
    "add", "naive" => f32s([VAST]) + naive([VAST]);
    "add", "bool" => bools([VAST]) + bools([VAST]);
    "sub", "[7, 1, 2]" => f32s([BIG, 5, 3]) - f32s([7, 1, 2]);
    "sub", "f64 []" => f32s([VAST]) - f64s(());
    "mul", "[0]" => f32s([VAST]) * f32s([0]);
    "mul", "naive" => naive([VAST]) * f32s([VAST]);
    "mul", "bool" => bools([VAST]) * bools([VAST]);
    "div", "[3]" => f32s([BIG, 2]) / f32s([3]);
    "div", "u8 [1048576]" => ints([BIG]) / of(DType::U8, [BIG]);
    "maximum", "[3]" => f32s([BIG, 2]).maximum(&f32s([3]));
    "maximum", "f64 []" => f32s([BIG]).maximum(&f64s(()));
    "minimum", "[3]" => f32s([BIG, 2]).minimum(&f32s([3]));
    "minimum", "naive" => f32s([VAST]).minimum(&naive(()));
    "pow", "[3]" => f32s([BIG, 2]).pow(&f32s([3]));
    "pow", "f64 []" => f32s([BIG]).pow(&f64s(()));
    "mask_positive", "[3]" => f32s([BIG, 2]).mask_positive(&f32s([3]));

    "equal", "[2, 1048576]" => f32s([BIG, 3]).equal(&f32s([2, BIG]));
    "not_equal", "f64 [1048576]" => f32s([BIG]).not_equal(&f64s([BIG]));
    "lt", "naive" => f32s([VAST]).lt(&naive([VAST]));
    "le", "0.5" => ints([VAST]).le(0.5);
    "gt", "256" => of(DType::U8, [VAST]).gt(256.0);
    "gt", "-1" => of(DType::U8, [VAST]).gt(-1.0);
    "ge", "18014398509481984" => ints([VAST]).ge(2f64.powi(54));
    "equal", "2" => bools([VAST]).equal(2.0);
    "equal", "NaN" => ints([VAST]).equal(f64::NAN);
    "where_cond", "f32" => f32s([VAST]).where_cond(&f32s([VAST]), &f32s([VAST]));
    "where_cond", "[3]" => bools([BIG]).where_cond(&f32s([BIG]), &f32s([3]));
    "where_cond", "[5]" => bools([5]).where_cond(&f32s([BIG]), &f32s([BIG]));
    "where_cond", "f64 []" => bools([BIG]).where_cond(&f32s([BIG]), &f64s(()));
};
