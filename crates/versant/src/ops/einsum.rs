//! Einstein's sums: products of several tensors by the names of their axes.

use crate::shape::{MAX_RANK, Shape};
use crate::tensor::Tensor;

/// The name of an axis: a letter, or a number of an axis under an ellipsis.
type Label = u32;

/// The sum over all axes that the output does not name of the product of the operands, whose axes are named by letters:
/// `"ij,jk->ik"` is a matrix product. A letter that an operand has twice is its diagonal; `...` stands for any axes,
/// which broadcast; without `->` the output has the letters that occur once, in alphabetical order, as in PyTorch.
///
/// The operands are multiplied from left to right, each pair as one batched matrix product, or element by element where
/// that is a product of numbers or of vectors.
///
/// ```
/// use versant::{Tensor, einsum};
/// let a = Tensor::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2]);
/// assert_eq!(einsum("ij->ji", &[&a]).to_vec::<f32>(), [1.0, 3.0, 2.0, 4.0]);
/// assert_eq!(einsum("ij,jk->ik", &[&a, &a]).to_vec::<f32>(), [7.0, 10.0, 15.0, 22.0]);
/// assert_eq!(einsum("ii", &[&a]).item::<f32>(), 5.0);
/// ```
///
/// # Panics
/// When the equation cannot be read or does not fit the operands, or types or devices differ.
#[track_caller]
pub fn einsum(equation: &str, operands: &[&Tensor]) -> Tensor {
    let (inputs, output) = read(equation, operands);
    check(equation, operands, &inputs, &output);
    let size = sizes(equation, operands, &inputs);
    let mut terms = operands.iter().zip(&inputs).map(|(x, labels)| Term::new(x, labels, &size));
    let Some(mut product) = terms.next() else { panic!("einsum: {equation:?} has no operands") };
    for (i, term) in terms.enumerate() {
        let later = inputs[i + 2..].iter().flatten();
        let needed: Vec<Label> = later.chain(&output).copied().collect();
        let lengths: Vec<usize> = product.kept(&term, &needed).into_iter().map(&size).collect();
        assert!(
            Shape::checked(&lengths).is_some(),
            "einsum: {equation:?} makes a product of {lengths:?}, which has more than {MAX_RANK} axes or more elements \
             than memory can hold"
        );
        product = product.times(&term, &needed);
    }
    product.keep(&output).x
}

/// A tensor and the names of its axes, each once.
struct Term {
    x: Tensor,
    labels: Vec<Label>,
}

impl Term {
    /// Takes diagonals of axes of one name, and stretches axes of 1.
    fn new(x: &Tensor, labels: &[Label], size: &impl Fn(Label) -> usize) -> Term {
        let (mut x, mut labels) = (x.clone(), labels.to_vec());
        while let Some((i, j)) = twice(&labels) {
            let label = labels[i];
            x = x.diagonal(0, i as isize, j as isize);
            labels.remove(j);
            labels.remove(i);
            labels.push(label);
        }
        x = x.broadcast_to(labels.iter().map(|&label| size(label)).collect::<Vec<_>>());
        Term { x, labels }
    }

    /// The axes of the product of two.
    fn kept(&self, other: &Term, needed: &[Label]) -> Vec<Label> {
        let new = other.labels.iter().filter(|label| !self.labels.contains(label));
        self.labels.iter().chain(new).filter(|label| needed.contains(label)).copied().collect()
    }

    /// The product, summed over what nobody needs any more: [batch, left, sum] times [batch, sum, right].
    fn times(&self, other: &Term, needed: &[Label]) -> Term {
        let wanted = |mine: &Term, yours: &Term| -> Vec<Label> {
            let used = |label: &&Label| needed.contains(label) || yours.labels.contains(label);
            mine.labels.iter().filter(used).copied().collect()
        };
        let (a, b) = (self.keep(&wanted(self, other)), other.keep(&wanted(other, self)));
        let shared = |label: &&Label| b.labels.contains(label);
        let (batch, sum): (Vec<Label>, Vec<Label>) =
            a.labels.iter().filter(shared).partition(|label| needed.contains(label));
        let only = |mine: &Term, yours: &Term| -> Vec<Label> {
            mine.labels.iter().filter(|label| !yours.labels.contains(label)).copied().collect()
        };
        let (left, right) = (only(&a, &b), only(&b, &a));
        let x = a.grouped([&batch, &left, &sum]);
        let product = if !batch.is_empty() && left.is_empty() && right.is_empty() {
            (x * b.grouped([&batch, &right, &sum])).sum_axes(-1)
        } else if !batch.is_empty() && sum.is_empty() {
            x * b.grouped([&batch, &sum, &right])
        } else {
            x.matmul(&b.grouped([&batch, &sum, &right]))
        };
        let labels = [batch, left, right].concat();
        let length = |label: &Label| a.length(*label).or(b.length(*label)).unwrap_or(1);
        Term { x: product.reshape(labels.iter().map(length).collect::<Vec<_>>()), labels }
    }

    fn length(&self, label: Label) -> Option<usize> {
        self.labels.iter().position(|&l| l == label).map(|i| self.x.shape()[i])
    }

    /// With these axes in this order; the others are summed over.
    fn keep(&self, labels: &[Label]) -> Term {
        let gone: Vec<isize> =
            (0..).zip(&self.labels).filter(|(_, label)| !labels.contains(label)).map(|(i, _)| i).collect();
        let x = if gone.is_empty() { self.x.clone() } else { self.x.sum_axes(&gone[..]) };
        let left: Vec<Label> = self.labels.iter().filter(|label| labels.contains(label)).copied().collect();
        let order: Vec<usize> =
            labels.iter().filter_map(|label| left.iter().position(|l| l == label)).collect();
        Term { x: x.permute(&order), labels: labels.to_vec() }
    }

    /// Three axes, each made of the axes of one group.
    fn grouped(&self, groups: [&Vec<Label>; 3]) -> Tensor {
        let sorted = self.keep(&groups.map(|g| &g[..]).concat());
        let length = |group: &Vec<Label>| group.iter().filter_map(|&l| self.length(l)).product();
        sorted.x.reshape(groups.map(length))
    }
}

fn twice(labels: &[Label]) -> Option<(usize, usize)> {
    let second = |i: usize| labels[i + 1..].iter().position(|l| *l == labels[i]).map(|j| (i, i + 1 + j));
    (0..labels.len()).find_map(second)
}

/// The labels of each operand and of the output.
#[track_caller]
fn read(equation: &str, operands: &[&Tensor]) -> (Vec<Vec<Label>>, Vec<Label>) {
    let text: String = equation.chars().filter(|c| *c != ' ').collect();
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left, Some(right)),
        None => (&text[..], None),
    };
    for term in text.split("->").flat_map(|side| side.split(',')) {
        if let Some(odd) = term.replacen("...", "", 1).chars().find(|c| !c.is_ascii_alphabetic()) {
            panic!("einsum: {equation:?}: {odd:?} is neither a letter nor part of '...'");
        }
    }
    let terms: Vec<&str> = left.split(',').collect();
    assert!(
        terms.len() == operands.len(),
        "einsum: {equation:?} names {} operands, {} are given",
        terms.len(),
        operands.len()
    );
    let letters = |term: &str| term.chars().filter(char::is_ascii_alphabetic).count();
    let hidden = |term: &str, x: &Tensor| {
        if term.contains("...") { x.rank().saturating_sub(letters(term)) } else { 0 }
    };
    let most = terms.iter().zip(operands).map(|(term, x)| hidden(term, x)).max().unwrap_or(0);
    let inputs: Vec<Vec<Label>> =
        terms.iter().zip(operands).map(|(term, x)| labels_of(term, hidden(term, x), most)).collect();
    let output = match right {
        Some(term) => labels_of(term, most, most),
        None => {
            let all: Vec<Label> = inputs.concat();
            let mut once: Vec<Label> =
                all.iter().filter(|l| all.iter().filter(|m| m == l).count() == 1).copied().collect();
            once.retain(|&label| label >= FIRST_LETTER);
            once.sort_unstable();
            (0..most as Label).chain(once).collect()
        }
    };
    (inputs, output)
}

/// Below lie the axes under an ellipsis.
const FIRST_LETTER: Label = 'A' as Label;

/// The last `hidden` of the `most` axes that ellipses stand for, and the letters.
fn labels_of(term: &str, hidden: usize, most: usize) -> Vec<Label> {
    let letters = |part: &str| -> Vec<Label> { part.chars().map(|c| c as Label).collect() };
    match term.split_once("...") {
        None => letters(term),
        Some((before, after)) => {
            [letters(before), ((most - hidden) as Label..most as Label).collect(), letters(after)].concat()
        }
    }
}

#[track_caller]
fn check(equation: &str, operands: &[&Tensor], inputs: &[Vec<Label>], output: &[Label]) {
    for (i, (x, labels)) in operands.iter().zip(inputs).enumerate() {
        assert!(
            labels.len() == x.rank(),
            "einsum: {equation:?} names {} axes of operand {i}, which is {}",
            labels.len(),
            x.shape()
        );
        assert!(
            x.dtype().is_float(),
            "einsum: operand {i} is {} {}; all must be f32, or f64, cast it first",
            x.dtype(),
            x.shape()
        );
        assert!(
            x.dtype() == operands[0].dtype() && x.device() == operands[0].device(),
            "einsum: operand 0 is {} on {}, operand {i} {} on {}; type and device of all must be one",
            operands[0].dtype(),
            operands[0].device(),
            x.dtype(),
            x.device()
        );
        for (j, label) in labels.iter().enumerate() {
            let first = labels.iter().position(|l| l == label).unwrap_or(j);
            assert!(
                x.shape()[j] == x.shape()[first],
                "einsum: {equation:?} takes the diagonal of axes {first} and {j} of operand {i}, {}, which differ",
                x.shape()
            );
        }
    }
    for (i, label) in output.iter().enumerate() {
        let letter = char::from_u32(*label).unwrap_or('?');
        assert!(!output[..i].contains(label), "einsum: {equation:?} has {letter:?} twice in the output");
        let known = inputs.iter().any(|labels| labels.contains(label));
        assert!(known, "einsum: {equation:?} has {letter:?} in the output, but in no operand");
    }
}

/// How long each axis is, once axes of 1 are stretched.
#[track_caller]
fn sizes(equation: &str, operands: &[&Tensor], inputs: &[Vec<Label>]) -> impl Fn(Label) -> usize {
    let mut known: Vec<(Label, usize)> = Vec::new();
    for (x, labels) in operands.iter().zip(inputs) {
        for (&label, &len) in labels.iter().zip(x.shape().iter()) {
            match known.iter_mut().find(|(l, _)| *l == label) {
                None => known.push((label, len)),
                Some((_, size)) if *size == 1 => *size = len,
                Some((_, size)) => {
                    let shapes: Vec<Shape> = operands.iter().map(|x| x.shape()).collect();
                    let name = char::from_u32(label).filter(char::is_ascii_alphabetic).unwrap_or('.');
                    assert!(
                        len == *size || len == 1,
                        "einsum: {equation:?}: axis {name:?} has {size} elements in one place and {len} in another of \
                         {shapes:?}"
                    );
                }
            }
        }
    }
    move |label| known.iter().find(|(l, _)| *l == label).map_or(1, |(_, size)| *size)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(shape: impl Into<Shape>) -> Tensor {
        let shape = shape.into();
        Tensor::from_slice(&(0..shape.numel()).map(|i| i as f64).collect::<Vec<_>>(), shape)
    }

    #[test]
    fn several_operands_and_ellipses() {
        let (a, b) = (ramp([2, 3]), ramp([3, 4]));
        let v = ramp([4]);
        assert_eq!(
            einsum("ij,jk,k->i", &[&a, &b, &v]).to_vec::<f64>(),
            a.matmul(&b).matmul(&v).to_vec::<f64>()
        );
        let batch = ramp([5, 2, 3]);
        let wanted = batch.matmul(&b);
        assert_eq!(einsum("...ij,jk->...ik", &[&batch, &b]).to_vec::<f64>(), wanted.to_vec::<f64>());
        assert_eq!(einsum("i,j", &[&v, &v]).to_vec::<f64>(), v.outer(&v).to_vec::<f64>());
        assert_eq!(einsum("ij->", &[&a]).item::<f64>(), 15.0);
        assert_eq!(einsum("ii->i", &[&ramp([3, 3])]).to_vec::<f64>(), [0.0, 4.0, 8.0]);
    }

    #[test]
    #[should_panic(expected = "einsum: \"ij,jk\": axis 'j' has 3 elements in one place and 2 in another")]
    fn axes_that_differ() {
        einsum("ij,jk", &[&ramp([2, 3]), &ramp([2, 3])]);
    }

    #[test]
    fn products_without_a_matrix() {
        let (a, b) = (ramp([2, 3]), ramp([3, 2]));
        let c = b.transpose(0, 1);
        assert_eq!(einsum("ij,ji->ij", &[&a, &b]).to_vec::<f64>(), (&a * &c).to_vec::<f64>());
        assert_eq!(einsum("ij,ji->i", &[&a, &b]).to_vec::<f64>(), [10.0, 40.0]);
        assert_eq!(einsum("ij,i->ji", &[&a, &ramp([2])]).to_vec::<f64>(), [0.0, 3.0, 0.0, 4.0, 0.0, 5.0]);
        assert_eq!(einsum("ij,ij->ij", &[&ramp([0, 3]), &ramp([0, 3])]).shape(), [0, 3].into());
        assert_eq!(einsum("ij,ij->i", &[&ramp([2, 0]), &ramp([2, 0])]).to_vec::<f64>(), [0.0; 2]);
        assert_eq!(einsum(" bA ", &[&a]).shape(), [3, 2].into());
    }

    #[test]
    #[should_panic(
        expected = "einsum: \"ii->i\" takes the diagonal of axes 0 and 1 of operand 0, [1, 3], which differ"
    )]
    fn a_diagonal_of_what_is_not_square() {
        einsum("ii->i", &[&ramp([1, 3])]);
    }

    #[test]
    #[should_panic(
        expected = "einsum: \"abcde,fghi->abcdefghi\" makes a product of [1, 1, 1, 1, 1, 1, 1, 1, 1]"
    )]
    fn too_many_axes() {
        einsum("abcde,fghi->abcdefghi", &[&ramp([1; 5]), &ramp([1; 4])]);
    }

    #[test]
    #[should_panic(expected = "einsum: \"ij->k\" has 'k' in the output, but in no operand")]
    fn an_axis_from_nowhere() {
        einsum("ij->k", &[&ramp([2, 3])]);
    }
}
