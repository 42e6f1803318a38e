//! What reaches a terminal: escaped control characters, the colours that it has, commands that can be pasted.

use std::process::Command;

use vt100::Color;

use crate::support::ink::{Ink, inks};
use crate::support::pty::Pty;
use crate::support::sandbox::Sandbox;

const RUN: &str = "train reverse --steps 1 --set task.seq_len=3 --set model.d_model=4";

#[test]
fn control_characters_of_a_path_and_a_text_are_escaped_on_a_terminal_alone() {
    let sandbox = Sandbox::new();
    sandbox.write("text", "a\x1b".repeat(2000));
    let mut command =
        sandbox.command("train chars --steps 1 --set task.text=text --set task.seq_len=8 --out");
    command.arg("run\x1b]0;title\x07\u{9b}");
    let mut pty = Pty::of(&command, &[]);
    // All of it stays on the screen.
    pty.resize(100, 400);
    let (text, _) = pty.printed();
    for escaped in ["run\\u{1b}]0;title\\u{7}\\u{9b}", "a sample:", "a\\u{1b}a"] {
        assert!(text.contains(escaped), "no `{escaped}` in\n{text}");
    }
    let mut command = sandbox.command("eval");
    command.arg("nowhere\x1b");
    let mut pty = Pty::of(&command, &[]);
    assert_eq!(pty.wait_for_the_end(), Some(2));
    pty.wait_for("nowhere\\u{1b} does not exist");
    // A pipe gets the bytes themselves.
    let printed = sandbox.command("inspect").arg("run\x1b]0;title\x07\u{9b}").output().unwrap();
    assert!(printed.stdout.starts_with(b"run\x1b]0;title\x07"), "{printed:?}");
}

#[test]
fn the_colours_are_those_that_the_terminal_announces() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{RUN} --quiet --out run"));
    let inspect = |variables: &[(&str, &str)]| Pty::of(&sandbox.command("inspect run"), variables).printed();
    let (_, colours) = inspect(&[]);
    assert!(!colours.is_empty() && colours.iter().all(|colour| matches!(colour, Color::Idx(16..))));
    for announced in ["truecolor", "24bit"] {
        let (_, colours) = inspect(&[("COLORTERM", announced)]);
        assert!(!colours.is_empty() && colours.iter().all(|colour| matches!(colour, Color::Rgb(..))));
    }
    for plain in [("TERM", "dumb"), ("NO_COLOR", "1")] {
        let (text, colours) = inspect(&[plain, ("COLORTERM", "truecolor")]);
        assert!(text.contains("scale 0 [ .:-=+*#%@]") && colours.is_empty(), "{text}");
    }
}

#[test]
fn titles_matrices_and_hints_have_inks_of_their_own_on_a_terminal_with_colours_alone() {
    let sandbox = Sandbox::new();
    let plain = Ink { colour: Color::Default, is_bold: false, is_dim: false };
    let in_colour = |red, green, blue| Ink { colour: Color::Rgb(red, green, blue), ..plain };
    let pieces = |name: &str, variable| {
        let mut pty = Pty::of(&sandbox.command(&format!("{RUN} --out {name}")), &[variable]);
        pty.resize(100, 200);
        pty.at_the_end(inks)
    };
    let inked = pieces("inked", ("COLORTERM", "truecolor"));
    for (ink, text) in [
        (Ink { is_bold: true, ..plain }, "layer 0"),
        (in_colour(0x87, 0x5f, 0xff), "W_Q "),
        (in_colour(0x00, 0x87, 0x00), "W_K "),
        (in_colour(0xaf, 0x5f, 0x87), "W_V "),
        (Ink { is_dim: true, ..plain }, "W_Q, W_K and W_V"),
    ] {
        assert!(
            inked.iter().any(|(found, piece)| *found == ink && piece.starts_with(text)),
            "no `{text}` in {ink:?}: {inked:#?}"
        );
    }
    let without = pieces("plain", ("NO_COLOR", "1"));
    assert!(without.iter().all(|(ink, _)| *ink == plain), "{without:#?}");
}

#[test]
fn a_terminal_without_a_cursor_gets_lines_in_place_of_a_bar() {
    let sandbox = Sandbox::new();
    let (text, _) = Pty::of(&sandbox.command(&format!("{RUN} --out run")), &[("TERM", "dumb")]).printed();
    assert!(text.contains("step      1  loss "), "{text}");
}

#[test]
fn a_run_leaves_its_loss_curve_on_a_terminal_alone() {
    let sandbox = Sandbox::new();
    let is_dotted = |text: &str| text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c));
    let run = |name: &str| format!("{} --steps 12 --out {name}", RUN.replace(" --steps 1 ", " "));
    let mut pty = Pty::start(&sandbox, &run("shown"));
    pty.resize(80, 200);
    let (text, _) = pty.printed();
    let lines: Vec<&str> = text.lines().collect();
    let first =
        lines.iter().position(|line| is_dotted(line)).unwrap_or_else(|| panic!("no curve in\n{text}"));
    assert!(lines[first].starts_with("loss ") && lines[first + 1].starts_with("at step 1 "), "{text}");
    assert!(lines[first + 1].ends_with("at step 12") && lines[first + 2].starts_with("log scale"), "{text}");
    let (text, _) = Pty::start(&sandbox, &format!("{} --quiet", run("quiet"))).printed();
    assert_eq!(text, "");
    for (name, option) in [("piped", ""), ("json", "--json")] {
        let run = sandbox.succeeds(&format!("{} {option}", run(name)));
        assert!(!is_dotted(&run.stdout) && !is_dotted(&run.stderr), "{run:#?}");
    }
}

#[test]
fn the_final_evaluation_has_a_bar() {
    let sandbox = Sandbox::new();
    let slow =
        "--set task.seq_len=128 --set model.n_layers=8 --set train.eval_examples=1 --set train.batch_size=1";
    let mut pty = Pty::start(&sandbox, &format!("train reverse --steps 1 --out run {slow}"));
    pty.wait_for("/10000 test examples");
    pty.signal("INT");
    assert_eq!(pty.wait_for_the_end(), Some(130));
}

#[test]
fn a_suggested_command_can_be_pasted_with_any_name_of_the_folder() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&format!("{RUN} --out"));
    let finished = command.arg("a $(touch b) it's").output().unwrap();
    let text = String::from_utf8(finished.stdout).unwrap();
    let suggested = text.split("look further:\n").nth(1).unwrap();
    let line = suggested.lines().find(|line| line.contains(" eval ")).unwrap();
    let pasted = line.split("    accuracy").next().unwrap();
    let eval = Command::new("sh").args(["-c", pasted]).current_dir(sandbox.path(".")).output().unwrap();
    assert!(eval.status.success() && eval.stdout.starts_with(b"accuracy"), "{pasted}\n{eval:?}");
    assert!(!sandbox.path("b").exists());
}
