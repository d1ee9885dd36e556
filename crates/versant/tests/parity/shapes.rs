//! Views, rearrangement, padding, windows, joining.

use versant::{Pad, Tensor, Window, cat, stack};

use super::fixture::Args;

/// Operations that have PyTorch's numbers and are not yet here.
pub const AWAITED: &[&str] = &[];

pub fn run(op: &str, x: &[Tensor], a: &Args) -> Option<Vec<Tensor>> {
    if let Some(parts) = parts(op, &x[0], a) {
        return Some(parts);
    }
    let result = viewed(op, &x[0], a).or_else(|| moved(op, &x[0], a)).or_else(|| windowed(op, &x[0], a));
    let all: Vec<&Tensor> = x.iter().collect();
    let y = match op {
        "cat" => cat(&all, a.get("dim")),
        "stack" => stack(&all, a.get("dim")),
        _ => result?,
    };
    Some(vec![y])
}

fn parts(op: &str, x: &Tensor, a: &Args) -> Option<Vec<Tensor>> {
    Some(match op {
        "split" => x.split(a.get("split_size_or_sections"), a.get("dim")),
        "split_sizes" => x.split_sizes(&a.get::<Vec<usize>>("split_size_or_sections"), a.get("dim")),
        "chunk" => x.chunk(a.get("chunks"), a.get("dim")),
        _ => return None,
    })
}

fn viewed(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        // A view of what is not contiguous is refused.
        "view" if x.array().is_contiguous() => x.view(&a.get::<Vec<isize>>("shape")),
        "view" => x.add_scalar(0.0).view(&a.get::<Vec<isize>>("shape")),
        "reshape" => x.reshape(a.get::<Vec<usize>>("shape")),
        "expand" => x.expand(&a.get::<Vec<isize>>("shape")),
        "broadcast_to" => x.broadcast_to(a.get::<Vec<usize>>("shape")),
        "sum_to" => x.sum_to(a.get::<Vec<usize>>("shape").into()),
        "unflatten" => x.unflatten(a.get("dim"), a.get::<Vec<usize>>("sizes")),
        "flatten" => x.flatten(a.get("start_dim")),
        "flatten_axes" => x.flatten_axes(a.get("start_dim"), a.get("end_dim")),
        "squeeze" => x.squeeze(a.get("dim")),
        "unsqueeze" => x.unsqueeze(a.get("dim")),
        "select" => x.select(a.get("dim"), a.get("index")),
        "narrow" => x.narrow(a.get("dim"), a.get("start"), a.get("length")),
        "slice" => x.slice(a.get("dim"), a.get("start"), a.get("end"), a.get("step")),
        "transpose" => x.transpose(a.get("dim0"), a.get("dim1")),
        "permute" => x.permute(&a.get::<Vec<usize>>("dims")),
        _ => return None,
    })
}

fn moved(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    Some(match op {
        "flip" => x.flip(&a.get::<Vec<isize>>("dims")),
        "roll" => x.roll(a.get("shifts"), a.get("dims")),
        "repeat" => x.repeat(&a.get::<Vec<usize>>("counts")),
        "tile" => x.tile(&a.get::<Vec<usize>>("dims")),
        "repeat_interleave" => x.repeat_interleave(a.get("repeats"), a.get("dim")),
        "pad" => x.pad(&a.get::<Vec<(usize, usize)>>("pairs"), padding(a)),
        _ => return None,
    })
}

fn padding(a: &Args) -> Pad {
    match a.get::<String>("mode").as_str() {
        "constant" => Pad::Constant(a.number("value")),
        "reflect" => Pad::Reflect,
        "replicate" => Pad::Replicate,
        "circular" => Pad::Circular,
        mode => panic!("no padding is called {mode}"),
    }
}

fn windowed(op: &str, x: &Tensor, a: &Args) -> Option<Tensor> {
    let pair = |name| <[usize; 2]>::try_from(a.get::<Vec<usize>>(name)).expect("two");
    let window = || {
        Window::new(pair("kernel_size"))
            .stride(pair("stride"))
            .padding(pair("padding"))
            .dilation(pair("dilation"))
    };
    Some(match op {
        "unfold" => x.unfold(a.get("dim"), a.get("size"), a.get("step")),
        "fold" => x.fold(a.get("dim"), a.get("length"), a.get("step")),
        "unfold2d" => x.unfold2d(&window()),
        "fold2d" => x.fold2d(pair("output_size"), &window()),
        _ => return None,
    })
}
