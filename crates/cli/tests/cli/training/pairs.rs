//! Pairs of texts, from the command line.

use crate::support::sandbox::Sandbox;

const FAST: &str = "--set train.batch_size=4 --set train.eval_examples=10 --set model.d_model=8 --set model.d_mlp=8 \
                    --set model.n_heads=1";

/// Twenty pairs of a source and its target.
fn pairs() -> String {
    (0..20).map(|n| format!("quelle {n}\tthe source number {n}\n")).collect()
}

#[test]
fn a_file_of_pairs_is_trained_on_measured_and_found_again_where_it_was_moved() {
    let sandbox = Sandbox::new();
    sandbox.write("pairs.tsv", pairs());
    let metrics = "--set train.metrics=['accuracy','sequence-accuracy','bleu']";
    let line = format!("train translate --set task.pairs=pairs.tsv --steps 2 --out run {FAST} {metrics}");
    let run = sandbox.succeeds(&line);
    assert!(run.stdout.contains("translate 20 pairs of pairs.tsv"), "{run:#?}");
    let events = sandbox.metrics("run");
    assert!(events.last().unwrap()["metrics"]["bleu"].is_number(), "{events:?}");
    std::fs::rename(sandbox.path("pairs.tsv"), sandbox.path("moved.tsv")).unwrap();
    let moved = "if the file was moved, name where it is now with --set task.pairs=FILE";
    sandbox.refuses("eval run", &["cannot read the pairs", "pairs.tsv", moved]);
    let eval = sandbox.succeeds("eval run --set task.pairs=moved.tsv");
    assert!(eval.stdout.contains("test examples, step 2"), "{eval:#?}");
    sandbox.write("other.tsv", pairs().replace("the", "a"));
    sandbox.refuses("eval run --set task.pairs=other.tsv", &["has changed", "the text of fingerprint"]);
    sandbox.succeeds("inspect run --set task.pairs=moved.tsv");
}

#[test]
fn a_wrong_file_of_pairs_is_refused_with_the_number_of_the_line() {
    let cases: [(&[u8], &str); 5] = [
        (b"a\tb\nc d\n", "has no tab in line 2"),
        (b"", "has no pairs"),
        (b"a\tb\nc\td\n\xff\te\n", "is not UTF-8 in line 3"),
        (b"a\tb\n", "has 1 different source"),
        (b"a\tb\nc\td\te\n", "has 3 columns in line 2"),
    ];
    for (bytes, message) in cases {
        let sandbox = Sandbox::new();
        sandbox.write("pairs.tsv", bytes);
        sandbox.refuses("train translate --set task.pairs=pairs.tsv", &["pairs.tsv", message]);
    }
}
