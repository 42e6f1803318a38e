//! A run keeps the labels that its tokens had: an older version called the symbols of `reverse` by numbers.

use std::path::Path;

use crate::support::sandbox::{Sandbox, tree_of};

/// A run of an older version, `reverse` of 5 symbols of 6, stopped in the middle.
const OLD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/durability/data/run-without-manifests");

/// The command that wrote it, without where it writes.
const LINE: &str = "train reverse --steps 120 --quiet --set model.d_model=8 --set model.n_heads=2 \
    --set model.dropout=0.1 --set task.seq_len=5 --set task.n_symbols=6 --set optimizer.lr=2e-2 \
    --set schedule.warmup_steps=10 --set train.batch_size=32 --set train.eval_every=20 --set train.eval_examples=200 \
    --set train.checkpoint_every=60 --set train.snapshot_every=60";

const NUMBERS: &str = "2 0 1 5 1";
const LETTERS: &str = "C A B F B";

fn sandbox_with_the_old_run() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.place("old", &tree_of(Path::new(OLD)));
    sandbox
}

/// The walk through an input shows it as it was typed.
#[track_caller]
fn is_read(sandbox: &Sandbox, run: &str, input: &str) {
    let mut command = sandbox.command(&format!("explain {run}"));
    let walk = String::from_utf8(command.arg(input).output().unwrap().stdout).unwrap();
    assert!(walk.contains(&format!("\ninput      {input}\n")), "{walk}");
}

#[track_caller]
fn is_refused(sandbox: &Sandbox, run: &str, input: &str, labels: &str) {
    let mut command = sandbox.command(&format!("explain {run}"));
    command.arg(input);
    sandbox.is_refused(command, &[&format!("the labels are {labels}")]);
}

/// The vocabulary of a checkpoint, and the tokens of the first probe of a frame.
fn written(sandbox: &Sandbox, run: &str) -> [String; 2] {
    let config = sandbox.read_text(&format!("{run}/checkpoints/step-00000120/config.json"));
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let vocabulary: Vec<&str> =
        config["vocabulary"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
    let frame = sandbox.read(&format!("{run}/snapshots/step-00000120.safetensors"));
    let header = String::from_utf8_lossy(&frame);
    let (_, tokens) = header.split_once("\\\"tokens\\\":[").unwrap();
    let (tokens, _) = tokens.split_once(']').unwrap();
    [vocabulary.join(" "), tokens.replace("\\\"", "").replace(',', " ")]
}

#[test]
fn an_old_run_keeps_its_labels_and_a_new_one_has_letters() {
    let sandbox = sandbox_with_the_old_run();
    is_read(&sandbox, "old", NUMBERS);
    is_refused(&sandbox, "old", LETTERS, "0 1 2 3 4 5");
    // By its folder, and by the command that began it.
    sandbox.place("again", &tree_of(Path::new(OLD)));
    sandbox.succeeds("train old --resume --quiet");
    sandbox.succeeds(&format!("{LINE} --out again --resume"));
    sandbox.succeeds(&format!("{LINE} --out new"));
    for run in ["old", "again"] {
        assert_eq!(written(&sandbox, run), ["0 1 2 3 4 5".to_owned(), NUMBERS.to_owned()]);
        is_read(&sandbox, run, NUMBERS);
    }
    assert_eq!(written(&sandbox, "new"), ["A B C D E F".to_owned(), LETTERS.to_owned()]);
    is_read(&sandbox, "new", LETTERS);
    is_refused(&sandbox, "new", NUMBERS, "A B C D E F");
    let checkpoint = "old/checkpoints/step-00000120";
    is_read(&sandbox, checkpoint, NUMBERS);
    sandbox.place("alone", &sandbox.tree(checkpoint));
    is_read(&sandbox, "alone", NUMBERS);
}

#[test]
fn a_run_that_begins_with_an_old_one_has_letters() {
    let sandbox = sandbox_with_the_old_run();
    sandbox.succeeds(&format!("{LINE} --init-from old --out weights"));
    sandbox.succeeds("train old --branch state --quiet");
    // Other settings of the task leave its symbols what they are.
    let longer = LINE.replace("task.seq_len=5", "task.seq_len=9");
    sandbox.succeeds(&format!("{longer} --init-from old --out longer"));
    assert_eq!(written(&sandbox, "longer")[0], "A B C D E F");
    for run in ["weights", "state"] {
        assert_eq!(written(&sandbox, run)[0], "A B C D E F");
        is_read(&sandbox, run, LETTERS);
    }
}

#[test]
fn labels_that_are_not_the_numbers_of_their_tokens_are_another_vocabulary() {
    let sandbox = sandbox_with_the_old_run();
    let config = "old/checkpoints/step-00000060/config.json";
    let text = sandbox.read_text(config);
    let swapped = text.replace("\"0\"", "\"first\"").replace("\"1\"", "\"0\"").replace("\"first\"", "\"1\"");
    assert_ne!(text, swapped);
    sandbox.write(config, swapped);
    sandbox.refuses(
        &format!("{LINE} --init-from old --out new"),
        &["another vocabulary: token 0 is `1` there and `A` here", "take the same task"],
    );
}

#[test]
fn a_run_whose_checkpoints_have_no_labels_keeps_those_of_its_film() {
    let sandbox = sandbox_with_the_old_run();
    for step in ["step-00000000", "step-00000060"] {
        let config = format!("old/checkpoints/{step}/config.json");
        let mut json: serde_json::Value = serde_json::from_str(&sandbox.read_text(&config)).unwrap();
        assert!(json.as_object_mut().unwrap().remove("vocabulary").is_some());
        sandbox.write(&config, json.to_string());
    }
    is_read(&sandbox, "old", NUMBERS);
    sandbox.succeeds("train old --resume --quiet");
    assert_eq!(written(&sandbox, "old"), ["0 1 2 3 4 5".to_owned(), NUMBERS.to_owned()]);
}
