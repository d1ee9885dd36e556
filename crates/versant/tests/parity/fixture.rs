//! Reads what `scripts/parity/common.py` packs; that file describes the format.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use versant::io::safetensors;
use versant::{Array, DType, Reduction, Shape};

/// One call of an operation, and what PyTorch gives.
pub struct Case {
    pub op: String,
    pub args: Args,
    pub inputs: Vec<Input>,
    pub outputs: Vec<Array>,
    /// The error of PyTorch's own f32.
    pub error: f64,
    /// Upstream gradients, one for each result in floating point.
    pub seeds: Vec<Array>,
    /// The gradient of each differentiable input.
    pub grads: Vec<Array>,
    pub grad_errors: Vec<f64>,
}

pub struct Input {
    pub array: Array,
    pub differentiable: bool,
}

/// An operation's settings, by the names that they have in PyTorch.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Args(Map<String, Value>);

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl Args {
    pub fn maybe<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let value = self.0.get(name)?.clone();
        Some(serde_json::from_value(value).unwrap_or_else(|e| panic!("{name} of {self}: {e}")))
    }

    pub fn get<T: DeserializeOwned>(&self, name: &str) -> T {
        self.maybe(name).unwrap_or_else(|| panic!("the case has no {name}: {self}"))
    }

    /// A number, an infinite one included, which JSON has as a text.
    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Value::String(text) => text.parse().expect("inf, -inf or nan"),
            value => value.as_f64().expect("a number"),
        }
    }

    /// False if the case does not say.
    pub fn flag(&self, name: &str) -> bool {
        self.maybe(name).unwrap_or(false)
    }

    /// The mean if the case does not say.
    pub fn reduction(&self) -> Reduction {
        match self.maybe::<String>("reduction").as_deref() {
            Some("none") => Reduction::None,
            Some("sum") => Reduction::Sum,
            _ => Reduction::Mean,
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    op: String,
    args: Args,
    inputs: Vec<Vec<Value>>,
    outputs: Vec<Vec<Value>>,
    error: f64,
    /// None where nothing is differentiable.
    grad_errors: Option<Vec<f64>>,
}

/// Takes arrays from the streams, one after another.
struct Streams {
    f32: std::vec::IntoIter<f32>,
    f64: std::vec::IntoIter<f64>,
    i64: std::vec::IntoIter<i64>,
}

impl Streams {
    fn f32(&mut self, shape: Shape) -> Array {
        let values: Vec<f64> = self.f32.by_ref().take(shape.numel()).map(f64::from).collect();
        Array::from_slice(&values, shape)
    }

    fn f64(&mut self, shape: Shape) -> Array {
        Array::from_slice(&self.f64.by_ref().take(shape.numel()).collect::<Vec<_>>(), shape)
    }

    fn whole(&mut self, shape: Shape, kind: &str) -> Array {
        let dtype = match kind {
            "i" => DType::I64,
            "u" => DType::U8,
            "b" => DType::Bool,
            _ => panic!("no kind of tensor is called {kind}"),
        };
        Array::from_slice(&self.i64.by_ref().take(shape.numel()).collect::<Vec<_>>(), shape).cast(dtype)
    }

    fn case(&mut self, entry: Entry) -> Case {
        let inputs: Vec<Input> = entry.inputs.iter().map(|described| self.input(described)).collect();
        let outputs: Vec<Array> = entry.outputs.iter().map(|described| self.output(described)).collect();
        let (mut seeds, mut grads) = (Vec::new(), Vec::new());
        if entry.grad_errors.is_some() {
            let floats = outputs.iter().filter(|y| y.dtype().is_float());
            seeds = floats.map(|y| self.f32(y.shape())).collect();
            let leaves = inputs.iter().filter(|x| x.differentiable);
            grads = leaves.map(|x| self.f64(x.array.shape())).collect();
        }
        let grad_errors = entry.grad_errors.unwrap_or_default();
        Case {
            op: entry.op,
            args: entry.args,
            inputs,
            outputs,
            error: entry.error,
            seeds,
            grads,
            grad_errors,
        }
    }

    fn input(&mut self, described: &[Value]) -> Input {
        let (kind, shape) = kind_and_shape(described);
        let array = if matches!(kind, "f" | "c") { self.f32(shape) } else { self.whole(shape, kind) };
        Input { array, differentiable: kind == "f" }
    }

    fn output(&mut self, described: &[Value]) -> Array {
        let (kind, shape) = kind_and_shape(described);
        if kind == "f" { self.f64(shape) } else { self.whole(shape, kind) }
    }
}

fn kind_and_shape(described: &[Value]) -> (&str, Shape) {
    let dims: Vec<usize> = described[1..].iter().map(|d| d.as_u64().expect("a length") as usize).collect();
    (described[0].as_str().expect("a kind"), dims.into())
}

/// The arrays of a file.
pub fn load(name: &str) -> BTreeMap<String, Array> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/parity");
    safetensors::load(folder.join(format!("{name}.safetensors"))).expect("a fixture").tensors
}

/// The cases of a family. Nothing of its streams is left over.
pub fn cases(family: &str) -> Vec<Case> {
    let file = load(family);
    let entries: Vec<Entry> = serde_json::from_slice(&file["cases"].to_vec::<u8>()).expect("cases");
    let mut streams = Streams {
        f32: file["f32"].to_vec::<f32>().into_iter(),
        f64: file["f64"].to_vec::<f64>().into_iter(),
        i64: file["i64"].to_vec::<i64>().into_iter(),
    };
    let cases = entries.into_iter().map(|entry| streams.case(entry)).collect();
    assert_eq!(
        (streams.f32.len(), streams.f64.len(), streams.i64.len()),
        (0, 0, 0),
        "{family}: numbers left over"
    );
    cases
}
