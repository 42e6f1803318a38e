//! What is carried from one run into another, and how much of the difference it brings back.

use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{Hook, Mode, NormConfig, Source, Stage, Transformer, TransformerConfig};
use qkv_train::{Batch, Example, Pair, Patch, Patching, Site};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, tensor, values};
use crate::support::transformers::{N_HEADS, N_LAYERS, TASK, config, loss_of, seen, transformer};

/// Repetitions of three symbols and of two: some positions have an answer in one of them alone.
fn pairs() -> Vec<Pair> {
    let example = |tokens: [u32; 7]| Example::new(&TASK, tokens.to_vec());
    let pair = |clean, corrupted| Pair { clean: example(clean), corrupted: example(corrupted) };
    vec![
        pair([0, 1, 2, 0, 1, 2, 0], [0, 3, 2, 0, 3, 2, 0]),
        pair([4, 1, 4, 1, 4, 1, 4], [4, 2, 3, 4, 2, 3, 4]),
        pair([3, 2, 1, 3, 2, 1, 3], [0, 2, 1, 0, 2, 1, 0]),
    ]
}

fn everywhere(stage: Stage, n_kv_heads: usize) -> impl Iterator<Item = Patch> {
    let heads = match stage {
        Stage::Residual => 1,
        Stage::Keys | Stage::Values => n_kv_heads,
        _ => N_HEADS,
    };
    (0..N_LAYERS).flat_map(move |layer| {
        (0..heads).map(move |head| Patch { site: Site { layer, stage, head }, position: None })
    })
}

#[test]
fn everything_patched_is_the_clean_run_and_nothing_patched_the_corrupted_one() {
    for place @ (device, dtype) in places() {
        for (norm, n_kv_heads) in [(NormConfig::Pre, N_HEADS), (NormConfig::Post, 1)] {
            let n_kv = Some(n_kv_heads);
            let config = TransformerConfig { d_mlp: 17, bias: true, norm, n_kv_heads: n_kv, ..config() };
            let model = transformer(&config, place);
            let patching = Patching::new(&model, &TASK, &pairs(), device).unwrap();
            let nothing = patching.with(&[]).unwrap();
            assert_eq!(nothing.recovered, Some(0.0));
            assert_eq!(nothing.effect.after, nothing.effect.before);
            let everything: Vec<Patch> =
                Stage::ALL.into_iter().flat_map(|stage| everywhere(stage, n_kv_heads)).collect();
            let first = Patch { site: Site { layer: 0, stage: Stage::Residual, head: 0 }, position: None };
            for patches in [&everything[..], &[first]] {
                let patched = patching.with(patches).unwrap();
                assert_eq!(patched.recovered, Some(1.0));
                let clean: Vec<Example> = pairs().into_iter().map(|pair| pair.clean).collect();
                let batch = Batch::new(&TASK, &clean, device).unwrap();
                let loss = loss_of(&model, model.features(batch.tokens.clone(), Mode::Evaluate), &batch);
                let rounding = tolerance(dtype, 1e-5, 1e-13);
                assert_close("loss", &[patched.effect.after.loss], &[loss], rounding);
                assert!((patched.effect.loss_change()).abs() > 1e-3, "{patched:?}");
            }
        }
    }
}

/// One input of every pair.
fn tokens(of: fn(&Pair) -> &Example, device: &Device) -> Tensor<3, Int> {
    let examples: Vec<Example> = pairs().iter().map(|pair| of(pair).clone()).collect();
    Batch::new(&TASK, &examples, device).unwrap().tokens
}

/// Mean of `logit[answer of clean] - logit[answer of corrupted]` by hand; `features`: `[batch, seq_len, d_model]`.
fn logit_difference(model: &Transformer, features: Tensor<3>) -> f64 {
    let logits = model.unembed(features);
    let [_, seq_len, vocab_size] = logits.dims();
    let logits = values(&logits);
    let mut differences = Vec::new();
    for (row, Pair { clean, corrupted }) in pairs().iter().enumerate() {
        for at in 0..seq_len {
            if let (Some(right), Some(other)) = (clean.targets[at], corrupted.targets[at])
                && right != other
            {
                let logit = |answer: u32| logits[(row * seq_len + at) * vocab_size + answer as usize];
                differences.push(logit(right) - logit(other));
            }
        }
    }
    differences.iter().sum::<f64>() / differences.len() as f64
}

#[test]
fn one_head_patched_at_one_position_replaces_its_output_there() {
    for place @ (device, dtype) in places() {
        // Without norms and later layers, a head's output enters the features as it is.
        let config = TransformerConfig { n_layers: 1, norm: NormConfig::None, ..config() };
        let model = transformer(&config, place);
        let patching = Patching::new(&model, &TASK, &pairs(), device).unwrap();
        let run = |of: fn(&Pair) -> &Example| {
            let tokens = tokens(of, device);
            (model.contributions(tokens.clone()).unwrap(), model.features(tokens, Mode::Evaluate))
        };
        let (clean_parts, clean) = run(|pair| &pair.clean);
        let (corrupted_parts, corrupted) = run(|pair| &pair.corrupted);
        let [clean_difference, corrupted_difference] =
            [&clean, &corrupted].map(|features| logit_difference(&model, features.clone()));
        for (head, position) in [(0, 3), (1, 4), (2, 6)] {
            let source = Source::Head { layer: 0, head };
            let of = |parts: &[qkv_model::Contribution]| {
                parts.iter().find(|part| part.source == source).unwrap().features.clone()
            };
            let change = of(&clean_parts) - of(&corrupted_parts);
            let [batch, _, d_model] = change.dims();
            let there = [0..batch, position..position + 1, 0..d_model];
            let there_alone = change.zeros_like().slice_assign(there.clone(), change.slice(there));
            let difference = logit_difference(&model, corrupted.clone() + there_alone);
            let want = (difference - corrupted_difference) / (clean_difference - corrupted_difference);
            let site = Site { layer: 0, stage: Stage::Context, head };
            let patched = patching.with(&[Patch { site, position: Some(position) }]).unwrap();
            let rounding = tolerance(dtype, 1e-4, 1e-12);
            assert_close("recovered", &[patched.recovered.unwrap()], &[want], rounding);
            assert!(want.abs() > 1e-4, "the patch does nothing");
        }
    }
}

#[test]
fn each_stage_is_patched_where_and_only_where_it_was_asked_for() {
    for place @ (device, dtype) in places() {
        let config = TransformerConfig { n_kv_heads: Some(1), bias: true, d_mlp: 17, ..config() };
        let model = transformer(&config, place);
        let patching = Patching::new(&model, &TASK, &pairs(), device).unwrap();
        let clean = tokens(|pair| &pair.clean, device);
        let corrupted = tokens(|pair| &pair.corrupted, device);
        let difference_of = |tokens: &Tensor<3, Int>, hook: &mut dyn Hook| {
            logit_difference(&model, model.features_with(tokens.clone(), Mode::Evaluate, hook))
        };
        let mut nothing = |_, _, x| x;
        let of_clean = difference_of(&clean, &mut nothing);
        let of_corrupted = difference_of(&corrupted, &mut nothing);
        for (stage, layer) in Stage::ALL.into_iter().flat_map(|stage| [(stage, 0), (stage, 1)]) {
            let instead = values(&seen(&model, clean.clone(), (layer, stage)));
            let [n, n_heads, len, width] = seen(&model, clean.clone(), (layer, stage)).dims();
            let head = n_heads - 1;
            for position in [None, Some(4)] {
                let mut patch = |at, of, x: Tensor<4>| {
                    if (at, of) != (layer, stage) {
                        return x;
                    }
                    let mut numbers = values(&x);
                    for (index, number) in numbers.iter_mut().enumerate() {
                        let (row, its_head) = (index / width % len, index / width / len % n_heads);
                        if its_head == head && position.is_none_or(|position| position == row) {
                            *number = instead[index];
                        }
                    }
                    tensor(place, &numbers, [n, n_heads, len, width])
                };
                let want = (difference_of(&corrupted, &mut patch) - of_corrupted) / (of_clean - of_corrupted);
                let site = Site { layer, stage, head };
                let patched = patching.with(&[Patch { site, position }]).unwrap();
                let rounding = tolerance(dtype, 1e-4, 1e-12);
                assert_close(
                    &format!("{site:?} {position:?}"),
                    &[patched.recovered.unwrap()],
                    &[want],
                    rounding,
                );
                assert!(want.abs() > 1e-6, "{site:?} {position:?}: the patch does nothing");
            }
        }
    }
}

#[test]
fn pairs_and_places_between_which_there_is_nothing_to_find_are_refused() {
    let device = Device::flex();
    let model = transformer(&config(), (&device, DType::F32));
    let clean = pairs()[0].clean.clone();
    let same = [Pair { clean: clean.clone(), corrupted: clean }];
    assert_eq!(
        Patching::new(&model, &TASK, &same, &device).unwrap_err().to_string(),
        "at no position of 1 pair do the clean and the corrupted example ask for different answers; corrupt what the \
         answer depends on"
    );
    let mut short = same.clone();
    short[0].corrupted.targets.pop();
    assert_eq!(
        Patching::new(&model, &TASK, &short, &device).unwrap_err().to_string(),
        "an example must have 7 tokens and 7 targets or gaps, got 7 and 6"
    );
    let mut uneven = pairs();
    uneven[1].corrupted.tokens.pop();
    assert_eq!(
        Patching::new(&model, &TASK, &uneven, &device).unwrap_err().to_string(),
        "an example must have 7 tokens and 7 targets or gaps, got 6 and 7"
    );
    let patching = Patching::new(&model, &TASK, &pairs(), &device).unwrap();
    let site = Site { layer: 0, stage: Stage::Values, head: 0 };
    let refused = |site, position| patching.with(&[Patch { site, position }]).unwrap_err().to_string();
    assert_eq!(refused(site, Some(7)), "position must be below 7 for these inputs, got 7");
    assert_eq!(
        refused(Site { head: 3, ..site }, None),
        "head must be below 3 for the values of layer 0, got 3"
    );
}
