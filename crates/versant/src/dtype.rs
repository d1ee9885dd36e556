//! Element types.

use std::fmt;

use bytemuck::Pod;

/// The type of an array's elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum DType {
    /// 32-bit floating point: the fast path, and the default.
    F32,
    /// 64-bit floating point: every differentiable operation has it, for checking.
    F64,
    /// 64-bit signed integers: labels and indices.
    I64,
    /// Bytes: images as they come from files.
    U8,
    /// Truth values, one byte each.
    Bool,
}

impl DType {
    /// Bytes an element takes.
    pub fn size(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F64 | DType::I64 => 8,
            DType::U8 | DType::Bool => 1,
        }
    }

    /// Whether gradients can flow through it.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// The name in messages: "f32".
    pub fn name(self) -> &'static str {
        match self {
            DType::F32 => "f32",
            DType::F64 => "f64",
            DType::I64 => "i64",
            DType::U8 => "u8",
            DType::Bool => "bool",
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Rust type that arrays can hold: `f32`, `f64`, `i64`, `u8`, `bool`.
pub trait Element: Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// How it lies in memory; itself for all but `bool`, which is a byte.
    type Repr: Pod + PartialEq + Send + Sync + fmt::Debug;
    /// Its [`DType`].
    const DTYPE: DType;
    /// To memory.
    fn to_repr(self) -> Self::Repr;
    /// From memory.
    fn from_repr(repr: Self::Repr) -> Self;
}

macro_rules! element {
    ($($t:ty: $dtype:ident),*) => {$(
        impl Element for $t {
            type Repr = $t;
            const DTYPE: DType = DType::$dtype;
            fn to_repr(self) -> $t {
                self
            }
            fn from_repr(repr: $t) -> $t {
                repr
            }
        }
    )*};
}

element!(f32: F32, f64: F64, i64: I64, u8: U8);

impl Element for bool {
    type Repr = u8;
    const DTYPE: DType = DType::Bool;
    fn to_repr(self) -> u8 {
        self as u8
    }
    fn from_repr(repr: u8) -> bool {
        repr != 0
    }
}

/// Calls a generic function with the Rust type of a floating dtype: `with_float!(dtype, T => kernel::<T>(x))`.
macro_rules! with_float {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            other => unreachable!("checked above the seam: a floating type, not {other}"),
        }
    };
}

/// Calls a generic function with the Rust type that holds a dtype in memory.
macro_rules! with_element {
    ($dtype:expr, $t:ident => $body:expr) => {
        match $dtype {
            $crate::DType::F32 => {
                type $t = f32;
                $body
            }
            $crate::DType::F64 => {
                type $t = f64;
                $body
            }
            $crate::DType::I64 => {
                type $t = i64;
                $body
            }
            $crate::DType::U8 => {
                type $t = u8;
                $body
            }
            $crate::DType::Bool => {
                type $t = bool;
                $body
            }
        }
    };
}

pub(crate) use {with_element, with_float};
