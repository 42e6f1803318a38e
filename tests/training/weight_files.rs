//! Weights on disk: names, layout, and what happens when a file is not the model's.

use burn::module::Module;
use burn::tensor::Device;
use qkv_inspect::{Source, Weights};
use qkv_model::{Init, Transformer, TransformerConfig};
use qkv_train::{load_weights, save_weights};
use tempfile::tempdir;

use crate::support::layers::additive;
use crate::support::parameters::paths;

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

fn build(config: &TransformerConfig) -> Transformer {
    config.init(&Init::new(&Device::flex(), 1)).unwrap()
}

#[test]
fn the_file_has_the_names_and_shapes_of_the_parameters() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let model = build(&config());
    save_weights(&model, &file).unwrap();
    let weights = Weights::open(&file).unwrap();
    let mut expected = paths(&model);
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
fn the_inspector_sees_the_heads_that_the_model_uses() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("model.safetensors");
    let model = build(&config());
    save_weights(&model, &file).unwrap();
    let layers = Source::open(&file).unwrap().with_heads(2, None).unwrap().layers().unwrap();
    for (layer, block) in layers.iter().zip(&model.valid().blocks) {
        for (head, found) in layer.heads.iter().enumerate() {
            let attention = block.self_attention().unwrap();
            let expected = [attention.w_q(head), attention.w_k(head), attention.w_v(head)];
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
    save_weights(&build(&config()), &file).unwrap();
    let refused = |config: TransformerConfig| load_weights(build(&config), &file).err().unwrap().to_string();
    let wider = refused(TransformerConfig { d_mlp: 9, ..config() });
    assert!(wider.contains("blocks.0.mlp") && wider.contains('7') && wider.contains('9'), "{wider}");
    let deeper = refused(TransformerConfig { n_layers: 3, ..config() });
    assert!(deeper.contains("it lacks `blocks.2."), "{deeper}");
    let shallower = refused(TransformerConfig { n_layers: 1, ..config() });
    assert!(shallower.contains("the model has no `blocks.1."), "{shallower}");
}

#[test]
fn a_file_that_is_missing_is_an_error() {
    let missing = tempdir().unwrap().path().join("model.safetensors");
    let error = load_weights(build(&config()), &missing).err().unwrap();
    assert!(error.to_string().starts_with("cannot read"), "{error}");
}
