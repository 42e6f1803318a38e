//! Pairs of texts, from the command line.

use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;
use crate::support::trained::TINY_PAIR;

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
fn a_training_ends_with_the_alignment_of_a_pair_that_has_room() {
    let sandbox = Sandbox::new();
    let text =
        sandbox.succeeds(&format!("train {TINY_PAIR} --steps 1 --set model.n_heads=2 --out run")).stdout;
    let start =
        "one test pair: each row is a token of the answer as it is written,\neach column one of the source\n";
    let shown = text.split_once(start).unwrap_or_else(|| panic!("{text}")).1;
    for head in 0..2 {
        let title = format!("attention weights of decoder.0.cross, head {head}  (");
        let size =
            shown.lines().find_map(|line| line.strip_prefix(&title)).unwrap_or_else(|| panic!("{text}"));
        assert!(size.ends_with(" source across)"), "{text}");
    }
    assert!(!shown.contains("encoder") && !shown.contains('□') && shown.contains("⊣ "), "{text}");
    assert!(shown.contains("explain run --map\n"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn the_live_view_names_the_layers_and_begins_with_the_alignment() {
    let sandbox = Sandbox::new();
    let mut pty = Pty::start(&sandbox, &format!("train {TINY_PAIR} --steps 1000000 --out run --live"));
    pty.wait_for("decoder.0.cross  head 0 of 4  input 0 of 3");
    // The end of an answer is the last row.
    pty.wait_until("the words of both sides", |screen| screen.contains("⊣ ") && !screen.contains('□'));
    pty.press("l");
    pty.wait_for("encoder.0  head 0 of 4");
    pty.press("L");
    pty.press("L");
    pty.wait_for("decoder.0  head 0 of 4");
    pty.press("q");
    pty.ends_with(0);
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
