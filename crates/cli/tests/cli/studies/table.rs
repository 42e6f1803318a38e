//! What a terminal shows while a study is trained.

use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

#[test]
fn a_terminal_shows_where_every_run_stands_and_in_the_end_the_results_alone() {
    let sandbox = Sandbox::new();
    let study = "task = { name = \"reverse\", seq_len = 4 }\ntrain = { steps = 4000, eval_examples = 10 }\n[sweep]\nseed = [0, 1, 2]\n";
    sandbox.write("study.toml", study);
    let mut pty = Pty::start(&sandbox, "sweep study.toml --jobs 2");
    pty.wait_for("0 done, 2 running, 1 waiting, about ");
    pty.wait_until("a line for each of two runs", |screen| {
        screen.matches("/4000  loss ").count() == 2
            && ["seed=0", "seed=1"].iter().all(|seed| screen.contains(seed))
    });
    assert_eq!(pty.wait_for_the_end(), Some(0));
    let text = pty.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    assert!(lines.len() == 3 && lines.iter().all(|line| line.contains("/3  accuracy ")), "{text}");
}
