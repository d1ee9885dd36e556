//! What all optimisers have in common: settings by group, and arrays by parameter.

use super::{Group, State, Step, Update};
use crate::array::Array;
use crate::autograd::Gradients;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::nn::Module;

/// What every [`Optimizer`](super::Optimizer) has: a learning rate, a weight decay, groups of parameters, and for each
/// parameter the number of its steps and some arrays.
pub struct Base {
    /// The learning rate.
    pub lr: f64,
    /// The weight decay; what it does is up to the optimiser.
    pub weight_decay: f64,
    /// The names of the arrays kept for each parameter.
    pub slots: Vec<&'static str>,
    groups: Vec<Group>,
    groups_checked: bool,
    /// In the order of the model, or of first gradients.
    kept: Vec<Kept>,
}

/// What is kept for one parameter.
struct Kept {
    name: String,
    steps: i64,
    arrays: Vec<Array>,
}

/// A parameter in the middle of a step.
pub struct Parameter<'a> {
    /// Its name in the model.
    pub name: &'a str,
    /// Its values, to be changed.
    pub value: &'a mut Array,
    /// Its gradient, contiguous.
    pub grad: Array,
    /// The arrays kept for it, in the order of [`Base::slots`]; zeros at first.
    pub slots: &'a mut [Array],
    /// The learning rate of its group.
    pub lr: f64,
    /// The weight decay of its group.
    pub weight_decay: f64,
    /// The number of this step of its own, from 1.
    pub t: i64,
    /// Whether the arrays are new.
    pub first: bool,
}

impl Base {
    /// No weight decay, no groups.
    pub fn new(lr: f64, slots: &[&'static str]) -> Base {
        Base {
            lr,
            weight_decay: 0.0,
            slots: slots.to_vec(),
            groups: Vec::new(),
            groups_checked: true,
            kept: Vec::new(),
        }
    }

    /// One group more, behind those that there are.
    pub fn add_group(&mut self, group: Group) {
        self.groups.push(group);
        self.groups_checked = false;
    }

    /// The parameters that have a gradient, in the model's order, each with the settings of its group. Their numbers of
    /// steps are counted up.
    ///
    /// # Panics
    /// At the first step, if no parameter belongs to a group; if two parameters have one name, or the model's `visit` and
    /// `visit_mut` do not go the same way.
    #[track_caller]
    pub fn parameters<'a>(&'a mut self, model: &'a mut dyn Module, grads: &Gradients) -> Vec<Parameter<'a>> {
        self.check_groups(model);
        let Base { lr, weight_decay, slots, groups, kept, .. } = self;
        // Of each tensor its gradient, and the place of what is kept for it: as a rule the one behind the last.
        let (mut found, mut next) = (Vec::with_capacity(kept.len()), 0);
        model.for_each(&mut |name, param| {
            found.push(grads.get(param).map(|grad| {
                let place = (next..kept.len()).chain(0..next).find(|&i| kept[i].name == name);
                let place = place.unwrap_or_else(|| {
                    kept.push(Kept { name: name.to_string(), steps: 0, arrays: Vec::new() });
                    kept.len() - 1
                });
                next = place + 1;
                (place, grad.array().contiguous())
            }));
        });
        let mut kept: Vec<_> = kept.iter_mut().map(Some).collect();
        let (mut found, mut all) = (found.into_iter(), Vec::with_capacity(kept.len()));
        model.for_each_mut(&mut |visited, param| {
            let Some((place, grad)) = found.next().flatten() else { return };
            let Some(Kept { name, steps, arrays }) = kept[place].take() else {
                panic!("optimizer: two parameters of the model are called {visited}");
            };
            assert_eq!(name, visited, "optimizer: visit and visit_mut of the model go different ways");
            let group = groups.iter().find(|g| g.contains(name, param.shape()));
            let (lr, weight_decay) = group.map_or((*lr, *weight_decay), |g| g.settings(*lr, *weight_decay));
            let value = param.array_mut();
            let first = arrays.len() < slots.len();
            arrays.resize_with(slots.len(), || Array::zeros_on(value.shape(), value.dtype(), value.device()));
            *steps += 1;
            all.push(Parameter { name, value, grad, slots: arrays, lr, weight_decay, t: *steps, first });
        });
        if let Some((place, _)) = found.flatten().next() {
            let name = kept[place].as_ref().map_or("a parameter", |k| &k.name);
            panic!("optimizer: visit_mut of the model leaves out {name}, which visit does not");
        }
        all
    }

    /// One step of all parameters that have a gradient, by the backend; `rule` says which.
    ///
    /// # Panics
    /// As [`parameters`](Base::parameters).
    #[track_caller]
    pub fn step(
        &mut self,
        model: &mut dyn Module,
        grads: &Gradients,
        rule: impl Fn(&Parameter<'_>) -> Update,
    ) {
        let parameters = self.parameters(model, grads).into_iter();
        step_all(
            parameters
                .map(|p| Step { update: rule(&p), param: p.value, grad: p.grad, kept: p.slots })
                .collect(),
        );
    }

    #[track_caller]
    fn check_groups(&mut self, model: &dyn Module) {
        if std::mem::replace(&mut self.groups_checked, true) {
            return;
        }
        for group in &self.groups {
            let Some(about) = &group.about else { continue };
            let (mut names, mut found) = (Vec::new(), false);
            model.for_each(&mut |name, tensor| {
                found |= group.contains(name, tensor.shape());
                names.push(name.to_string());
            });
            names.truncate(8);
            let names = names.join(", ");
            assert!(found, "optimizer: no parameter belongs to {about}; the model has {names}");
        }
    }

    /// The steps and arrays of all parameters, by name.
    pub fn state(&self) -> State {
        let mut state = State::new();
        for Kept { name, steps, arrays } in &self.kept {
            state.insert(format!("step.{name}"), Array::from_slice(&[*steps], ()));
            let named = self.slots.iter().zip(arrays);
            state.extend(named.map(|(slot, array)| (format!("{slot}.{name}"), array.clone())));
        }
        state
    }

    /// Takes back what [`state`](Base::state) gave.
    ///
    /// # Errors
    /// When a name or shape does not belong to this optimiser and model; all is then as before.
    pub fn load_state(&mut self, mut state: State, model: &dyn Module) -> Result<()> {
        let mut kept = Vec::new();
        for (name, param) in model.named_parameters() {
            let Some(step) = state.remove(&format!("step.{name}")) else { continue };
            let steps = Some(step).filter(|s| s.numel() == 1 && s.dtype() == DType::I64);
            let Some(steps) = steps.map(|s| s.item::<i64>()).filter(|&s| s >= 0) else {
                return Err(Error::Checkpoint(format!("optimiser state step.{name} is no number of steps")));
            };
            let mut arrays = Vec::new();
            for slot in &self.slots {
                let Some(array) = state.remove(&format!("{slot}.{name}")) else {
                    return Err(Error::Checkpoint(format!(
                        "optimiser state {slot}.{name} is missing: it was saved by another optimiser; resume with \
                         the settings of the run"
                    )));
                };
                if array.shape() != param.shape() || array.dtype() != param.dtype() {
                    return Err(Error::Checkpoint(format!(
                        "optimiser state {slot}.{name} is {} {}, the parameter {} {}",
                        array.dtype(),
                        array.shape(),
                        param.dtype(),
                        param.shape()
                    )));
                }
                arrays.push(array.to(param.device()));
            }
            kept.push(Kept { name, steps, arrays });
        }
        if let Some(name) = state.keys().next() {
            return Err(Error::Checkpoint(format!(
                "optimiser state {name} belongs to another optimiser or model; resume with the settings of the run"
            )));
        }
        self.kept = kept;
        Ok(())
    }
}

/// Hands the steps to the backends, all of one device at once.
pub(crate) fn step_all(mut steps: Vec<Step>) {
    for of_device in steps.chunk_by_mut(|a, b| a.param.device() == b.param.device()) {
        of_device[0].param.device().backend().update(of_device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::nn::{Context, Layer, Linear, Path};
    use crate::optim::{Adagrad, Adam, Lion, Optimizer, RmsProp, Sgd};
    use crate::rng::Rng;
    use crate::tensor::Tensor;

    fn all() -> Vec<Box<dyn Optimizer>> {
        vec![
            Box::new(Sgd::new(0.1)),
            Box::new(Sgd::new(0.1).momentum(0.9).dampening(0.5)),
            Box::new(Adam::new(0.1)),
            Box::new(Adam::new(0.1).amsgrad()),
            Box::new(Adam::nadam(0.1)),
            Box::new(RmsProp::new(0.1)),
            Box::new(RmsProp::new(0.1).centered(true)),
            Box::new(RmsProp::new(0.1).momentum(0.9)),
            Box::new(RmsProp::new(0.1).momentum(0.9).centered(true)),
            Box::new(Adagrad::new(0.1)),
            Box::new(Lion::new(0.1)),
        ]
    }

    fn steps(optimizer: &mut dyn Optimizer, model: &mut Linear, range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
        for step in range {
            let x = Tensor::randn([4, 3], &mut Rng::new(step));
            let loss = model.forward(&x, &mut Context::train(0, step)).square().mean();
            optimizer.step(model, &loss.backward());
        }
        model.state_dict().values().map(Array::to_bytes).collect()
    }

    #[test]
    fn a_saved_state_goes_on_with_the_same_bits_and_fits_no_other_optimiser() {
        for (i, (mut first, mut second)) in all().into_iter().zip(all()).enumerate() {
            let mut model = Linear::new(3, 2, &mut Rng::new(1));
            steps(first.as_mut(), &mut model, 0..3);
            let (weights, state) = (model.state_dict(), first.state());
            let wanted = steps(first.as_mut(), &mut model, 3..6);
            let mut other = Linear::new(3, 2, &mut Rng::new(2));
            other.load_state_dict(&weights).unwrap();
            second.load_state(state.clone(), &other).unwrap();
            assert_eq!(steps(second.as_mut(), &mut other, 3..6), wanted, "optimiser {i}");
            for (j, mut stranger) in all().into_iter().enumerate().filter(|(j, _)| *j != i) {
                // Adam and NAdam keep the same arrays.
                if (i, j) != (2, 4) && (i, j) != (4, 2) {
                    assert!(stranger.load_state(state.clone(), &other).is_err(), "{i} into {j}");
                }
            }
        }
    }

    #[test]
    fn states_that_do_not_fit_are_named() {
        let model = Linear::new(3, 2, &mut Rng::new(1));
        let array = |shape: &[usize]| Array::zeros(shape, DType::F32);
        let one = || Array::from_slice(&[1i64], ());
        let error = |state: Vec<(&str, Array)>| {
            let state = state.into_iter().map(|(name, array)| (name.to_string(), array)).collect();
            Sgd::new(0.1).momentum(0.9).load_state(state, &model).unwrap_err().to_string()
        };
        for (state, wanted) in [
            (vec![("step.bias", one())], "momentum.bias is missing"),
            (vec![("step.bias", array(&[]))], "step.bias is no number of steps"),
            (vec![("step.bias", one()), ("momentum.bias", array(&[3]))], "is f32 [3], the parameter f32 [2]"),
            (vec![("exp_avg.bias", array(&[2]))], "exp_avg.bias belongs to another optimiser or model"),
        ] {
            let found = error(state);
            assert!(found.contains(wanted), "{found}");
        }
    }

    /// Two names and one tensor, two types, two devices: every parameter gets its own step.
    #[test]
    fn parameters_of_all_kinds_in_one_model() {
        let one = |dtype, device| Tensor::ones([2]).cast(dtype).to(device).requires_grad();
        let tied = one(DType::F32, Device::Cpu);
        let mut model = vec![
            tied.clone(),
            one(DType::F64, Device::Cpu),
            one(DType::F32, Device::Naive),
            tied,
            one(DType::F64, Device::Naive),
            one(DType::F64, Device::Cpu),
        ];
        let mut sgd = Sgd::new(0.5).momentum(0.5);
        // v = 1, then 1.5; of the tied tensor, whose gradient is 2, twice that.
        for (value, of_tied) in [(0.5, 0.0), (-0.25, -1.5)] {
            let sum = |x: &Tensor| x.sum().to(Device::Cpu).cast(DType::F64);
            let grads = model.iter().map(sum).reduce(|a, b| a + b).unwrap().backward();
            sgd.step(&mut model, &grads);
            let values: Vec<_> = model.iter().map(|x| x.cast(DType::F64).to_vec::<f64>()).collect();
            assert_eq!(
                values.concat(),
                [of_tied, value, value, of_tied, value, value].map(|v| [v; 2]).concat()
            );
        }
    }

    struct OneName(Tensor, Tensor);

    impl Module for OneName {
        fn visit(&self, _: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
            f("weight", &self.0);
            f("weight", &self.1);
        }
        fn visit_mut<'a>(&'a mut self, _: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
            f("weight", &mut self.0);
            f("weight", &mut self.1);
        }
    }

    #[test]
    #[should_panic(expected = "optimizer: two parameters of the model are called weight")]
    fn two_parameters_of_one_name() {
        let one = || Tensor::ones([2]).requires_grad();
        let mut model = OneName(one(), one());
        let grads = (&model.0 * &model.1).sum().backward();
        Sgd::new(0.1).step(&mut model, &grads);
    }

    /// Written by hand, and badly: what is changed is not what is read.
    struct Crooked([Tensor; 2], &'static [usize]);

    impl Module for Crooked {
        fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, &Tensor)) {
            (0..2).for_each(|i| path.enter(&i.to_string(), |path| f(path.as_str(), &self.0[i])));
        }
        fn visit_mut<'a>(&'a mut self, path: &mut Path, f: &mut dyn FnMut(&str, &'a mut Tensor)) {
            let mut tensors = self.0.each_mut().map(Some);
            for &i in self.1 {
                let Some(tensor) = tensors[i].take() else { continue };
                path.enter(&i.to_string(), |path| f(path.as_str(), tensor));
            }
        }
    }

    fn step_of(order: &'static [usize]) {
        let one = || Tensor::ones([2]).requires_grad();
        let mut model = Crooked([one(), one()], order);
        let grads = (&model.0[0] * &model.0[1]).sum().backward();
        Sgd::new(0.1).step(&mut model, &grads);
    }

    #[test]
    #[should_panic(expected = "optimizer: visit and visit_mut of the model go different ways")]
    fn visits_in_another_order() {
        step_of(&[1, 0]);
    }

    #[test]
    #[should_panic(expected = "optimizer: visit_mut of the model leaves out 1, which visit does not")]
    fn visits_that_leave_one_out() {
        step_of(&[0]);
    }

    /// The steps of a parameter are its own: what was frozen at first has unbiased means.
    #[test]
    fn a_parameter_that_is_trained_later_starts_from_one() {
        let mut model = Linear::new(3, 2, &mut Rng::new(1));
        let mut adam = Adam::new(0.1);
        steps(&mut adam, &mut model, 0..2);
        let mut fresh = Linear::from_parts(model.weight().clone(), Some(Tensor::ones([2]).requires_grad()));
        let mut state = adam.state();
        state.retain(|name, _| name.ends_with(".weight"));
        adam.load_state(state, &fresh).unwrap();
        steps(&mut adam, &mut fresh, 2..3);
        assert_eq!(adam.state()["step.weight"].item::<i64>(), 3);
        // Adam's first step is the learning rate, whatever the gradient.
        let bias = fresh.bias().unwrap().to_vec::<f32>();
        assert!(bias.iter().all(|b| ((b - 1.0).abs() - 0.1).abs() < 1e-6), "{bias:?}");
    }
}
