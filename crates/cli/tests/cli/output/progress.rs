//! The lines of a training that no terminal shows.

use crate::support::sandbox::Sandbox;

#[test]
fn a_line_of_progress_has_the_held_out_loss_with_its_step_once_and_a_rate_that_can_be_read() {
    let sandbox = Sandbox::new();
    let settings = "--set task.seq_len=4 --set train.eval_every=2 --set train.eval_examples=8";
    let run = sandbox.succeeds(&format!("train reverse --steps 5 --out run {settings}"));
    let lines: Vec<&str> = run.stdout.lines().filter(|line| line.starts_with("step ")).collect();
    assert_eq!(lines.len(), 5, "{run:#?}");
    assert!(lines.iter().all(|line| line.contains(" tokens/s")), "{lines:#?}");
    // An evaluation stands in the line after it, and in no other.
    let held_out: Vec<bool> = lines.iter().map(|line| line.contains("held-out")).collect();
    assert_eq!(held_out, [false, false, true, false, true], "{lines:#?}");
    let evaluated = sandbox.metrics("run").into_iter().find(|event| event["event"] == "eval").unwrap();
    let loss =
        format!("at step 2: held-out loss {:.4}  sequence accuracy ", evaluated["loss"].as_f64().unwrap());
    assert!(lines[2].contains(&loss), "no `{loss}` in {lines:#?}");
}
