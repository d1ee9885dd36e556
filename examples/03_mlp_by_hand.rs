//! Backpropagation by hand: the gradients of a network with three layers, from the formulas [course: A13], beside
//! those of `backward` and those of finite differences.
//!
//! `cargo run --release --example 03_mlp_by_hand`

use versant::prelude::*;

/// x_i = s_i(A_i x_{i-1} + b_i) for i = 1, 2, 3, with s_1 = tanh, s_2 = sigmoid, s_3 = softmax.
///
/// A_i is [outputs, inputs]. Samples are rows here, so A_i x becomes x A_i^T.
struct Net {
    weights: [Tensor; 3],
    biases: [Tensor; 3],
}

/// What the forward pass leaves for the way back: the outputs of the hidden layers, and the logits.
struct Pass {
    x1: Tensor,
    x2: Tensor,
    logits: Tensor,
}

impl Net {
    /// 6 inputs, hidden layers of 5 and 4, 3 classes. In f64, so that small differences mean something.
    fn new(rng: &mut Rng) -> Net {
        let mut random = |shape: &[usize]| Tensor::randn(Shape::new(shape), rng).cast(DType::F64);
        Net {
            weights: [random(&[5, 6]), random(&[4, 5]), random(&[3, 4])],
            biases: [random(&[5]), random(&[4]), random(&[3])],
        }
    }

    fn forward(&self, x0: &Tensor) -> Pass {
        let layer = |i: usize, x: &Tensor| x.matmul(&self.weights[i].transpose(0, 1)) + &self.biases[i];
        let x1 = layer(0, x0).tanh();
        let x2 = layer(1, &x1).sigmoid();
        let logits = layer(2, &x2);
        Pass { x1, x2, logits }
    }

    /// The mean of -log softmax(logits)_label over the samples.
    fn loss(&self, x0: &Tensor, labels: &Tensor) -> Tensor {
        self.forward(x0).logits.cross_entropy(labels)
    }

    /// The six tensors in one list: A_1, b_1, A_2, b_2, A_3, b_3.
    fn parameters(&self) -> Vec<Tensor> {
        let [a1, a2, a3] = self.weights.clone();
        let [b1, b2, b3] = self.biases.clone();
        vec![a1, b1, a2, b2, a3, b3]
    }

    fn from_parameters(parameters: &[Tensor]) -> Net {
        let p = |i: usize| parameters[i].clone();
        Net { weights: [p(0), p(2), p(4)], biases: [p(1), p(3), p(5)] }
    }
}

/// The chain rule, written out. delta_i is the gradient of the loss with respect to A_i x_{i-1} + b_i:
///
/// - delta_3 = (p - y) / N: softmax and cross-entropy together leave prediction minus truth;
/// - delta_i = (A_{i+1}^T delta_{i+1}) * s_i', an elementwise product, with tanh' = 1 - x^2 and
///   sigmoid' = x (1 - x) in terms of the layer's own output x;
/// - dA_i = delta_i x_{i-1}^T and db_i = delta_i, each summed over the samples.
fn by_hand(net: &Net, x0: &Tensor, labels: &Tensor) -> Vec<Tensor> {
    let Pass { x1, x2, logits } = net.forward(x0);
    let [_, a2, a3] = &net.weights;
    let [samples, classes] = logits.dims();

    let p = logits.softmax(1);
    let y = labels.one_hot(classes).cast(DType::F64);
    let delta3 = (p - y) / samples as f64;
    let delta2 = delta3.matmul(a3) * (&x2 * (1.0 - &x2));
    let delta1 = delta2.matmul(a2) * (1.0 - x1.square());

    let layer = |delta: &Tensor, x: &Tensor| [delta.transpose(0, 1).matmul(x), delta.sum_axes([0])];
    [layer(&delta1, x0), layer(&delta2, &x1), layer(&delta3, &x2)].concat()
}

/// The library's way: record the forward pass, walk it back.
fn by_autograd(net: &Net, x0: &Tensor, labels: &Tensor) -> Vec<Tensor> {
    let leaves: Vec<Tensor> = net.parameters().iter().map(Tensor::requires_grad).collect();
    let grads = Net::from_parameters(&leaves).loss(x0, labels).backward();
    leaves.iter().map(|leaf| grads.get(leaf).expect("the loss depends on it").clone()).collect()
}

/// The definition: (l(v + h) - l(v - h)) / 2h for every single number v of the network. Its error is of the order
/// h^2, that of rounding of the order 1e-16 / h.
fn by_differences(net: &Net, x0: &Tensor, labels: &Tensor) -> Vec<Tensor> {
    const H: f64 = 1e-5;
    let parameters = net.parameters();
    let loss_at = |which: usize, element: usize, step: f64| {
        let mut values = parameters[which].to_vec::<f64>();
        values[element] += step;
        let mut moved = parameters.clone();
        moved[which] = Tensor::from_slice(&values, parameters[which].shape());
        Net::from_parameters(&moved).loss(x0, labels).item::<f64>()
    };
    let gradient = |(which, parameter): (usize, &Tensor)| {
        let slope = |i: usize| (loss_at(which, i, H) - loss_at(which, i, -H)) / (2.0 * H);
        let slopes: Vec<f64> = (0..parameter.numel()).map(slope).collect();
        Tensor::from_slice(&slopes, parameter.shape())
    };
    parameters.iter().enumerate().map(gradient).collect()
}

fn main() {
    let mut rng = Rng::new(13);
    let net = Net::new(&mut rng);
    let x0 = Tensor::randn([7, 6], &mut rng).cast(DType::F64);
    let labels = Tensor::from_slice(&[0i64, 1, 2, 2, 1, 0, 1], [7]);

    let hand = by_hand(&net, &x0, &labels);
    let autograd = by_autograd(&net, &x0, &labels);
    let differences = by_differences(&net, &x0, &labels);

    println!("the gradient of b_3, three times:");
    for (way, gradients) in [("hand", &hand), ("autograd", &autograd), ("differences", &differences)] {
        println!("  {way:<12} {:.9}", gradients[5]);
    }
    println!("\nlargest difference from the formulas:");
    println!("  {:<10} {:>10} {:>14} {:>14}", "gradient", "shape", "of autograd", "of differences");
    for (i, name) in ["A_1", "b_1", "A_2", "b_2", "A_3", "b_3"].into_iter().enumerate() {
        let largest = |other: &Tensor| (other - &hand[i]).abs().max().item::<f64>();
        let (from_autograd, from_differences) = (largest(&autograd[i]), largest(&differences[i]));
        let shape = hand[i].shape().to_string();
        println!("  {name:<10} {shape:>10} {from_autograd:>14.1e} {from_differences:>14.1e}");
        assert!(from_autograd < 1e-14, "{name}: the formulas and autograd disagree");
        assert!(from_differences < 1e-8, "{name}: the formulas and finite differences disagree");
    }
    println!("\nall three agree");
}
