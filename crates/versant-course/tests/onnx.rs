//! Every model of the course can be taken elsewhere. `scripts/onnx_check.py` on the folder that is written here runs
//! the models in onnxruntime.

use std::fs;
use std::path::Path;

use versant::autograd::no_grad;
use versant::io::{npz, onnx};
use versant::nn::Context;
use versant::rng::Rng;
use versant::{Result, Tensor};
use versant_course::recipes::ALL;

#[test]
fn every_recipe_s_model_is_exported() -> Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("recipes");
    fs::create_dir_all(&folder).unwrap();
    for recipe in ALL {
        let plan = recipe.plan(&recipe.defaults())?;
        let file = folder.join(format!("{}.onnx", recipe.name()));
        onnx::export(plan.model.as_ref(), plan.input, &file)?;
        let weights = plan.model.parameter_count() as u64 * 4;
        assert!(fs::metadata(&file).unwrap().len() > weights, "{}", recipe.name());
        let x = Tensor::randn(plan.input.with_axis(0, 2), &mut Rng::new(0));
        let y = no_grad(|| plan.model.forward(&x, &mut Context::eval()));
        let arrays = [("input", x), ("output", y)].map(|(name, t)| (name.to_string(), t.array().clone()));
        npz::save(file.with_extension("npz"), &arrays.into())?;
    }
    Ok(())
}
