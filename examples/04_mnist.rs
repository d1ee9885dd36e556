//! Handwritten digits, model and training loop: nothing hidden, nothing left out.
//!
//! `cargo run --release --example 04_mnist` takes MNIST if it is there (`versant data get mnist` fetches it), else
//! the built-in digits.

use versant::data::{Batch, ImageData, Loader, Part, data_dir, digits, mnist};
use versant::prelude::*;
use versant::train::count_correct;

#[derive(Module)]
struct Net {
    fc1: Linear,
    fc2: Linear,
}

impl Layer for Net {
    fn forward(&self, x: &Tensor, cx: &mut Context) -> Tensor {
        let hidden = self.fc1.forward(&x.flatten(1), cx).relu();
        self.fc2.forward(&hidden, cx)
    }
}

fn images(part: Part) -> Result<ImageData> {
    let dir = data_dir(None);
    let has_mnist = mnist::find(&dir, Part::Train).is_some();
    let set = if has_mnist { mnist::load(&dir, part)? } else { digits(10_000, part) };
    Ok(ImageData::new(set).normalize(0.1307, 0.3081))
}

fn main() -> Result<()> {
    let train = Loader::new(images(Part::Train)?, 64).shuffle(1);
    let test = Loader::new(images(Part::Test)?, 1000);
    let mut rng = Rng::new(1);
    let mut net = Net { fc1: Linear::new(784, 64, &mut rng), fc2: Linear::new(64, 10, &mut rng) };
    let mut sgd = Sgd::new(0.05).momentum(0.5);
    for epoch in 0..3 {
        for (step, batch) in (0..).zip(train.epoch(epoch)) {
            let logits = net.forward(&batch.x, &mut Context::train(epoch.into(), step));
            sgd.step(&mut net, &logits.cross_entropy(&batch.y).backward());
        }
        let correct = |b: Batch| count_correct(&net.forward(&b.x, &mut Context::eval()), &b.y);
        let correct: u64 = no_grad(|| test.epoch(0).map(correct).sum());
        println!("epoch {}: {correct} of {} test images right", epoch + 1, test.samples());
    }
    Ok(())
}
