//! What `ablate` lists.

use std::collections::BTreeSet;

use crate::support::sandbox::Sandbox;
use crate::support::trained::{TINY_PAIR, sandbox_with_the_main_job};

#[test]
fn every_part_of_the_one_head_carries_the_task() {
    let sandbox = sandbox_with_the_main_job();
    let before = sandbox.tree(".");
    let run = sandbox.succeeds("ablate run --examples 300 --threads 1");
    let mut lines = run.stdout.lines();
    let first = format!("{}\n{}", lines.next().unwrap(), lines.next().unwrap());
    for text in ["accuracy 1.0000", "on 300 test examples", "step 500", "before anything is set to zero"] {
        assert!(first.contains(text), "no `{text}` in {first}");
    }
    let rows = lines.skip(2).take_while(|line| !line.is_empty());
    let rows: Vec<Vec<&str>> = rows.map(|line| line.split_whitespace().collect()).collect();
    // Without values the context is zero, as without the head; without queries or keys all scores are.
    let mut parts: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row[2..row.len() - 2].iter().copied().filter(|word| *word != "or").collect())
        .collect();
    parts.iter_mut().for_each(|parts: &mut Vec<&str>| parts.sort_unstable());
    parts.sort_unstable();
    assert_eq!(parts, [["head", "values"], ["keys", "queries"]]);
    for why in ["without values a head brings nothing", "without queries or keys, all of their products"] {
        assert!(run.stdout.contains(why), "no `{why}` in {}", run.stdout);
    }
    let number = |row: &[&str], from_end: usize| row[row.len() - from_end].parse::<f64>().unwrap();
    let losses: Vec<f64> = rows.iter().map(|row| number(row, 2)).collect();
    assert!(losses.is_sorted_by(|a, b| a >= b) && losses[1] > 1.0, "{losses:?}");
    for row in &rows {
        assert!((row[0], row[1]) == ("0", "0") && number(row, 1) < -0.5, "{row:?}");
    }
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    assert!(sandbox.tree(".") == before);
}

#[test]
fn shared_keys_and_values_name_all_heads_that_share_them() {
    let sandbox = sandbox_with_the_main_job();
    sandbox.succeeds(
        "train reverse --out grouped --set train.steps=2 --set model.n_heads=4 --set model.n_kv_heads=2",
    );
    let run = sandbox.succeeds("ablate grouped --examples 50 --mean");
    assert!(run.stdout.contains("before anything is replaced by its mean"), "{}", run.stdout);
    assert!(!run.stdout.contains("brings nothing") && !run.stdout.contains("products"), "{}", run.stdout);
    let mut rows: Vec<[&str; 2]> = run
        .stdout
        .lines()
        .skip(4)
        .take_while(|line| !line.is_empty())
        .flat_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let heads = words[1];
            let parts = words[2..words.len() - 2].iter().filter(|word| **word != "or");
            parts.map(|part| [*part, heads]).collect::<Vec<_>>()
        })
        .collect();
    rows.sort_unstable();
    let each = ["0", "1", "2", "3"];
    let heads = each.map(|head| ["head", head]);
    let queries = each.map(|head| ["queries", head]);
    let [keys, values] = ["keys", "values"].map(|what| ["0-1", "2-3"].map(|group| [what, group]));
    assert_eq!(rows, [&heads[..], &keys, &queries, &values].concat());

    for event in sandbox.succeeds("ablate grouped --examples 50 --json").events() {
        let heads: Vec<u64> =
            event["heads"].as_array().unwrap().iter().map(|head| head.as_u64().unwrap()).collect();
        match event["without"].as_str().unwrap() {
            "keys" | "values" => assert!([[0, 1], [2, 3]].contains(&[heads[0], heads[1]]), "{event}"),
            _ => assert!(heads.len() == 1 && heads[0] < 4, "{event}"),
        }
        assert_eq!(event["step"], 2);
    }
}

#[test]
fn its_events_hold_the_same_figures_and_those_of_eval() {
    let sandbox = sandbox_with_the_main_job();
    let eval = sandbox.succeeds("eval run --examples 300 --json").events().remove(0);
    let listed = |replacement: &str| {
        let mean = if replacement == "mean" { "--mean" } else { "" };
        let mut events = sandbox.succeeds(&format!("ablate run --examples 300 --json {mean}")).events();
        assert_eq!(events.len(), 4);
        for event in &events {
            assert_eq!((&event["event"], &event["replacement"]), (&"ablation".into(), &replacement.into()));
            assert_eq!(event["examples"], 300);
            for key in ["loss", "accuracy"] {
                let before = number(event, key) - number(event, &format!("{key}_change"));
                assert!((before - number(&eval, key)).abs() < 1e-5, "{event} and {eval}");
            }
        }
        events.sort_by_key(|event| event["without"].as_str().map(str::to_owned));
        events.into_iter().map(|event| number(&event, "loss_change")).collect::<Vec<_>>()
    };
    let (zero, mean) = (listed("zero"), listed("mean"));
    let [_head, keys, queries, values] = mean[..] else { unreachable!("four parts") };
    // Which symbol stands where is in the values; where to look hangs on the positions alone, and stays at the mean.
    assert!(values > 1.0 && keys < 0.1 && queries < 0.1, "{mean:?}");
    assert!(zero.iter().all(|change| *change > 1.0), "{zero:?}");
}

#[test]
fn the_layers_of_two_sequences_are_named() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("train {TINY_PAIR} --steps 1 --quiet --out run"));
    let text = sandbox.succeeds("ablate run --examples 20").stdout;
    let rows = text.lines().skip(4).take_while(|line| !line.is_empty());
    let layers: BTreeSet<&str> = rows.filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(layers, BTreeSet::from(["encoder.0", "decoder.0", "decoder.0.cross"]), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let events = sandbox.succeeds("ablate run --examples 20 --json").events();
    let place =
        |event: &serde_json::Value| (event["layer"].as_u64(), event["path"].as_str().map(str::to_owned));
    let places: BTreeSet<_> = events.iter().map(place).collect();
    let paths = ["encoder.0.attention", "decoder.0.attention", "decoder.0.cross.attention"];
    let expected = (0..).map(Some).zip(paths.map(|path| Some(path.to_owned())));
    assert_eq!(places, expected.collect());
}

fn number(event: &serde_json::Value, key: &str) -> f64 {
    event[key].as_f64().unwrap()
}

#[test]
fn no_examples_at_all_are_refused() {
    sandbox_with_the_main_job().refuses("ablate run --examples 0", &["'0'", "--examples", "at least 1"]);
}

#[test]
fn its_loss_is_that_of_the_training() {
    let sandbox = sandbox_with_the_main_job();
    for loss in ["label-smoothing", "mean-squared-error"] {
        sandbox.succeeds(&format!("train reverse --out {loss} --set train.steps=3 --set loss={loss}"));
        let evaluated = sandbox.succeeds(&format!("eval {loss} --examples 300 --json")).events();
        let ablated = sandbox.succeeds(&format!("ablate {loss} --examples 300 --json")).events();
        let number = |key: &str| ablated[0][key].as_f64().unwrap();
        let (before, expected) =
            (number("loss") - number("loss_change"), evaluated[0]["loss"].as_f64().unwrap());
        // The kernels of an evaluation and the reference implementation round in another order.
        assert!((before - expected).abs() < 1e-5 * expected, "{loss}: {before}, {expected}");
    }
}
