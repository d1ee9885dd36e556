//! Files between PyTorch, numpy and Versant. `scripts/interchange.py` wrote the files of the former two, and reads
//! those of Versant, which these tests hold to what Versant writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use versant::Array;
use versant::io::{npz, safetensors};
use versant::nn::{BatchNorm2d, Conv2d, MaxPool2d};
use versant::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// PyTorch's `Sequential(Linear(5, 4), ReLU(), Linear(4, 3, bias=False))`.
fn mlp() -> Sequential {
    let mut rng = Rng::new(0);
    Sequential::new()
        .push(Linear::new(5, 4, &mut rng))
        .push(nn::Relu)
        .push(Linear::without_bias(4, 3, &mut rng))
}

/// `LeNet` of the script.
#[derive(Module)]
struct LeNet {
    conv1: Conv2d,
    conv2: Conv2d,
    fc1: Linear,
    fc2: Linear,
    fc3: Linear,
}

impl LeNet {
    fn new() -> LeNet {
        let rng = &mut Rng::new(0);
        LeNet {
            conv1: Conv2d::new(1, 3, 5, rng),
            conv2: Conv2d::new(3, 4, 5, rng),
            fc1: Linear::new(64, 12, rng),
            fc2: Linear::new(12, 11, rng),
            fc3: Linear::new(11, 10, rng),
        }
    }
}

impl Layer for LeNet {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let x = self.conv1.forward(x, cx).relu().max_pool2d(2);
        let x = self.conv2.forward(&x, cx).relu().max_pool2d(2);
        let x = self.fc1.forward(&x.flatten(1), cx).relu();
        self.fc3.forward(&self.fc2.forward(&x, cx).relu(), cx)
    }
}

/// `vgg` of the script.
fn vgg() -> Sequential {
    let rng = &mut Rng::new(0);
    let mut features = Sequential::new();
    for (inputs, outputs) in [(3, 4), (5, 6), (7, 8)] {
        features = features
            .push(Conv2d::new(inputs, outputs, 3, rng).padding(1))
            .push(BatchNorm2d::new(outputs))
            .push(nn::Relu)
            .push(Conv2d::new(outputs, outputs + 1, 3, rng).padding(1))
            .push(nn::Relu)
            .push(MaxPool2d::new(2));
    }
    let classifier = Sequential::new()
        .push(nn::Flatten)
        .push(Dropout(0.05))
        .push(Linear::new(36, 12, rng))
        .push(nn::Relu)
        .push(Linear::new(12, 11, rng))
        .push(nn::Relu)
        .push(Dropout(0.05))
        .push(Linear::new(11, 10, rng));
    Sequential::new().add("features", features).add("classifier", classifier)
}

fn output(model: &dyn Layer, x: &Array) -> Array {
    model.forward(&x.clone().into(), &mut Context::eval()).array().clone()
}

/// `save` must write what the fixture holds, which `scripts/interchange.py check` has read.
fn is_as_checked(name: &str, save: impl FnOnce(&Path) -> versant::Result<()>) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    save(&path).unwrap();
    assert!(
        fs::read(&path).unwrap() == fs::read(fixture(name)).unwrap_or_default(),
        "{name} is not what python has checked: copy {} to tests/fixtures and run scripts/interchange.py check",
        path.display()
    );
}

/// With PyTorch's weights of the file the model must answer as PyTorch did.
fn answers_as_pytorch(mut model: impl Layer, file: &str) {
    let mut state = safetensors::load(fixture(file)).unwrap().tensors;
    let (x, y) = (state.remove("x").unwrap(), state.remove("y").unwrap());
    model.load_state_dict(&state).unwrap();
    let found = output(&model, &x);
    assert_eq!(found.shape(), y.shape());
    for (found, wanted) in found.to_vec::<f32>().into_iter().zip(y.to_vec::<f32>()) {
        assert!((found - wanted).abs() <= 1e-6, "{file}: {found}, PyTorch has {wanted}");
    }
}

#[test]
fn pytorch_s_weights_give_pytorch_s_outputs() {
    answers_as_pytorch(mlp(), "torch_mlp.safetensors");
    answers_as_pytorch(LeNet::new(), "torch_lenet.safetensors");
    answers_as_pytorch(vgg(), "torch_vgg.safetensors");
}

/// Eighths, whose products and sums no machine has to round.
fn eighths(shape: Shape) -> Array {
    let values: Vec<f32> = (0..shape.numel()).map(|i| (i * 5 % 17) as f32 / 8.0 - 1.0).collect();
    Array::from_slice(&values, shape)
}

#[test]
fn pytorch_takes_the_names_of_layers_with_running_statistics() {
    let mut state = vgg().state_dict();
    for array in state.values_mut().filter(|array| array.dtype() == DType::F32) {
        *array = eighths(array.shape());
    }
    is_as_checked("versant_vgg.safetensors", |path| safetensors::save(path, &state, &BTreeMap::new()));
}

#[test]
fn pytorch_reads_the_weights_that_versant_writes() {
    let mut model = mlp();
    let mut state: BTreeMap<String, Array> = model.state_dict();
    state.values_mut().for_each(|array| *array = eighths(array.shape()));
    model.load_state_dict(&state).unwrap();
    let x = eighths([6, 5].into());
    let y = output(&model, &x);
    state.extend([("x".to_string(), x), ("y".to_string(), y)]);
    is_as_checked("versant_mlp.safetensors", |path| safetensors::save(path, &state, &BTreeMap::new()));
}

/// The arrays of `scripts/interchange.py`, as Versant holds them.
fn arrays() -> BTreeMap<String, Array> {
    let grid = Array::arange(6).reshape([2, 3]);
    let quarters = Array::from_slice(&[0.0f32, 0.25, 0.5, 0.75, 1.0, 1.25], [2, 3]);
    let minus_3 = Array::from_slice(&[-3i64, -2, -1, 0, 1, 2], [2, 3]);
    let arrays = [
        ("f2", quarters.clone()),
        ("f4", quarters.clone()),
        ("f8_big", quarters.cast(DType::F64)),
        ("f4_fortran", quarters),
        ("i1", minus_3.clone()),
        ("u2", grid.clone()),
        ("i4", minus_3),
        ("i8", grid.clone()),
        ("u1", grid.cast(DType::U8)),
        ("bool", Array::from_slice(&[true, false, true, false, true, false], [2, 3])),
        ("scalar", Array::from_slice(&[2.5f32], ())),
        ("empty", Array::zeros([2, 0, 3], DType::F32)),
        ("layer/größe.0", Array::from_slice(&[7i64], [1])),
    ];
    arrays.map(|(name, array)| (name.to_string(), array)).into()
}

#[test]
fn numpy_s_archives_are_read() {
    for file in ["numpy.npz", "numpy_compressed.npz"] {
        let loaded = npz::load(fixture(file)).unwrap();
        let wanted = arrays();
        assert!(loaded.keys().eq(wanted.keys()), "{file}: {:?}", loaded.keys());
        for (name, wanted) in &wanted {
            let found = &loaded[name];
            assert_eq!((found.dtype(), found.shape()), (wanted.dtype(), wanted.shape()), "{file}: {name}");
            assert_eq!(found.to_bytes(), wanted.to_bytes(), "{file}: {name}");
        }
    }
}

#[test]
fn numpy_reads_the_archives_that_versant_writes() {
    is_as_checked("versant.npz", |path| npz::save(path, &arrays()));
    is_as_checked("versant_compressed.npz", |path| npz::save_compressed(path, &arrays()));
}
