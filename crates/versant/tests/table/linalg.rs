//! Products of vectors and matrices.

use versant::{einsum, meshgrid};

use super::{Case, Input, any, case};

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
        (any([2, 1, 2, 3]).large([40, 16, 9, 17]), any([2, 3, 2]).large([16, 17, 11])),
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
    let v = || any([3]).large([1000]);
    all.push(case("dot", [v(), v()], |x| x[0].dot(&x[1])));
    all.push(case("outer", [v(), any([2]).large([150])], |x| x[0].outer(&x[1])));
    let batch = [any([2, 3, 4]).large([9, 30, 200]), any([2, 4, 2]).large([9, 200, 40])];
    all.push(case("bmm", batch, |x| x[0].bmm(&x[1])));
    let m = || any([3, 4]).large([300, 401]);
    all.push(case("trace", [m()], |x| x[0].trace().square()));
    for k in [-1, 0, 1] {
        all.push(case(format!("tril {k}"), [m()], move |x| x[0].tril(k).square()));
        all.push(case(format!("triu {k}"), [m()], move |x| x[0].triu(k).square()));
        all.push(case(format!("diagonal {k}"), [m()], move |x| x[0].diagonal(k, 0, 1).square()));
    }
    all.push(case("diagonal of other axes", [any([2, 3, 4]).large([40, 30, 100])], |x| {
        x[0].diagonal(1, 2, 0).square()
    }));
    let equations: [(&str, Vec<Input>); 11] = [
        ("ij,jk->ik", vec![m(), any([4, 2]).large([401, 90])]),
        ("ij,jk,k", vec![m(), any([4, 2]).large([401, 90]), any([2]).large([90])]),
        ("bij,bjk->kb", vec![any([2, 3, 2]).large([9, 30, 200]), any([2, 2, 3]).large([9, 200, 40])]),
        ("ii->i", vec![any([3, 3]).large([300, 300])]),
        ("ii,i", vec![any([3, 3]).large([300, 300]), any([3]).large([300])]),
        (
            "...ij,...jk->...ik",
            vec![any([2, 1, 2, 3]).large([2, 1, 30, 70]), any([3, 3, 2]).large([3, 70, 20])],
        ),
        ("i,j->ji", vec![v(), any([2]).large([150])]),
        ("ij->", vec![m()]),
        ("ij,ij->i", vec![m(), m()]),
        ("ij,ij->ji", vec![m(), m()]),
        ("bi,bj->jbi", vec![m(), any([3, 2]).large([300, 9])]),
    ];
    for (equation, inputs) in equations {
        all.push(case(format!("einsum {equation}"), inputs, move |x| {
            einsum(equation, &x.iter().collect::<Vec<_>>())
        }));
    }
    all.push(case("meshgrid", [v(), any([2]).large([150])], |x| {
        let grid = meshgrid(&[&x[0], &x[1]]);
        &grid[0] * &grid[1].square()
    }));
    all
}
