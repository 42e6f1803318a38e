//! Texts that go on.

use std::collections::BTreeSet;

use super::{prompted, refuses, run_of_a_text, sample};

#[test]
fn without_a_beginning_the_sample_of_the_end_of_the_training_comes_again() {
    let sandbox = run_of_a_text();
    let done = sandbox.metrics("run").pop().unwrap();
    let at_the_end = done["sample"].as_str().unwrap();
    assert_eq!(sample(&sandbox, "run", ""), format!("{at_the_end}\n"));
    assert_eq!(sample(&sandbox, "run --seed 3", ""), format!("{at_the_end}\n"));
    assert_ne!(sample(&sandbox, "run --seed 4", ""), format!("{at_the_end}\n"));
}

#[test]
fn a_text_goes_on_behind_its_beginning_by_as_many_tokens_as_are_asked_for() {
    let sandbox = run_of_a_text();
    for (options, n_tokens) in [("", 200), ("--tokens 7", 7), ("--tokens 300 --threads 1", 300)] {
        let text = sample(&sandbox, &format!("run {options}"), "to be");
        let rest = text.strip_prefix("to be").unwrap().strip_suffix('\n').unwrap();
        assert_eq!(rest.chars().count(), n_tokens, "{text}");
    }
    // A label stands for its character, and what is longer than the model sees is a beginning, too.
    let line_end = sample(&sandbox, "run --tokens 1", "to be\\n");
    assert!(line_end.starts_with("to be\n"), "{line_end}");
    let long = "to be or to bate\n".repeat(3);
    assert!(sample(&sandbox, "run", &long).starts_with(&long));
}

#[test]
fn samples_differ_and_the_first_of_them_is_the_same_as_one_alone() {
    let sandbox = run_of_a_text();
    let text = sample(&sandbox, "run --n 3 --tokens 20", "be");
    let texts: Vec<&str> = text.strip_suffix('\n').unwrap().split("\n---\n").collect();
    assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), 3, "{text}");
    assert_eq!(sample(&sandbox, "run --tokens 20", "be"), format!("{}\n", texts[0]));
    assert_eq!(sample(&sandbox, "run --n 3 --tokens 20", "be"), text);
}

#[test]
fn at_a_temperature_of_zero_nothing_is_left_to_chance_and_said_where_more_is_asked_for() {
    let sandbox = run_of_a_text();
    let coldest = sample(&sandbox, "run --temperature 0", "to");
    for options in ["--temperature 0 --seed 8", "--top-k 1", "--top-k 1 --temperature 9 --seed 8"] {
        assert_eq!(sample(&sandbox, &format!("run {options}"), "to"), coldest, "{options}");
    }
    assert_ne!(sample(&sandbox, "run --temperature 9", "to"), coldest);
    let several = prompted(&sandbox, "run --temperature 0 --n 2", "to");
    assert_eq!(several.stdout, format!("{coldest}---\n{coldest}"));
    assert_eq!(
        several.stderr,
        "at a temperature of 0 all samples are the same; --temperature 1 draws different ones\n"
    );
}

#[test]
fn a_text_in_json_has_its_tokens_and_how_likely_the_model_takes_them_to_be() {
    let sandbox = run_of_a_text();
    let events = prompted(&sandbox, "run --n 2 --tokens 30 --top-k 3 --json", "to be").events();
    assert_eq!(events.len(), 2);
    for (index, event) in events.iter().enumerate() {
        assert_eq!((&event["event"], &event["step"]), (&"sample".into(), &2.into()), "{event}");
        assert_eq!((&event["prompt"], &event["sample"]), (&"to be".into(), &index.into()), "{event}");
        let tokens = event["tokens"].as_array().unwrap();
        let read = |label: &str| label.replace('␣', " ").replace("\\n", "\n");
        let text: String = tokens.iter().map(|label| read(label.as_str().unwrap())).collect();
        assert_eq!((event["answer"].as_str(), tokens.len()), (Some(text.as_str()), 30), "{event}");
        let p: Vec<f64> =
            event["probabilities"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect();
        assert!(p.len() == 30 && p.iter().all(|p| (0.0..1.0).contains(p)), "{event}");
        let sum: f64 = p.iter().map(|p| p.ln()).sum();
        assert!((event["log_probability"].as_f64().unwrap() - sum).abs() < 1e-9, "{event}");
    }
    assert_ne!(events[0]["answer"], events[1]["answer"]);
    let text = sample(&sandbox, "run --tokens 30 --top-k 3", "to be");
    assert_eq!(text, format!("to be{}\n", events[0]["answer"].as_str().unwrap()));
}

#[test]
fn characters_that_the_text_of_the_run_lacks_are_named_with_their_places() {
    let sandbox = run_of_a_text();
    let unknown = "no `,` (character 6), `O` (character 8), `'` (character 13)";
    let known = "it has \\n ␣ a b e o r t, where ␣ is a space";
    refuses(&sandbox, "run", "to be, Or, O'", &["the task `chars` has ", unknown, known]);
}
