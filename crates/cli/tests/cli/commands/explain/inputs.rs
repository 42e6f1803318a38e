//! What `explain` takes as an input.

use super::{explain, line};
use crate::support::sandbox::Sandbox;
use crate::support::trained::sandbox_with_the_main_job;

#[test]
fn without_an_input_a_test_example_is_explained() {
    let sandbox = sandbox_with_the_main_job();
    let text = sandbox.succeeds("explain run").stdout;
    assert!(line(&text, "the query is").contains("position 0"), "{text}");
    assert!(line(&text, "the prediction is").ends_with("which is right"), "{text}");
}

#[test]
fn labels_that_share_a_position_are_read_side_by_side() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train recall --steps 1 --quiet --out run");
    let input = "a0 b1 c2 d3 e4 f5 F· A· B· C· D· E·";
    let text = explain(&sandbox, "run --query 8", input);
    assert!(line(&text, "input").ends_with(input), "{text}");
    assert!(line(&text, "the query is").ends_with("position 8, where `B·` stands"), "{text}");
    // B asks for b, which stood with 1.
    let verdict = line(&text, "the prediction is");
    assert!(verdict.ends_with("the target is `1`") || verdict.ends_with("`1`, which is right"), "{verdict}");
    let first_asked = explain(&sandbox, "run", input);
    assert!(line(&first_asked, "the query is").contains("position 6"), "{first_asked}");
    let unasked = explain(&sandbox, "run --query 2", input);
    assert!(unasked.ends_with("this position has no target\n"), "{unasked}");
    let mut command = sandbox.command("explain run");
    command.arg("a b1 c2 d3 e4 f5 F· A· B· C· D· E·");
    sandbox.is_refused(command, &["`a`", "2 labels side by side"]);
    let length = "must have 12 positions of 2 labels side by side, separated by spaces";
    sandbox.refuses("explain run abc", &[length, "got 1 position"]);
}

/// A run of a text of the characters a, b, e, o, r, t, a space and a line end.
fn run_of_a_text() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", "to be or to bate\n".repeat(20));
    sandbox.succeeds(
        "train chars --set task.text=text.txt --set task.seq_len=12 --set model.d_model=16 --set model.n_heads=1 \
         --set train.batch_size=4 --set train.eval_examples=4 --steps 2 --quiet --out run",
    );
    sandbox
}

#[test]
fn the_walk_of_a_causal_model_is_that_of_the_last_query() {
    let sandbox = run_of_a_text();
    // The last of twelve positions has no target.
    let text = sandbox.succeeds("explain run").stdout;
    assert!(line(&text, "the query is").contains("position 10,"), "{text}");
    assert_eq!(text.lines().filter(|line| line.ends_with("hidden")).count(), 1, "{text}");
    sandbox.succeeds("train copy --steps 1 --quiet --out copy --set task.len=3");
    let text = sandbox.succeeds("explain copy").stdout;
    assert!(line(&text, "the query is").contains("position 4,"), "{text}");
}

#[test]
fn a_plain_text_is_an_input_where_each_label_is_a_character() {
    let sandbox = run_of_a_text();
    let text = explain(&sandbox, "run", "to be or");
    assert!(line(&text, "input").ends_with("t o ␣ b e ␣ o r"), "{text}");
    assert!(text.contains("\n           ␣ is a space\n"), "{text}");
    assert!(line(&text, "the query is").ends_with("position 7, where `r` stands"), "{text}");
    assert!(line(&text, "k_j ").contains("[8 × 16]"), "{text}");
    assert!(line(&text, "the prediction is").ends_with("and what follows is open"), "{text}");
    // A position before the end has the next character as its target.
    let before = explain(&sandbox, "run --query 2", "to be or");
    let verdict = line(&before, "the prediction is");
    assert!(verdict.contains("`b`"), "{verdict}");
    // What a causal model computes does not depend on what follows.
    let rows = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("k_") && !line.starts_with("k_j"))
            .take(4)
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_eq!(rows(&text), rows(&explain(&sandbox, "run", "to b")));
    // Labels mean their characters, and a whole input may be given as labels.
    let end = explain(&sandbox, "run", "o␣be\\n");
    assert!(line(&end, "input").ends_with("o ␣ b e \\n"), "{end}");
    let labels = explain(&sandbox, "run", "t o ␣ b e ␣ o r ␣ t o ␣");
    assert_eq!(labels, explain(&sandbox, "run", "to be or to "));
    assert!(!explain(&sandbox, "run", "tobe").contains("is a space"));
    // A row that was shown is the input that it shows, whatever its length.
    for text in ["to be or", "t", "to", "o be\n", " be"] {
        let shown = explain(&sandbox, "run", text);
        let row = line(&shown, "input").split_once("input").unwrap().1.trim();
        assert_eq!(explain(&sandbox, "run", row), shown, "{row}");
    }

    let sandbox = sandbox_with_the_main_job();
    let letters = explain(&sandbox, "run", "ABCDEFGHIJABCDEF");
    assert_eq!(letters, explain(&sandbox, "run", "A B C D E F G H I J A B C D E F"));
}

#[test]
fn a_text_that_is_no_input_is_refused_with_what_there_is() {
    let sandbox = run_of_a_text();
    for (text, fragments) in [
        (
            "to be, Or",
            &[
                "no `,` (character 6), `O` (character 8)",
                "\\n ␣ a b e o r t",
                "␣ is a space, which is typed as it is",
            ][..],
        ),
        ("to be or to be", &["must have 1 to 12 characters", "got 14 characters"]),
        ("", &["must have 1 to 12 characters", "got 0 characters"]),
    ] {
        let mut command = sandbox.command("explain run");
        command.arg(text);
        sandbox.is_refused(command, fragments);
    }
    let mut command = sandbox.command("explain run --query 8");
    command.arg("to be or");
    sandbox.is_refused(command, &["--query", "below 8", "got 8"]);
    let sandbox = sandbox_with_the_main_job();
    for (text, fragments) in [
        ("ABCD", ["must have 16 characters", "got 4 characters"]),
        ("ABCDEFGHIJABCDxF", ["no `x` (character 15)", "A B C D E F G H I J"]),
    ] {
        let mut command = sandbox.command("explain run");
        command.arg(text);
        sandbox.is_refused(command, &fragments);
    }
}
