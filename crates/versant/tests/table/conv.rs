//! Convolutions, at large sizes in bands, blocks of channels and slabs of images.

use versant::{Conv, Padding, Shape, Tensor};

use super::{Case, any, case};

/// A shape in the gradient checks, and at full size.
type Sizes = (Shape, Shape);

fn sizes<const N: usize>(small: [usize; N], large: [usize; N]) -> Sizes {
    (small.into(), large.into())
}

/// `bias` is the number of channels, small and large.
fn with(
    name: &str,
    [x, w]: [Sizes; 2],
    bias: Option<(usize, usize)>,
    f: impl Fn(&Tensor, &Tensor, Option<&Tensor>) -> Tensor + Send + Sync + 'static,
) -> Case {
    let mut inputs = vec![any(x.0).large(x.1), any(w.0).large(w.1)];
    inputs.extend(bias.map(|(small, large)| any([small]).large([large])));
    case(name, inputs, move |x| f(&x[0], &x[1], x.get(2)))
}

pub fn cases() -> Vec<Case> {
    let mut all = forward();
    all.extend(transposed());
    all
}

fn forward() -> Vec<Case> {
    let conv = Conv::new;
    let mut all = Vec::new();
    let mut conv2d = |name: &str, x: Sizes, w: Sizes, bias: Option<(usize, usize)>, conv: Conv| {
        all.push(with(&format!("conv2d, {name}"), [x, w], bias, move |x, w, b| x.conv2d(w, b, &conv)));
    };
    let (x, w) = (sizes([2, 2, 3, 4], [9, 19, 17, 21]), sizes([3, 2, 3, 3], [35, 19, 3, 3]));
    conv2d("padded", x, w, Some((3, 35)), conv().padding(1));
    let (x, w) = (sizes([1, 2, 5, 6], [7, 17, 33, 30]), sizes([2, 2, 2, 3], [40, 17, 4, 3]));
    conv2d("strided, dilated", x, w, Some((2, 40)), conv().stride([2, 1]).padding([1, 2]).dilation([1, 2]));
    let (x, w) = (sizes([1, 1, 5, 7], [5, 8, 50, 61]), sizes([2, 1, 1, 2], [33, 8, 1, 2]));
    conv2d("a stride beyond the kernel", x, w, None, conv().stride(3));
    let (x, w) = (sizes([2, 4, 3, 3], [6, 24, 16, 19]), sizes([4, 2, 2, 2], [36, 12, 3, 3]));
    conv2d("groups", x, w, Some((4, 36)), conv().groups(2));
    let (x, w) = (sizes([1, 2, 4, 3], [5, 12, 30, 30]), sizes([2, 2, 2, 3], [20, 12, 4, 3]));
    conv2d("same", x, w, None, conv().padding(Padding::Same).dilation([1, 2]));
    let (x, w) = (sizes([2, 3, 2, 3], [10, 65, 15, 15]), sizes([2, 3, 1, 1], [70, 65, 1, 1]));
    conv2d("of single pixels", x, w, Some((2, 70)), conv());
    // One image, whose rows and channels are what there is to share; a long row; deep and small.
    let (x, w) = (sizes([1, 1, 4, 3], [1, 3, 120, 130]), sizes([1, 1, 3, 2], [40, 3, 5, 5]));
    conv2d("one image", x, w, Some((1, 40)), conv().padding([2, 0]));
    let (x, w) = (sizes([1, 2, 1, 3], [2, 40, 2, 700]), sizes([2, 2, 1, 2], [24, 40, 1, 9]));
    conv2d("long rows", x, w, None, conv());
    let (x, w) = (sizes([3, 2, 2, 2], [17, 120, 5, 4]), sizes([2, 2, 3, 3], [290, 120, 3, 3]));
    conv2d("deep", x, w, None, conv().padding(1));

    let depthwise = [sizes([2, 3, 4, 3], [4, 37, 30, 29]), sizes([3, 1, 3, 2], [37, 1, 3, 2])];
    all.push(with("conv2d, depthwise", depthwise, Some((3, 37)), |x, w, b| {
        x.conv2d(w, b, &Conv::new().groups(x.shape()[1]).padding(1))
    }));
    let depthwise = [sizes([1, 2, 5, 4], [4, 37, 30, 29]), sizes([4, 1, 2, 3], [74, 1, 2, 3])];
    all.push(with("conv2d, depthwise with more channels", depthwise, None, |x, w, b| {
        x.conv2d(w, b, &Conv::new().groups(x.shape()[1]).stride(2).padding([0, 1]))
    }));
    let signals = [sizes([2, 2, 5], [5, 30, 500]), sizes([3, 2, 2], [20, 30, 8])];
    all.push(with("conv1d", signals, Some((3, 20)), |x, w, b| {
        x.conv1d(w, b, &Conv::new().stride(2).padding(1).dilation(2))
    }));
    all
}

fn transposed() -> Vec<Case> {
    let conv = Conv::new;
    let mut all = Vec::new();
    let mut conv_transpose2d = |name: &str, x: Sizes, w: Sizes, bias: Option<(usize, usize)>, conv: Conv| {
        let name = format!("conv_transpose2d, {name}");
        all.push(with(&name, [x, w], bias, move |x, w, b| x.conv_transpose2d(w, b, &conv)));
    };
    let (x, w) = (sizes([2, 2, 2, 3], [9, 33, 14, 15]), sizes([2, 3, 2, 2], [33, 20, 2, 2]));
    conv_transpose2d("side by side", x, w, Some((3, 20)), conv().stride(2));
    let (x, w) = (sizes([1, 2, 3, 2], [5, 24, 17, 12]), sizes([2, 2, 3, 2], [24, 18, 3, 4]));
    let options = conv().stride([2, 3]).padding(1).output_padding([1, 2]).dilation([1, 2]);
    conv_transpose2d("with output padding", x, w, Some((2, 18)), options);
    let (x, w) = (sizes([1, 4, 2, 2], [6, 24, 16, 19]), sizes([4, 1, 2, 3], [24, 9, 3, 3]));
    conv_transpose2d("groups", x, w, None, conv().groups(2).padding([0, 1]));
    let signals = [sizes([2, 2, 3], [5, 30, 200]), sizes([2, 3, 3], [30, 20, 4])];
    all.push(with("conv_transpose1d", signals, Some((3, 20)), |x, w, b| {
        x.conv_transpose1d(w, b, &Conv::new().stride(2).padding(1).output_padding(1))
    }));
    all
}
