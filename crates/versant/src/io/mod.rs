//! Files: safetensors for weights, ONNX for models, npy and npz for arrays, tar archives, and writes that a crash cannot
//! tear.

pub mod atomic;
pub mod idx;
pub mod npy;
pub mod npz;
pub mod onnx;
pub(crate) mod protobuf;
pub mod safetensors;
pub(crate) mod stored;
pub mod tar;
pub(crate) mod tfrecord;
mod zip;
