//! Prompts from standard input.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::{piped, run_of_a_text};
use crate::support::trained::sandbox_with_the_main_job;

const FORWARD: &str = "A B C D E F G H I J A B C D E F";
const BACKWARD: &str = "F E D C B A J I H G F E D C B A";

#[test]
fn every_line_is_answered_before_the_next_is_read() {
    let sandbox = sandbox_with_the_main_job();
    let mut command = sandbox.command("sample run");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for (prompt, expected) in [(FORWARD, BACKWARD), (BACKWARD, FORWARD), (FORWARD, BACKWARD)] {
        writeln!(input, "{prompt}").unwrap();
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        assert_eq!(answer, format!("{expected}\n"));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_last_line_needs_no_end_and_ends_of_other_systems_are_ends() {
    let sandbox = sandbox_with_the_main_job();
    let run = piped(&sandbox, "run", format!("{FORWARD}\r\n{BACKWARD}").as_bytes());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:#?}");
    assert_eq!(run.stdout, format!("{BACKWARD}\n{FORWARD}\n"));
    let nothing = piped(&sandbox, "run", b"");
    assert_eq!((nothing.code, nothing.stdout.as_str(), nothing.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_line_that_cannot_be_answered_is_named_after_the_answers_before_it() {
    let sandbox = sandbox_with_the_main_job();
    let wrong: [(Vec<u8>, &str); 4] = [
        (b"A B C".to_vec(), "the input must have 16 labels"),
        (b"ABCDEFGHIJABCDxF".to_vec(), "the task `reverse` has no `x` (character 15); it has A B C"),
        (b"AB\xff".to_vec(), "it is not UTF-8"),
        (vec![b'A'; (1 << 20) + 2], "it is longer than 1024 KiB"),
    ];
    for (line, message) in wrong {
        let input = [FORWARD.as_bytes(), b"\n", &line, b"\n", FORWARD.as_bytes(), b"\n"].concat();
        let run = piped(&sandbox, "run", &input);
        assert_eq!((run.code, run.stdout), (Some(2), format!("{BACKWARD}\n")));
        assert!(run.stderr.starts_with("error: line 2 of standard input: "), "{}", run.stderr);
        assert!(run.stderr.contains(message), "no `{message}` in {}", run.stderr);
    }
}

#[test]
fn the_same_line_has_the_same_samples_wherever_it_stands() {
    let sandbox = run_of_a_text();
    let options = "run --tokens 9 --n 2 --json";
    let samples = |input: &str| piped(&sandbox, options, input.as_bytes()).events();
    let events = samples("to\n\nto\n");
    assert_eq!(events.len(), 6);
    assert_eq!(events[..2], events[4..]);
    assert_eq!(samples("to\n"), events[..2]);
    // An empty line is a text without a beginning.
    let empty = super::prompted(&sandbox, options, "").events();
    assert_eq!(empty, events[2..4]);
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_answered_is_not_the_last_line_where_lines_are_typed() {
    use crate::support::pty::Pty;

    let sandbox = sandbox_with_the_main_job();
    let mut pty = Pty::start(&sandbox, "sample run");
    pty.wait_for("type a prompt and press Enter; Ctrl-D ends");
    pty.press("ABC\n");
    pty.wait_for("the input must have 16 characters");
    pty.press("ABCDEFGHIJABCDEF\n");
    pty.wait_for(BACKWARD);
    // Ctrl-D.
    pty.press("\u{4}");
    assert_eq!(pty.wait_for_the_end(), Some(0));
}
