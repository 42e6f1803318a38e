//! The parts of an optimizer step: clipping by the global norm, and which parameters decay.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{Init, Mode, Transformer, TransformerConfig, parameters};
use qkv_train::{ConfigSource, Registry, Trainer, clip_global_norm};

use crate::backends::devices;

fn model_and_gradients(device: &Device) -> (Transformer, GradientsParams) {
    let model: Transformer =
        TransformerConfig::new(5, 3, 4).init(&Init::new(&device.clone().autodiff(), 1)).unwrap();
    let tokens = Tensor::<3, Int>::from_data([[[0], [1], [2]]], &device.clone().autodiff());
    let loss = model.forward(tokens, Mode::Evaluate).powi_scalar(2).sum();
    let grads = GradientsParams::from_grads(loss.backward(), &model);
    (model, grads)
}

#[test]
fn clipping_scales_all_gradients_alike_to_the_norm_asked_for() {
    for device in devices() {
        let (model, grads) = model_and_gradients(&device);
        let w_q = model.blocks[0].attention.w_q.as_ref().unwrap().id;
        let original: Vec<f64> = grads.get::<2>(w_q).unwrap().into_data().iter().collect();
        let (grads, norm) = clip_global_norm(&model, grads, 0.0);
        let (clipped, before) = clip_global_norm(&model, grads, norm / 3.0);
        assert_eq!(norm, before);
        let (clipped, after) = clip_global_norm(&model, clipped, 0.0);
        // Single precision: the scaled values round to 6e-8 each.
        assert!((after - norm / 3.0).abs() < 1e-6 * norm, "{after} instead of a third of {norm}");
        // The direction stays: every entry is a third of what it was.
        let clipped: Vec<f64> = clipped.get::<2>(w_q).unwrap().into_data().iter().collect();
        for (clipped, entry) in clipped.iter().zip(original) {
            assert!((clipped - entry / 3.0).abs() < 1e-6 * norm, "{clipped} is no third of {entry}");
        }
    }
}

#[test]
fn gradients_below_the_limit_stay_as_they_are() {
    for device in devices() {
        let (model, grads) = model_and_gradients(&device);
        let w_q = model.blocks[0].attention.w_q.as_ref().unwrap().id;
        let before = grads.get::<2>(w_q).unwrap().to_data();
        let (grads, _) = clip_global_norm(&model, grads, 1e9);
        assert_eq!(grads.get::<2>(w_q).unwrap().to_data(), before);
    }
}

#[test]
fn decay_pulls_matrices_and_neither_norms_nor_biases_nor_tables() {
    for device in devices() {
        let weights = |decay: &str| {
            let settings = [
                "task.seq_len=5",
                "train.steps=1",
                "schedule.warmup_steps=0",
                "optimizer.lr=0.01",
                "model.positions=learned",
                "model.d_mlp=8",
                "model.bias=true",
                "model.w_o=true",
                decay,
            ];
            let registry = Registry::new();
            let config = ConfigSource::Task("reverse").read(&registry, &settings).unwrap();
            let device = device.clone().autodiff();
            let task = registry.task_of(&config).unwrap();
            let model = registry.model_of(&config, &*task, &Init::new(&device, 0)).unwrap();
            let start = parameters(&model);
            assert!(start.iter().any(|parameter| parameter.path == "positions.learned"));
            let trained = Trainer::new(model, &*task, config.recipe(), &device).unwrap().run().unwrap();
            (start, parameters(&trained.state.model.valid()))
        };
        let (start, without) = weights("optimizer.weight_decay=0");
        let (_, with) = weights("optimizer.weight_decay=0.5");
        for ((start, without), with) in start.iter().zip(&without).zip(&with) {
            let decays = without.data != with.data;
            let matrix = start.shape.len() >= 2
                && !["embedding", "positions"].iter().any(|t| start.path.starts_with(t));
            assert_eq!(decays, matrix, "{} decays: {decays}", start.path);
            // w (1 - lr · decay) - update: the difference is lr · decay · w, up to rounding.
            for ((start, without), with) in
                start.data.iter::<f64>().zip(without.data.iter::<f64>()).zip(with.data.iter::<f64>())
            {
                let pulled = if matrix { 0.01 * 0.5 * start } else { 0.0 };
                assert!((without - with - pulled).abs() < 1e-6, "{without} - {with} is not {pulled}");
            }
        }
    }
}
