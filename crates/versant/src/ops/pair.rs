//! Numbers for the two axes of an image.

/// A number for the height and one for the width; one number alone counts for both. Functions take `impl
/// Into<Pair<usize>>`, so that `3` and `[3, 5]` both will do.
///
/// ```
/// use versant::Pair;
/// assert_eq!(Pair::from(3), Pair::from([3, 3]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair<T>(pub [T; 2]);

macro_rules! pair_of {
    ($($t:ty)*) => {$(
        impl From<$t> for Pair<$t> {
            fn from(both: $t) -> Pair<$t> {
                Pair([both, both])
            }
        }
        impl From<[$t; 2]> for Pair<$t> {
            fn from(each: [$t; 2]) -> Pair<$t> {
                Pair(each)
            }
        }
    )*};
}
pair_of!(usize f64);
