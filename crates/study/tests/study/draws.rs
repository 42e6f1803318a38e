//! Random values of keys.

use proptest::prelude::*;
use qkv_study::{Combination, Study};
use toml::Value;

fn runs(text: &str) -> Vec<Combination> {
    Study::parse(text).unwrap().runs().unwrap()
}

/// The values of one key in the order of the runs.
fn values(text: &str, key: &str) -> Vec<Value> {
    let of = |run: &Combination| run.settings().iter().find(|(found, _)| found == key).unwrap().1.clone();
    runs(text).iter().map(of).collect()
}

const RATES: &str =
    "[sweep.optimizer]\nlr = { from = 1e-4, to = 1.0, draw = \"log\" }\n[study]\ndraws = 1000\n";

#[test]
fn draws_spread_as_their_scale_asks() {
    let numbers: Vec<f64> =
        values(RATES, "optimizer.lr").iter().map(|rate| rate.as_float().unwrap()).collect();
    assert!(numbers.iter().all(|rate| (1e-4..=1.0).contains(rate)));
    // Four decades: a quarter of the draws in each, within five standard deviations of a binomial.
    // Their bounds are whole powers of ten.
    for decade in 0..4 {
        let low = 1e-4 * 10.0_f64.powi(decade);
        let n = numbers.iter().filter(|rate| (low..low * 10.0).contains(*rate)).count();
        assert!((180..=320).contains(&n), "{n} from {low}");
    }
    let uniform = RATES.replace("\"log\"", "\"uniform\"");
    let small =
        values(&uniform, "optimizer.lr").iter().filter(|rate| rate.as_float().unwrap() < 0.25).count();
    assert!((180..=320).contains(&small), "{small}");
}

#[test]
fn whole_ends_give_whole_numbers_equally_often() {
    let text = "[sweep.model]\nn_layers = { from = 1, to = 4, draw = \"uniform\" }\nx = { from = 0.0, to = 1, draw = \"uniform\" }\n[study]\ndraws = 1000\n";
    let layers = values(text, "model.n_layers");
    for expected in 1..=4 {
        let n = layers.iter().filter(|n| n.as_integer() == Some(expected)).count();
        assert!((180..=320).contains(&n), "{n} of {expected}");
    }
}

#[test]
fn a_draw_depends_on_nothing_but_seed_key_and_number() {
    let alone = values(RATES, "optimizer.lr");
    let beside = RATES.replace(
        "[study]",
        "weight_decay = { from = 0.0, to = 1.0, draw = \"uniform\" }\n[sweep.model]\nn_heads = [1, 2]\n[study]",
    );
    let crossed = values(&beside, "optimizer.lr");
    assert_eq!(crossed.iter().step_by(2).cloned().collect::<Vec<_>>(), alone);
    assert_eq!(crossed.iter().skip(1).step_by(2).cloned().collect::<Vec<_>>(), alone);
    // More draws go on after the first ones.
    let more = values(&RATES.replace("1000", "1200"), "optimizer.lr");
    assert_eq!(more[..alone.len()], alone);
    assert_ne!(values(&format!("{RATES}draw_seed = 1\n"), "optimizer.lr"), alone);
    assert_ne!(values(&RATES.replace("lr =", "weight_decay ="), "optimizer.weight_decay"), alone);
}

#[test]
fn the_first_draws_are_these() {
    // Recorded once, and computed again in Python: on another machine, and in a year, they are the same.
    let text = "[sweep]\nlr = { from = 1e-4, to = 1.0, draw = \"log\" }\nn = { from = 1, to = 64, draw = \"uniform\" }\n\
                score = { draw = [\"dot\", \"additive\"] }\n[study]\ndraws = 3\ndraw_seed = 7\n";
    let of =
        |run: &Combination| run.settings().iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>();
    assert_eq!(runs(text).iter().map(of).collect::<Vec<_>>(), RECORDED);
}

const RECORDED: [[&str; 3]; 3] =
    [["0.0715807", "5", "\"dot\""], ["0.501673", "17", "\"additive\""], ["0.000759937", "17", "\"dot\""]];

#[test]
fn a_case_without_a_drawn_key_is_not_repeated() {
    let text = "[[case]]\nmodel.score = \"additive\"\n[[case]]\noptimizer.lr = { from = 0.1, to = 1.0, draw = \"log\" }\n[study]\ndraws = 5\n";
    assert_eq!(runs(text).len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn every_draw_lies_in_its_range(from in -1e6_f64..1e6, width in 0.0_f64..1e6, seed in 0_i64..i64::MAX) {
        let to = from + width;
        let text = format!("[sweep]\nx = {{ from = {from:?}, to = {to:?}, draw = \"uniform\" }}\n[study]\ndraws = 20\ndraw_seed = {seed}\n");
        for value in values(&text, "x") {
            prop_assert!((from..=to).contains(&value.as_float().unwrap()));
        }
    }
}
