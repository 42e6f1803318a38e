//! Frames of an encoder and its decoder, whose layers read a source, an answer, or one from the other.

use qkv_inspect::{Film, LayerKind, Matrix, Snapshot, profiles};
use qkv_train::{ConfigSource, Experiment, Registry, Side};
use serde_json::Value;

use super::traces::{check_head, product, transposed};
use super::{assert_close, films};

const LAYERS: [&str; 6] = [
    "encoder.0.attention",
    "encoder.1.attention",
    "decoder.0.attention",
    "decoder.0.cross.attention",
    "decoder.1.attention",
    "decoder.1.cross.attention",
];

fn dates() -> Experiment {
    let small = [
        "model.n_layers=2",
        "model.d_model=12",
        "model.n_heads=3",
        "model.d_mlp=8",
        "model.norm=none",
        "train.batch_size=7",
        "train.steps=3",
        "train.eval_every=3",
        "train.eval_examples=10",
        "train.checkpoint_every=3",
        "optimizer.lr=0.05",
    ];
    Registry::new().read(ConfigSource::Task("dates"), &small).unwrap()
}

/// The source that a probe shows, and its answer so far.
fn texts(probe: &Snapshot, source_len: usize) -> [String; 2] {
    let (source, answer) = probe.labels.tokens.split_at(source_len);
    [source, answer].map(|side| side.concat().trim_end_matches('□').to_owned())
}

#[test]
fn rows_and_columns_are_the_positions_of_their_side_without_its_padding() {
    let experiment = dates();
    let source_len = Side::Source.positions(&*experiment.task).len();
    let [film, _] = films(&experiment);
    for probe in film.frames.iter().flat_map(|frame| &frame.probes) {
        let [source, answer] = texts(probe, source_len);
        assert!(answer.starts_with('⊢') && source.chars().count() < source_len, "{source} {answer}");
        let layers: Vec<&str> = probe.maps.iter().step_by(3).map(|map| map.layer.as_str()).collect();
        assert_eq!(layers, LAYERS);
        for map in &probe.maps {
            let tokens = &probe.labels.tokens;
            let labels =
                [map.query_labels(tokens), map.key_labels(tokens)].map(|labels| labels.unwrap().concat());
            let expected = match LayerKind::of(&map.layer) {
                LayerKind::Encoder => [&source, &source],
                LayerKind::Decoder => [&answer, &answer],
                LayerKind::Cross => [&answer, &source],
                LayerKind::Single => panic!("{} reads both", map.layer),
            };
            assert_eq!(labels, expected.map(String::clone), "{}", map.layer);
            // Nothing is lost with the padding, which no query sees.
            for row in 0..map.weights.rows() {
                assert_close(&[map.weights.row(row).iter().sum()], &[1.0]);
            }
        }
    }
}

#[test]
fn queries_of_cross_attention_are_made_of_the_answer_and_keys_and_values_of_the_source() {
    let [film, _] = films(&dates());
    let mut n_heads = 0;
    for frame in &film.frames {
        let probe = &frame.probes[0];
        for (trace, layer) in probe.traces.iter().zip(&frame.layers) {
            assert_eq!(trace.layer, layer.prefix);
            let is_cross = layer.kind() == LayerKind::Cross;
            assert_eq!(trace.source.is_some(), is_cross);
            let x = trace.x.as_ref().unwrap();
            let source = trace.source.as_ref().unwrap_or(x);
            for (head, weights) in layer.heads.iter().enumerate() {
                let [q, k, v, scores, _, _] =
                    check_head(&trace.heads[head], &probe.map(&trace.layer, head).unwrap().weights);
                let made = |x: &Matrix, w: &Option<Matrix>| product(x, w.as_ref().unwrap());
                assert_close(q.values(), &made(x, &weights.w_q));
                assert_close(k.values(), &made(source, &weights.w_k));
                assert_close(v.values(), &made(source, &weights.w_v));
                assert_close(scores.values(), &product(&q, &transposed(&k)));
                n_heads += 1;
            }
        }
    }
    assert_eq!(n_heads, film.frames.len() * 6 * 3);
}

#[test]
fn figures_are_those_that_mean_something_for_a_layer() {
    let experiment = dates();
    let [film, in_memory] = films(&experiment);
    let json = |film: &Film| serde_json::from_str::<Value>(&film.json()).unwrap();
    assert_eq!(json(&film), json(&in_memory));
    let (source_len, seq_len) = (experiment.task.source_len(), experiment.task.seq_len());
    let [source, answer] = [source_len, seq_len - source_len].map(|n| Value::from(vec![n, n]));
    for layer in json(&film)["layers"].as_array().unwrap() {
        let circuits = layer["heads"][0]["circuits"].as_array().unwrap();
        let found: Vec<_> = circuits.iter().map(|circuit| circuit["name"].as_str().unwrap()).collect();
        // What is read in cross-attention are no token vectors, and an encoder writes no logits.
        let (expected, n_positions) = match LayerKind::of(layer["name"].as_str().unwrap()) {
            LayerKind::Encoder => (&["QK, token by token", "QK, position by position"][..], Some(&source)),
            LayerKind::Decoder => {
                (&["QK, token by token", "QK, position by position", "OV, token by token"][..], Some(&answer))
            }
            _ => (&[][..], None),
        };
        assert_eq!(
            (found, circuits.get(1).map(|circuit| &circuit["size"])),
            (expected.to_vec(), n_positions)
        );
    }
    let last = film.frames.last().unwrap();
    for head in profiles(&last.layers, &last.embeddings, last.probes.first()) {
        let (is_cross, has_logits) = match LayerKind::of(&head.layer) {
            LayerKind::Cross => (true, false),
            kind => (false, kind == LayerKind::Decoder),
        };
        let of_one_sequence =
            [head.scores.previous_token, head.scores.anti_diagonal, head.offset.map(|o| o.mean)];
        assert_eq!(of_one_sequence.map(|figure| figure.is_none()), [is_cross; 3], "{}", head.layer);
        assert!(head.n_keys.is_some() && head.copying_score.is_some() == has_logits, "{}", head.layer);
    }
    assert_eq!(film.main_layer(), Some("decoder.1.cross.attention"));
    let k = &film.shapes().unwrap()[1];
    assert_eq!(k[0], "k = s W_K");
}
