//! Weights on disk: names, layout, and what happens when a file is not the model's.

use std::fs;

use burn::module::Module;
use burn::tensor::Device;
use qkv_inspect::{Source, Weights};
use qkv_model::{Init, Transformer, TransformerConfig, parameters};
use qkv_train::{load_weights, save_weights};
use tempfile::tempdir;

use crate::support::backends::device;
use crate::support::layers::additive;

fn config() -> TransformerConfig {
    TransformerConfig {
        n_heads: 2,
        n_layers: 2,
        d_mlp: 7,
        w_o: true,
        bias: true,
        score: additive(3),
        ..TransformerConfig::new(11, 5, 6)
    }
}

fn build(config: &TransformerConfig, seed: u64, device: &Device) -> Transformer {
    config.init(&Init::new(device, seed)).unwrap()
}

#[test]
fn what_is_saved_is_loaded_bit_for_bit() {
    let device = device();
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let saved = build(&config(), 1, &device);
    save_weights(&saved, &file).unwrap();
    let loaded = load_weights(build(&config(), 2, &device), &file).unwrap();
    for (saved, loaded) in parameters(&saved).iter().zip(parameters(&loaded)) {
        assert_eq!((&saved.path, &saved.data), (&loaded.path, &loaded.data));
    }
}

#[test]
fn the_file_has_the_names_and_shapes_of_the_parameters() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let model = build(&config(), 1, &Device::flex());
    save_weights(&model, &file).unwrap();
    let weights = Weights::open(&file).unwrap();
    let mut expected: Vec<String> = parameters(&model).into_iter().map(|p| p.path).collect();
    let mut found: Vec<String> = weights.names().map(str::to_owned).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    // The variant of the score is a choice, not a place.
    assert!(expected.contains(&"blocks.1.attention.score.w_a".to_owned()), "{expected:?}");
    assert_eq!(weights.shape("blocks.0.attention.w_q"), Some(&[6, 6][..]));
    assert_eq!(weights.shape("embedding.table"), Some(&[11, 6][..]));
    assert_eq!(weights.metadata("format"), Some("pt"));
}

#[test]
fn the_same_weights_make_the_same_bytes() {
    let folder = tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    for file in [&first, &second] {
        save_weights(&build(&config(), 1, &Device::flex()), file).unwrap();
    }
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
}

#[test]
fn the_inspector_sees_the_heads_that_the_model_uses() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let model = build(&config(), 1, &Device::flex());
    save_weights(&model, &file).unwrap();
    let layers = Source::open(&file).unwrap().with_heads(2, None).unwrap().layers().unwrap();
    for (layer, block) in layers.iter().zip(&model.valid().blocks) {
        for (head, found) in layer.heads.iter().enumerate() {
            let expected = [block.attention.w_q(head), block.attention.w_k(head), block.attention.w_v(head)];
            let found =
                [&found.w_q, &found.w_k, &found.w_v].map(|matrix| matrix.as_ref().unwrap().values().to_vec());
            assert_eq!(found, expected.map(|matrix| matrix.into_data().iter::<f64>().collect::<Vec<_>>()));
        }
    }
}

#[test]
fn weights_of_another_model_are_refused_with_the_reason() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    save_weights(&build(&config(), 1, &Device::flex()), &file).unwrap();
    let refused = |config: TransformerConfig| {
        load_weights(build(&config, 1, &Device::flex()), &file).err().unwrap().to_string()
    };
    let wider = refused(TransformerConfig { d_mlp: 9, ..config() });
    assert!(wider.contains("blocks.0.mlp") && wider.contains('7') && wider.contains('9'), "{wider}");
    let deeper = refused(TransformerConfig { n_layers: 3, ..config() });
    assert!(deeper.contains("it lacks `blocks.2."), "{deeper}");
    let shallower = refused(TransformerConfig { n_layers: 1, ..config() });
    assert!(shallower.contains("the model has no `blocks.1."), "{shallower}");
}

#[test]
fn a_file_that_is_missing_or_damaged_is_an_error() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let model = || build(&config(), 1, &Device::flex());
    assert!(load_weights(model(), &file).err().unwrap().to_string().starts_with("cannot read"));
    save_weights(&model(), &file).unwrap();
    let bytes = fs::read(&file).unwrap();
    for damaged in [&b""[..], b"not safetensors at all", &bytes[..bytes.len() / 2], &bytes[..bytes.len() - 1]]
    {
        fs::write(&file, damaged).unwrap();
        assert!(load_weights(model(), &file).is_err(), "{} bytes were accepted", damaged.len());
    }
}
