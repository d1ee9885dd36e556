//! The command `versant` as its users meet it: without a network, with small data of the tests' own.

mod bench;
mod bits;
mod cnn;
mod common;
mod data;
mod export;
mod input;
#[cfg(unix)]
mod interrupted;
mod killed;
mod models;
mod output;
