//! The lines of a training that no terminal shows.

use crate::support::sandbox::Sandbox;

#[test]
fn an_evaluation_has_one_line_with_its_step_and_no_line_is_wider_than_80_columns() {
    let sandbox = Sandbox::new();
    let settings = "--set task.seq_len=4 --set train.eval_every=2 --set train.eval_examples=8";
    let run = sandbox.succeeds(&format!("train reverse --steps 5 --out run {settings}"));
    let lines: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("step ")).collect();
    // An evaluation has one line, between those of the steps before and after it.
    let held_out: Vec<bool> = lines.iter().map(|line| line.contains("held-out")).collect();
    assert_eq!(held_out, [false, false, true, false, false, true, false], "{lines:#?}");
    assert!(lines.iter().zip(&held_out).all(|(line, held_out)| line.contains(" tokens/s") != *held_out));
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{lines:#?}");
    let evaluated = sandbox.metrics("run").into_iter().find(|event| event["event"] == "eval").unwrap();
    let loss =
        format!("step      2  held-out loss {:.4}  sequence accuracy ", evaluated["loss"].as_f64().unwrap());
    assert!(lines[2].contains(&loss), "no `{loss}` in {lines:#?}");
}
