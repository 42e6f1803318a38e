//! Answers to sources and to inputs.

use super::{prompted, refuses, run_of_dates, sample};
use crate::support::sandbox::Sandbox;
use crate::support::trained::sandbox_with_the_main_job;

#[test]
fn an_input_is_answered_as_it_was_learned() {
    let sandbox = sandbox_with_the_main_job();
    for prompt in ["A B C D E F G H I J A B C D E F", "ABCDEFGHIJABCDEF"] {
        assert_eq!(sample(&sandbox, "run", prompt), "F E D C B A J I H G F E D C B A\n");
    }
    let drawn = sample(&sandbox, "run --temperature 30 --n 2", "ABCDEFGHIJABCDEF");
    let rows: Vec<&str> = drawn.lines().collect();
    assert!(rows.len() == 2 && rows[0] != rows[1], "{drawn}");
    let event = prompted(&sandbox, "run --json", "ABCDEFGHIJABCDEF").events().remove(0);
    assert_eq!(event["answer"], "F E D C B A J I H G F E D C B A");
    assert_eq!(event["tokens"].as_array().unwrap()[0], "F");
    let probabilities = event["probabilities"].as_array().unwrap();
    assert!(probabilities.len() == 16 && probabilities.iter().all(|p| p.as_f64().unwrap() > 0.9), "{event}");
    // Before the training it was not.
    assert_ne!(sample(&sandbox, "run --step 0", "ABCDEFGHIJABCDEF"), "F E D C B A J I H G F E D C B A\n");
}

#[test]
fn an_answer_that_is_written_into_its_input_may_be_left_to_the_model() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train sort --steps 1 --set train.eval_examples=20 --quiet --out run");
    let answer = sample(&sandbox, "run", "2 1 0 0 2 1");
    let given: Vec<&str> = answer.split_whitespace().collect();
    assert_eq!(given.len(), 6, "{answer}");
    // It is the same where it stands in the input.
    let whole = format!("2 1 0 0 2 1 {}", given[..5].join(" "));
    assert_eq!(sample(&sandbox, "run", &whole), answer);
    refuses(&sandbox, "run", "2 1 0 0 2", &["must have 6 to 11 labels", "`sort`", "got 5 labels"]);
    refuses(&sandbox, "run", "2 1 0 0 7 1", &["`7`, position 5, is no label", "the labels are 0 1 2"]);
}

#[test]
fn labels_that_share_a_position_have_one_answer() {
    let sandbox = Sandbox::new();
    sandbox.succeeds("train recall --steps 1 --set train.eval_examples=20 --quiet --out run");
    let answer = sample(&sandbox, "run", "a0 b1 c2 d3 e4 f5 F· A· B· C· D· E·");
    assert_eq!(answer.split_whitespace().count(), 6, "{answer}");
}

#[test]
fn a_source_has_an_answer_in_one_line() {
    let sandbox = run_of_dates();
    let answer = sample(&sandbox, "run", "3 March 1987");
    assert_eq!(answer.lines().count(), 1, "{answer}");
    assert_eq!(sample(&sandbox, "run --seed 5 --top-k 3", "3 March 1987"), answer);
    let drawn = sample(&sandbox, "run --n 40 --temperature 1", "3 March 1987");
    assert_eq!(drawn.lines().count(), 40);
    let alone = sample(&sandbox, "run --temperature 1", "3 March 1987");
    assert_eq!(alone, format!("{}\n", drawn.lines().next().unwrap()));
    assert!(drawn.lines().any(|line| line != drawn.lines().next().unwrap()), "{drawn}");

    let events = prompted(&sandbox, "run --n 40 --temperature 1 --json", "3 March 1987").events();
    for (event, line) in events.iter().zip(drawn.lines()) {
        assert_eq!(event["answer"], line, "{event}");
        let tokens: Vec<&str> =
            event["tokens"].as_array().unwrap().iter().map(|label| label.as_str().unwrap()).collect();
        let has_end = tokens.last() == Some(&"⊣");
        assert!(has_end || tokens.len() == 11, "neither an end nor without room: {event}");
        assert_eq!(event["probabilities"].as_array().unwrap().len(), tokens.len(), "{event}");
    }
    assert_eq!(events.iter().map(|event| event["sample"].as_u64().unwrap()).max(), Some(39));
}

#[test]
fn a_source_that_cannot_be_read_is_refused_with_the_place() {
    let sandbox = run_of_dates();
    let known = "it has ␣ , - . / 0 1 2 3 4 5 6 7 8 9 A D";
    refuses(&sandbox, "run", "3 Märch 1987", &["lacks `ä` (character 4)", known]);
    refuses(&sandbox, "run", &"3".repeat(29), &["at most 28 tokens, got 29"]);
}

#[test]
fn words_of_which_the_vocabulary_has_none_become_unknown_and_are_named() {
    let sandbox = Sandbox::new();
    let pairs: String = (0..20).map(|n| format!("quelle {n}\tthe source number {n}\n")).collect();
    sandbox.write("pairs.tsv", pairs);
    sandbox.succeeds(
        "train translate --set task.pairs=pairs.tsv --set task.level=word --set model.d_model=8 --set model.d_mlp=8 \
         --set model.n_heads=1 --set train.batch_size=4 --set train.eval_examples=4 --steps 2 --quiet --out run",
    );
    assert_eq!(sample(&sandbox, "run", "quelle").lines().count(), 1);
    let run = prompted(&sandbox, "run", "die quelle");
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 1), "{run:#?}");
    assert_eq!(run.stderr, "the vocabulary lacks `die` (word 1): <unk> stands for it\n");
    let run = super::piped(&sandbox, "run --json", "quelle\nder die\n".as_bytes());
    assert_eq!(run.events()[1]["prompt"], "der die");
    let both = "line 2: the vocabulary lacks `der` (word 1), `die` (word 2): <unk> stands for them\n";
    assert_eq!(run.stderr, both);
}

#[test]
fn options_without_a_meaning_for_the_task_are_refused() {
    let sandbox = sandbox_with_the_main_job();
    refuses(&sandbox, "run --tokens 5", "ABCD", &["--tokens is for a text that goes on", "`reverse`"]);
}
