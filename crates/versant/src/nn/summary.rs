//! A model in a table: layer, output shape, parameters, multiply-adds, memory.

use std::collections::HashMap;
use std::fmt;

use super::{Context, Layer, Observation};
use crate::autograd::no_grad;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// One layer's line.
#[derive(Clone, Debug)]
pub struct SummaryRow {
    /// The layer's name in the model.
    pub name: String,
    /// Its kind: "Linear".
    pub kind: &'static str,
    /// Its settings in few words: "3x3, stride 2, padding 1".
    pub detail: String,
    /// What it gives for one input.
    pub output: Shape,
    /// Its trained numbers.
    pub parameters: usize,
    /// Multiply-adds for one input.
    pub multiply_adds: u64,
    /// Bytes of its output and parameters.
    pub bytes: usize,
}

/// A model's layers as they were seen in one forward pass of one input.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The shape of the input, with its batch of 1.
    pub input: Shape,
    /// The layers in the order of the pass.
    pub rows: Vec<SummaryRow>,
    /// All of the model's trained numbers, seen in the pass or not.
    pub parameters: usize,
}

impl Summary {
    /// Sends zeros of shape [1, ...] through the model and notes what its layers do.
    pub fn of(model: &dyn Layer, input: impl Into<Shape>) -> Summary {
        let input = input.into();
        let mut cx = Context::eval().observing();
        no_grad(|| model.forward(&Tensor::zeros(input), &mut cx));
        let names = parents_by_parameter(model);
        let row = |o: &Observation| {
            let own: usize =
                o.parameters.iter().map(|(_, p)| p).filter(|p| p.tracks_grad()).map(Tensor::numel).sum();
            let all: usize = o.parameters.iter().map(|(_, p)| p.numel() * p.dtype().size()).sum();
            let known =
                o.parameters.first().and_then(|(_, p)| names.get(&key(p))).filter(|_| o.path.is_empty());
            SummaryRow {
                name: known.unwrap_or(&o.path).clone(),
                kind: o.kind,
                detail: detail(o),
                output: o.output.shape(),
                parameters: own,
                multiply_adds: o.multiply_adds,
                bytes: all + o.output.numel() * o.output.dtype().size(),
            }
        };
        let rows = cx.observations().iter().map(row).collect();
        Summary { input, rows, parameters: model.parameter_count() }
    }

    /// Multiply-adds of all layers for one input.
    pub fn multiply_adds(&self) -> u64 {
        self.rows.iter().map(|r| r.multiply_adds).sum()
    }
}

/// What distinguishes a layer from others of its kind; what is as usual is left out.
fn detail(o: &Observation) -> String {
    let get = |name: &str| o.settings.iter().find(|(n, _)| *n == name).map(|(_, values)| values.as_slice());
    let sizes = |values: &[f64]| values.iter().map(f64::to_string).collect::<Vec<_>>().join("x");
    // 2x2 and 1x1 are said as 2 and 1.
    let short = |values: &[f64]| match values {
        [first, rest @ ..] if rest.iter().all(|v| v == first) => first.to_string(),
        _ => sizes(values),
    };
    let mut words: Vec<String> = get("kernel_size").map(sizes).into_iter().collect();
    // A pooling window moves by its own size unless told otherwise, a convolution's by 1.
    let usual = if o.parameters.is_empty() { get("kernel_size") } else { Some(&[1.0, 1.0][..]) };
    let is_usual = |stride: &[f64]| usual.is_some_and(|usual| stride.iter().zip(usual).all(|(a, b)| a == b));
    let told = |name: &str, values: &[f64]| match name {
        "stride" => !is_usual(values),
        "padding" => values.iter().any(|&v| v != 0.0),
        "dilation" | "groups" => values.iter().any(|&v| v != 1.0),
        "output_size" | "p" | "num_groups" => true,
        _ => false,
    };
    let said = o.settings.iter().filter(|(name, values)| told(name, values));
    words.extend(said.map(|(name, values)| format!("{} {}", name.replace('_', " "), short(values))));
    words.join(", ")
}

/// What tells one parameter from another: its memory.
fn key(tensor: &Tensor) -> *const u8 {
    tensor.array().storage_address()
}

/// For each parameter the name of the layer that holds it: `fc1` for `fc1.weight`.
fn parents_by_parameter(model: &dyn Layer) -> HashMap<*const u8, String> {
    let mut names = HashMap::new();
    model.for_each(&mut |name, tensor| {
        let parent = name.rsplit_once('.').map_or("", |(parent, _)| parent);
        names.insert(key(tensor), parent.to_string());
    });
    names
}

/// 1234567 as "1,234,567".
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|c| std::str::from_utf8(c).ok()).collect();
    groups.join(",")
}

fn kibibytes(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["layer", "kind", "output", "parameters", "mult-adds", "memory"].map(String::from);
        let mut table = vec![heads];
        table.push(["input", "", &self.input.to_string(), "", "", ""].map(String::from));
        for r in &self.rows {
            table.push([
                r.name.clone(),
                format!("{} {}", r.kind, r.detail).trim_end().to_string(),
                r.output.to_string(),
                thousands(r.parameters as u64),
                thousands(r.multiply_adds),
                kibibytes(r.bytes),
            ]);
        }
        let memory = self.rows.iter().map(|r| r.bytes).sum();
        let totals = [thousands(self.parameters as u64), thousands(self.multiply_adds()), kibibytes(memory)];
        let [parameters, multiply_adds, memory] = totals;
        table.push(["total".into(), String::new(), String::new(), parameters, multiply_adds, memory]);

        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..6).map(width).collect();
        let rule = "-".repeat(widths.iter().sum::<usize>() + 10);
        for (i, row) in table.iter().enumerate() {
            if i == 1 || i + 1 == table.len() {
                writeln!(f, "{rule}")?;
            }
            let cell = |(c, text): (usize, &String)| {
                if c < 3 {
                    format!("{text:<w$}", w = widths[c])
                } else {
                    format!("{text:>w$}", w = widths[c])
                }
            };
            let line = row.iter().enumerate().map(cell).collect::<Vec<_>>().join("  ");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Linear, Relu, Sequential};
    use crate::rng::Rng;

    #[test]
    fn the_courses_first_model() {
        let rng = &mut Rng::new(0);
        let model = Sequential::new()
            .add("fc1", Linear::new(784, 64, rng))
            .add("relu1", Relu)
            .add("fc2", Linear::new(64, 32, rng))
            .add("relu2", Relu)
            .add("fc3", Linear::new(32, 10, rng));
        let summary = Summary::of(&model, [1, 784]);
        assert_eq!(summary.parameters, 52_650);
        assert_eq!(summary.multiply_adds(), 784 * 64 + 64 * 32 + 32 * 10);
        let text = summary.to_string();
        assert!(text.contains("fc1    Linear  [1, 64]       50,240     50,176  196.5 KiB"), "{text}");
        assert!(text.contains("52,650"), "{text}");
    }
}
