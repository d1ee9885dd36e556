//! Products of vectors and matrices.

use super::{Case, any, case};

pub fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let pairs = [
        (any([3]).large([70_000]), any([3]).large([70_000])),
        (any([2, 3]).large([300, 257]), any([3]).large([257])),
        (any([3]).large([3000]), any([3, 4]).large([3000, 700])),
        (any([2, 3]).large([257, 300]), any([3, 4]).large([300, 190])),
        (any([1, 3]).large([16, 20_000]), any([3, 1]).large([20_000, 16])),
        (any([2, 2, 3]).large([5, 130, 70]), any([3, 4]).large([70, 90])),
        (any([2, 2, 3]).large([5, 130, 70]), any([2, 3, 4]).large([5, 70, 90])),
        (any([2, 1, 2, 3]).large([3, 1, 64, 65]), any([3, 3, 2]).large([2, 65, 66])),
        (any([2, 3]).large([20, 65]), any([2, 3, 1]).large([2, 65, 33])),
    ];
    for (a, b) in pairs {
        let name = format!("matmul {} {}", a.small_shape(), b.small_shape());
        all.push(case(name, [a, b], |x| x[0].matmul(&x[1])));
    }
    all.push(case(
        "matmul of a broadcast",
        [any([1, 3]).large([1, 70]), any([3, 2]).large([70, 130])],
        |x| x[0].broadcast_to([4, x[0].shape()[1]]).matmul(&x[1]),
    ));
    all.push(case("a gram matrix", [any([3, 2]).large([257, 130])], |x| x[0].matmul(&x[0].transpose(0, 1))));
    let layer = || [any([4, 3]).large([256, 400]), any([4]).large([256])];
    for x in [any([5, 3]).large([333, 400]), any([2, 3, 3]).large([3, 50, 400]), any([3]).large([400])] {
        let [w, b] = layer();
        all.push(case(format!("linear {}", x.small_shape()), [x, w, b], |x| x[0].linear(&x[1], Some(&x[2]))));
    }
    let [w, _] = layer();
    let x = any([5, 3]).large([333, 400]);
    all.push(case("linear without bias", [x, w], |x| x[0].linear(&x[1], None)));
    all
}
