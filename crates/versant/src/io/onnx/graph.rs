//! ONNX's graph and its encoding. (onnx.proto; numbers of fields are written beside their names)

use std::collections::{BTreeMap, HashSet};

use crate::array::Array;
use crate::dtype::DType;
use crate::io::protobuf::Message;
use crate::io::stored::little_endian;
use crate::shape::Shape;
use crate::tensor::Tensor;

/// The version of the operators.
const OPSET: i64 = 20;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 9;
/// The most bytes of weights: a protobuf has less than 2 GiB, of which names and nodes take a little.
const MOST_BYTES: usize = (2 << 30) - (16 << 20);

/// An operator's setting.
#[derive(Clone, Debug)]
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f64),
    Text(&'static str),
}

struct Node {
    op: &'static str,
    inputs: Vec<String>,
    /// The name of the node and of its output.
    output: String,
    attributes: Vec<(&'static str, Attribute)>,
}

/// Nodes in the order in which they are computed, and the arrays that they need.
pub(super) struct Graph {
    nodes: Vec<Node>,
    initializers: BTreeMap<String, Array>,
    taken: HashSet<String>,
    input: Message,
    output: Message,
    batch: usize,
}

impl Graph {
    /// Without nodes, for an input like this.
    pub fn new(input: &Tensor) -> Graph {
        let batch = input.shape()[0];
        Graph {
            nodes: Vec::new(),
            initializers: BTreeMap::new(),
            taken: ["input", "output"].map(String::from).into(),
            input: value_info("input", input, batch),
            output: Message::new(),
            batch,
        }
    }

    /// Appends a node of a layer; gives the name of its output. An input without a name is left out.
    pub fn node(
        &mut self,
        layer: &str,
        op: &'static str,
        inputs: &[&str],
        attributes: &[(&'static str, Attribute)],
    ) -> String {
        let output = self.free(&format!("{layer}.{op}"));
        let inputs = inputs.iter().map(|name| name.to_string()).collect();
        self.nodes.push(Node { op, inputs, output: output.clone(), attributes: attributes.to_vec() });
        output
    }

    /// Holds an array under a name; of several with one name, which are one tensor, the first.
    pub fn initializer(&mut self, name: &str, array: &Array) {
        self.taken.insert(name.to_string());
        self.initializers.entry(name.to_string()).or_insert_with(|| array.clone());
    }

    /// Holds an array that is no parameter; gives its name.
    pub fn constant(&mut self, name: &str, array: &Array) -> String {
        let name = self.free(name);
        self.initializers.insert(name.clone(), array.clone());
        name
    }

    /// Another shape for a value: the first axis stays, whatever its length, the others become `rest`.
    pub fn reshape(&mut self, value: &str, rest: &[usize]) -> String {
        // 0 stands for the length that the axis has.
        let shape: Vec<i64> = [0].into_iter().chain(rest.iter().map(|&len| len as i64)).collect();
        let shape = self.constant(&format!("{value}.shape"), &Array::from_slice(&shape, [shape.len()]));
        self.node(value, "Reshape", &[value, &shape], &[])
    }

    /// Says which value is the output, and what it is like.
    pub fn finish(&mut self, last: &str, output: &Tensor) {
        self.output = value_info("output", output, self.batch);
        if last == "input" {
            self.nodes.push(Node {
                op: "Identity",
                inputs: vec![last.to_string()],
                output: "output".into(),
                attributes: Vec::new(),
            });
            return;
        }
        let names = self.nodes.iter_mut().flat_map(|node| node.inputs.iter_mut().chain([&mut node.output]));
        for name in names.filter(|name| *name == last) {
            *name = "output".into();
        }
    }

    /// A name that no value has.
    fn free(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        name
    }

    /// The file.
    pub fn encoded(&self) -> Result<Vec<u8>, String> {
        let bytes: usize = self.initializers.values().map(|array| array.numel() * array.dtype().size()).sum();
        if bytes > MOST_BYTES {
            return Err(format!("the weights take {bytes} bytes; an ONNX file holds less than 2 GiB"));
        }
        let mut graph = self.nodes.iter().fold(Message::new(), |graph, node| graph.message(1, &node.proto()));
        graph = graph.text(2, "versant");
        for (name, array) in &self.initializers {
            graph = graph.message(5, &tensor_proto(name, array));
        }
        graph = graph.message(11, &self.input).message(12, &self.output);
        let opset = Message::new().text(1, "").int(2, OPSET);
        // ir_version 1, producer_name 2, graph 7, opset_import 8.
        let model =
            Message::new().int(1, IR_VERSION).text(2, "versant").message(7, &graph).message(8, &opset);
        Ok(model.encoded().to_vec())
    }
}

impl Node {
    /// input 1, output 2, name 3, op_type 4, attribute 5.
    fn proto(&self) -> Message {
        let proto = self.inputs.iter().fold(Message::new(), |proto, input| proto.text(1, input));
        let proto = proto.text(2, &self.output).text(3, &self.output).text(4, self.op);
        self.attributes.iter().fold(proto, |proto, (name, value)| proto.message(5, &value.proto(name)))
    }
}

impl Attribute {
    /// name 1, f 2, i 3, s 4, ints 8, type 20.
    fn proto(&self, name: &str) -> Message {
        let proto = Message::new().text(1, name);
        match self {
            Attribute::Float(value) => proto.float(2, *value as f32).int(20, 1),
            Attribute::Int(value) => proto.int(3, *value).int(20, 2),
            Attribute::Text(text) => proto.text(4, text).int(20, 3),
            Attribute::Ints(values) => proto.ints(8, values).int(20, 7),
        }
    }
}

/// TensorProto: dims 1, data_type 2, name 8, raw_data 9.
fn tensor_proto(name: &str, array: &Array) -> Message {
    let proto = Message::new().ints(1, &lengths(&array.shape())).int(2, element_type(array.dtype()));
    proto.text(8, name).bytes(9, &little_endian(array))
}

/// ValueInfoProto: name 1, type 2, which has a tensor_type 1 of elem_type 1 and shape 2, whose dim 1 are dim_value 1 or
/// dim_param 2. A first axis as long as the batch is the batch.
fn value_info(name: &str, tensor: &Tensor, batch: usize) -> Message {
    let mut shape = Message::new();
    for (axis, len) in lengths(&tensor.shape()).into_iter().enumerate() {
        let is_batch = axis == 0 && len == batch as i64;
        let dim = if is_batch { Message::new().text(2, "batch") } else { Message::new().int(1, len) };
        shape = shape.message(1, &dim);
    }
    let tensor_type = Message::new().int(1, element_type(tensor.dtype())).message(2, &shape);
    Message::new().text(1, name).message(2, &Message::new().message(1, &tensor_type))
}

fn lengths(shape: &Shape) -> Vec<i64> {
    shape.iter().map(|&len| len as i64).collect()
}

fn element_type(dtype: DType) -> i64 {
    match dtype {
        DType::F32 => 1,
        DType::U8 => 2,
        DType::I64 => 7,
        DType::Bool => 9,
        DType::F64 => 11,
    }
}
