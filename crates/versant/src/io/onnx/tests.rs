use super::*;
use crate::io::protobuf::read::Fields;
use crate::nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Dropout, Flatten, Linear, Module, Relu, Sequential, Silu, Softmax,
};
use crate::rng::Rng;

fn refusal(model: &dyn Layer, input: impl Into<Shape>) -> String {
    trace(model, input.into()).err().expect("refused")
}

fn graph(model: &dyn Layer, input: impl Into<Shape>) -> Fields {
    let encoded = trace(model, input.into()).unwrap().encoded().unwrap();
    Fields::of(&encoded).one(7).message()
}

/// The nodes as "Gemm(input, fc1.weight, fc1.bias) -> fc1.Gemm".
fn nodes(graph: &Fields) -> Vec<String> {
    let texts = |values: Vec<&crate::io::protobuf::read::Value>| {
        values.into_iter().map(|value| value.text()).collect::<Vec<_>>().join(", ")
    };
    let node =
        |node: Fields| format!("{}({}) -> {}", node.one(4).text(), texts(node.all(1)), texts(node.all(2)));
    graph.all(1).into_iter().map(|value| node(value.message())).collect()
}

fn initializers(graph: &Fields) -> Vec<String> {
    graph.all(5).into_iter().map(|tensor| tensor.message().one(8).text()).collect()
}

#[test]
fn a_model_in_sequence() {
    let rng = &mut Rng::new(0);
    let model = Sequential::new()
        .push(Flatten)
        .add("fc1", Linear::new(6, 4, rng))
        .add("silu", Silu)
        .add("dropout", Dropout(0.5))
        .add("fc2", Linear::without_bias(4, 3, rng))
        .add("softmax", Softmax(-1));
    let graph = graph(&model, [1, 2, 3]);
    let wanted = [
        "Flatten(input) -> 0.Flatten",
        "Gemm(0.Flatten, fc1.weight, fc1.bias) -> fc1.Gemm",
        "Sigmoid(fc1.Gemm) -> silu.Sigmoid",
        "Mul(fc1.Gemm, silu.Sigmoid) -> silu.Mul",
        "Gemm(silu.Mul, fc2.weight) -> fc2.Gemm",
        "Softmax(fc2.Gemm) -> output",
    ];
    assert_eq!(nodes(&graph), wanted);
    assert_eq!(initializers(&graph), ["fc1.bias", "fc1.weight", "fc2.weight"]);
    let dims = |field: u32| {
        let tensor_type = graph.one(field).message().one(2).message().one(1).message();
        let dims = tensor_type.one(2).message();
        dims.all(1).into_iter().map(|dim| dim.message().0.remove(0)).collect::<Vec<_>>()
    };
    assert_eq!(dims(11).len(), 3);
    let batch = (2, crate::io::protobuf::read::Value::Bytes(b"batch".to_vec()));
    assert_eq!(dims(12), [batch, (1, crate::io::protobuf::read::Value::Int(3))]);
}

/// Layers without paths, a view between them, one of them used twice.
#[derive(Module)]
struct Net {
    a: Linear,
    b: Linear,
    relu: Relu,
    between: bool,
    behind: bool,
}

impl Layer for Net {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let mut h = self.a.forward(&x.flatten(1), cx);
        if self.between {
            h = h * 2.0;
        }
        let h = self.relu.forward(&h, cx);
        let y = self.b.forward(&self.b.forward(&h, cx), cx);
        if self.behind { y.exp() } else { y }
    }
}

fn net(between: bool, behind: bool) -> Net {
    let rng = &mut Rng::new(0);
    Net { a: Linear::new(6, 4, rng), b: Linear::new(4, 4, rng), relu: Relu, between, behind }
}

#[test]
fn a_model_in_a_struct() {
    let wanted = [
        "Reshape(input, input.shape) -> input.Reshape",
        "Gemm(input.Reshape, a.weight, a.bias) -> a.Gemm",
        "Relu(a.Gemm) -> Relu_1.Relu",
        "Gemm(Relu_1.Relu, b.weight, b.bias) -> b.Gemm",
        "Gemm(b.Gemm, b.weight, b.bias) -> output",
    ];
    assert_eq!(nodes(&graph(&net(false, false), [5, 3, 2])), wanted);
    assert_eq!(nodes(&graph(&Sequential::new(), [1, 2])), ["Identity(input) -> output"]);
    let more_axes =
        ["Transpose(weight) -> Linear_0.Transpose", "MatMul(input, Linear_0.Transpose) -> Linear_0.MatMul"];
    assert_eq!(nodes(&graph(&Linear::new(3, 2, &mut Rng::new(0)), [1, 5, 3]))[..2], more_axes);
}

#[test]
fn what_is_no_layer_is_refused_by_the_names_of_its_neighbours() {
    let between = refusal(&net(true, false), [1, 6]);
    assert!(between.starts_with("between a (Linear) and Relu_1 (Relu) the model computes"), "{between}");
    let behind = refusal(&net(false, true), [1, 6]);
    assert!(behind.starts_with("between b (Linear) and the output the model computes"), "{behind}");
    #[derive(Module)]
    struct Own(Linear);
    impl Layer for Own {
        fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
            let y = self.0.forward(&x.exp(), cx);
            let z = y.exp();
            cx.observe("Own", &y, &z, |o| o);
            z
        }
    }
    let own = Own(Linear::new(3, 2, &mut Rng::new(0)));
    let before = refusal(&own, [1, 3]);
    assert!(before.starts_with("between the input and 0 (Linear) the model computes"), "{before}");
    assert!(refusal(&own, [0, 3]).contains("an input [0, 3] cannot be sent"));
}

#[test]
fn a_kind_that_onnx_lacks_is_named() {
    #[derive(Module)]
    struct Own;
    impl Layer for Own {
        fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
            let y = x.exp();
            cx.observe("Own", x, &y, |o| o);
            y
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    let error = export(&Sequential::new().add("mine", Own), [1, 2], &path).unwrap_err().to_string();
    assert!(error.contains("own.onnx: mine (Own): ONNX has no form for this kind"), "{error}");
    assert!(!path.exists());
}

#[test]
fn what_onnx_cannot_say_is_refused() {
    let pool = refusal(&AdaptiveAvgPool2d::new([3, 2]), [1, 1, 7, 6]);
    assert!(
        pool.contains("AdaptiveAvgPool2d_0 (AdaptiveAvgPool2d): from [7, 6] to [3, 2] its windows are"),
        "{pool}"
    );
    let norm = refusal(&BatchNorm2d::new(3).without_running_stats(), [1, 3, 2, 2]);
    assert!(norm.contains("(BatchNorm2d): without running statistics"), "{norm}");
}

#[test]
fn tensors_that_share_their_memory_have_their_own_names() {
    // Until it is trained, weights and variances are the same ones.
    let model = Sequential::new().add("bn", BatchNorm2d::new(3));
    let names = ["bn.bias", "bn.running_mean", "bn.running_var", "bn.weight"];
    assert_eq!(initializers(&graph(&model, [1, 3, 2, 2])), names);
}
