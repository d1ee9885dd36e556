//! Every kernel of the fast backend against the plain loops in f64, on random shapes, views, types and values, and
//! for every instruction set of this machine.
//!
//! Bounds: what is one rounding of an exact result must agree bit for bit (up to the sign of zero and the kind of
//! NaN); an elementary function may be a few units in the last place off; sums and products of n terms
//! 8 sqrt(n) eps times the sum of the terms' magnitudes. NaN and infinity must stand in the same places.

mod compare;
#[macro_use]
mod views;

mod conv;
mod elementwise;
mod indexing;
mod norm;
mod pool;
mod products;
mod reductions;
mod softmax;
