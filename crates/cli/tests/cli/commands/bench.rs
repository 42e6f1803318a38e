//! What `bench` prints and exports.

use safetensors::SafeTensors;

use crate::support::sandbox::Sandbox;

#[test]
fn a_workload_is_one_line_of_figures_that_fit_each_other() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeeds("bench --workload toy --threads 1 --json").events();
    let [line] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!(
        (&line["event"], &line["workload"], &line["threads"]),
        (&"bench".into(), &"toy".into(), &1.into())
    );
    let number = |key: &str| line[key].as_f64().unwrap_or_else(|| panic!("no number `{key}` in {line}"));
    let median = number("median_ms");
    assert!(number("min_ms") <= median && median < 1000.0, "{line}");
    let tokens = number("tokens_per_second") * median / 1e3;
    assert!((tokens - 64.0 * 16.0).abs() < 1e-6 * tokens, "{tokens} tokens in a step");
    assert!(number("gflops") > 0.0 && number("gemm_peak_gflops") > 0.0, "{line}");
    assert!(sandbox.tree(".").is_empty(), "nothing is written");
}

#[test]
fn the_two_forms_of_a_score_are_one_function() {
    let sandbox = Sandbox::new();
    let [prepared, plain] = ["prepared", "plain"].map(|form| {
        sandbox.succeeds(&format!("bench --workload score-{form} --export {form}.safetensors"));
        let bytes = sandbox.read(&format!("{form}.safetensors"));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let losses = serde_json::from_str(&header.metadata().as_ref().unwrap()["losses"]).unwrap();
        (bytes, losses)
    });
    let of = |(bytes, losses): &(Vec<u8>, Vec<f64>)| {
        let file = SafeTensors::deserialize(bytes).unwrap();
        assert_eq!(file.tensor("blocks.1.attention.score.t").unwrap().shape(), [4]);
        assert_eq!(file.tensor("tokens").unwrap().shape()[1..], [16, 256]);
        (file.tensor("blocks.0.attention.w_q").unwrap().data().to_vec(), losses.clone())
    };
    let ((w_q, losses), (w_q_of_plain, losses_of_plain)) = (of(&prepared), of(&plain));
    assert!(w_q == w_q_of_plain, "they start alike");
    for (loss, of_plain) in losses.iter().zip(&losses_of_plain) {
        // Single precision, after up to five steps of AdamW.
        assert!((loss - of_plain).abs() < 1e-4, "{losses:?} and {losses_of_plain:?}");
    }
}

#[test]
fn several_workloads_are_a_line_each() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeeds("bench --workload long-64 --workload toy --json").events();
    let names: Vec<&str> = lines.iter().map(|line| line["workload"].as_str().unwrap()).collect();
    assert_eq!(names, ["long-64", "toy"]);
}

#[test]
fn a_model_that_keeps_what_it_has_read_does_a_fraction_of_the_work() {
    let sandbox = Sandbox::new();
    let lines = sandbox.succeeds("bench --workload write-small --workload write-small-whole --json").events();
    let work = |at: usize| {
        let number = |key: &str| lines[at][key].as_f64().unwrap();
        let seconds = number("median_ms") / 1e3;
        assert!((number("tokens_per_second") * seconds - 256.0).abs() < 1e-6);
        number("gflops") * seconds
    };
    let (kept, whole) = (work(0), work(1));
    // On average there are 128 positions to compute.
    assert!((100.0..140.0).contains(&(whole / kept)), "{lines:?}");
    sandbox
        .refuses("bench --workload write-lm --export e.safetensors", &["--export has no form for a model"]);
    assert!(sandbox.tree(".").is_empty(), "nothing is written");
}

#[test]
fn an_export_has_parameters_batches_and_the_first_losses() {
    let sandbox = Sandbox::new();
    let export = |threads: u32| {
        sandbox
            .succeeds(&format!("bench --workload small --threads {threads} --export {threads}.safetensors"));
        std::fs::read(sandbox.path(&format!("{threads}.safetensors"))).unwrap()
    };
    let bytes = export(1);
    assert_eq!(bytes, export(2), "the same on any number of threads");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("blocks.1.attention.w_q").unwrap().shape(), [64, 64]);
    assert_eq!(file.tensor("tokens").unwrap().shape()[1..], [64, 64]);
    assert_eq!(file.tensor("tokens").unwrap().shape(), file.tensor("targets").unwrap().shape());
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let losses: Vec<f64> = serde_json::from_str(&header.metadata().as_ref().unwrap()["losses"]).unwrap();
    assert_eq!(losses.len(), 5);
    // Random answers out of 64: the logarithm of 64, and a little more from untrained weights.
    assert!((losses[0] - 64_f64.ln()).abs() < 1.0, "{losses:?}");
}

#[test]
fn wrong_requests_are_refused() {
    let check = |line: &str, fragment: &str| Sandbox::new().refuses(line, &[fragment]);
    check(
        "bench --workload tiny",
        "unknown workload `tiny`; there is toy, reverse, small, char, lm, long-4096, long-16384, score-prepared, \
         score-plain, write-small, write-small-whole, write-lm, write-lm-whole, and long-T for any T",
    );
    check("bench --workload long-0", "unknown workload `long-0`");
    check("bench --export all.safetensors", "name it with --workload NAME");
    check("bench --workload toy --threads 0", "--threads must be between 1 and 1024, got 0");
}

#[test]
fn an_export_replaces_an_export_and_nothing_else() {
    let sandbox = Sandbox::new();
    for workload in ["toy", "long-64"] {
        for _ in 0..2 {
            sandbox.succeeds(&format!("bench --workload {workload} --export export.safetensors"));
        }
    }
    sandbox.write("mine.safetensors", "mine");
    let refused = "--export mine.safetensors has something else than an export in it";
    sandbox.refuses("bench --workload toy --export mine.safetensors", &[refused]);
}
