//! What holds for every variant: it trains, and its weights go to disk and come back.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::{Mode, Source, Stage, Transformer, parameters};
use qkv_train::{
    AnyModel, Evaluation, Examples, Model, Next, Observer, Registry, Split, State, StepReport, TrainError,
    Trainer, evaluate, load_weights, save_weights,
};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::named_variants::{Named, VARIANTS, model, short_run, variants};
use crate::support::numbers::{assert_close, values};
use crate::support::parameters::assert_same;

#[derive(Default)]
struct Losses(Vec<f64>);

impl<M> Observer<M> for Losses {
    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        assert!(report.grad_norm.is_finite() && report.grad_norm > 0.0);
        self.0.push(report.loss);
        Ok(Next::Continue)
    }
}

#[test]
fn a_few_steps_make_its_loss_fall_and_move_all_that_is_learned() {
    let device = device().autodiff();
    for Named { name, config, task, model } in variants(1, &device) {
        let held_out = |model: &AnyModel| -> Evaluation {
            let examples = Examples { task: &*task, seed: 0, split: Split::Validation };
            evaluate(&model.valid(), examples, 200, &device).unwrap()
        };
        let (start, before) = (parameters(&model), held_out(&model).loss);
        let mut losses = Losses::default();
        let trainer = Trainer::new(model, &*task, config.recipe(), &device).unwrap();
        let trained = trainer.observe(&mut losses).run().unwrap().state.model;
        let Losses(losses) = losses;
        assert!(losses.len() == 8 && losses.iter().all(|loss| loss.is_finite()), "{name}: {losses:?}");
        let after = held_out(&trained).loss;
        assert!(after < before - 0.02, "{name}: from {before} to {after}");
        for (start, end) in start.iter().zip(parameters(&trained)) {
            assert_eq!((&start.path, start.learned), (&end.path, end.learned), "{name}");
            // Keys share a bias unless something breaks the symmetry; rounding alone may move it.
            if !end.path.ends_with("b_k") {
                assert_eq!(start.data != end.data, start.learned, "{name}: {}", start.path);
            }
        }
    }
}

/// One input of seven symbols.
fn tokens(device: &Device) -> Tensor<3, Int> {
    Tensor::from_data(TensorData::from([[[3_i64], [0], [4], [1], [1], [2], [0]]]), device)
}

#[test]
fn its_weights_come_back_from_disk_bit_for_bit_and_compute_the_same() {
    let device = device();
    for (Named { name, model: saved, .. }, other) in variants(1, &device).zip(variants(2, &device)) {
        let folder = tempdir().unwrap();
        let file = folder.path().join("model.safetensors");
        save_weights(&saved, &file).unwrap();
        let features = |model: &AnyModel| model.features(tokens(&device), Mode::Evaluate).into_data();
        assert_ne!(features(&other.model), features(&saved), "{name}");
        let loaded = load_weights(other.model, &file).unwrap();
        assert_same(name, &saved, &loaded);
        assert_eq!(features(&loaded), features(&saved), "{name}");
    }
}

#[test]
fn what_is_measured_does_not_depend_on_what_was_computed_before() {
    let device = device().autodiff();
    for form in ["auto", "reference"] {
        let form = format!("model.attention={form}");
        let registry = Registry::new();
        for (name, settings) in VARIANTS {
            let config = short_run(&registry, &[settings, &[form.as_str()]].concat());
            let measure = |has_trained: bool| -> Evaluation {
                let (task, model) = model(&registry, &config, 1, &device);
                if has_trained {
                    model.features(tokens(&device), Mode::Train { seed: 0, step: 0, first_example: 0 });
                }
                let examples = Examples { task: &*task, seed: 0, split: Split::Validation };
                evaluate(&model.valid(), examples, 64, &device).unwrap()
            };
            assert_eq!(measure(true), measure(false), "{name}, {form}");
        }
    }
}

#[test]
fn the_model_of_a_config_is_the_transformer_that_its_table_describes() {
    let device = device();
    for Named { name, config, model, .. } in variants(1, &device) {
        let table: qkv_model::TransformerConfig = config.model.read("model").unwrap();
        let direct = table.init(&qkv_model::Init::new(&device, 1)).unwrap();
        assert_eq!(model.num_params(), direct.num_params(), "{name}");
        assert_same(name, model.downcast_ref::<Transformer>().unwrap(), &direct);
        let n_maps: Vec<usize> = model.layers().iter().map(|layer| layer.n_heads).collect();
        assert_eq!(n_maps, vec![4; table.n_layers], "{name}");
    }
}

#[test]
fn a_hook_that_changes_nothing_sees_what_the_model_computes() {
    let device = device();
    for Named { name, model, .. } in variants(1, &device) {
        let mut seen = Vec::new();
        let mut keep = |layer, stage, x: Tensor<4>| {
            seen.push((layer, stage, x.clone()));
            x
        };
        let features = model.features_with(tokens(&device), Mode::Evaluate, &mut keep).unwrap();
        let want = model.features(tokens(&device), Mode::Evaluate);
        assert_close(name, &values(&features), &values(&want), 1e-5);
        let maps = model.attention_weights(tokens(&device));
        let order: Vec<(usize, Stage)> =
            (0..maps.len()).flat_map(|layer| Stage::ALL.map(|stage| (layer, stage))).collect();
        assert_eq!(seen.iter().map(|&(layer, stage, _)| (layer, stage)).collect::<Vec<_>>(), order);
        for (layer, _, weights) in seen.iter().filter(|(_, stage, _)| *stage == Stage::Weights) {
            assert_close(name, &values(weights), &values(&maps[*layer]), 1e-6);
        }
    }
}

#[test]
fn its_features_are_the_sum_of_what_its_heads_and_all_others_contribute() {
    let device = device();
    for Named { name, model, .. } in variants(1, &device) {
        let parts = model.contributions(tokens(&device)).unwrap();
        let heads: Vec<Source> =
            parts.iter().map(|part| part.source).filter(|s| matches!(s, Source::Head { .. })).collect();
        let n_layers = model.layers().len();
        let want: Vec<Source> =
            (0..n_layers).flat_map(|layer| (0..4).map(move |head| Source::Head { layer, head })).collect();
        assert_eq!(heads, want, "{name}");
        let sum = parts.into_iter().map(|part| part.features).reduce(|sum, part| sum + part).unwrap();
        let want = model.features(tokens(&device), Mode::Evaluate);
        assert_close(name, &values(&sum), &values(&want), 1e-5);
    }
}
