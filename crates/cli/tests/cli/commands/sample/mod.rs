//! What a model writes to a prompt, by `sample`.

use std::io::Write;
use std::process::Stdio;

use crate::support::sandbox::{Finished, Sandbox};

/// Texts that go on.
mod texts;

/// Answers to sources and to inputs.
mod answers;

/// Prompts from standard input.
mod lines;

/// `sample` with a prompt, whatever it contains.
fn prompted(sandbox: &Sandbox, line: &str, prompt: &str) -> Finished {
    let mut command = sandbox.command(&format!("sample {line}"));
    command.args(["--prompt", prompt]).output().unwrap().into()
}

/// What it prints, if it has nothing to remark.
#[track_caller]
fn sample(sandbox: &Sandbox, line: &str, prompt: &str) -> String {
    let run = prompted(sandbox, line, prompt);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{line} {prompt}\n{run:#?}");
    run.stdout
}

/// The prompt must be refused.
#[track_caller]
fn refuses(sandbox: &Sandbox, line: &str, prompt: &str, fragments: &[&str]) {
    let mut command = sandbox.command(&format!("sample {line}"));
    command.args(["--prompt", prompt]);
    sandbox.is_refused(command, fragments);
}

/// `sample` with these bytes as its standard input.
fn piped(sandbox: &Sandbox, line: &str, input: &[u8]) -> Finished {
    let mut command = sandbox.command(&format!("sample {line}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read to the end closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

/// A run of a text of the characters a, b, e, o, r, t, a space and a line end.
fn run_of_a_text() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("text.txt", "to be or to bate\n".repeat(20));
    sandbox.succeeds(
        "train chars --set task.text=text.txt --set task.seq_len=12 --set model.d_model=16 --set model.n_heads=1 \
         --set train.batch_size=4 --set train.eval_examples=4 --steps 2 --seed 3 --quiet --out run",
    );
    sandbox
}

/// A run of dates that has learned next to nothing.
fn run_of_dates() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.succeeds(
        "train dates --set model.d_model=8 --set model.d_mlp=8 --set model.n_heads=1 --set train.batch_size=4 \
         --set train.eval_examples=4 --steps 2 --quiet --out run",
    );
    sandbox
}
