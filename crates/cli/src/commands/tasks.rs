//! `qkv tasks`: every task with an example.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_train::{ConfigSource, Registry, Split, Task, TrainError, draw};

use crate::exit;
use crate::output::ink::{Ink, Inked};
use crate::output::stdout::Stdout;
use crate::output::text::shell;
use crate::output::text::wrap::{COLUMNS, wrapped};

/// Columns of a name, and of what stands before an example.
const NAME: usize = 19;
const MARGIN: usize = 10;

/// Lists the tasks with one example each, or with the setting that one lacks.
pub fn run(registry: &Registry) -> Result<ExitCode> {
    list(&mut Stdout::new(), registry)?;
    Ok(ExitCode::SUCCESS)
}

/// What `train` shows where no task is named.
pub fn instead_of_a_training(registry: &Registry) -> Result<ExitCode> {
    let out = &mut Stdout::new();
    writeln!(out, "{} trains one of these tasks:\n", shell::command(&["train", "TASK"]))?;
    list(out, registry)?;
    Ok(ExitCode::from(USAGE))
}

/// As for any command that lacks what it needs.
const USAGE: u8 = 2;

/// Those that can be had as they are come first.
fn list(out: &mut impl Inked, registry: &Registry) -> Result<()> {
    let mut lacking = Vec::new();
    for name in registry.task_names() {
        match registry.read(ConfigSource::Task(name), &[] as &[&str]) {
            Ok(experiment) => show(out, name, &*experiment.task)?,
            Err(error) => lacking.push((name, error)),
        }
    }
    for (name, error) in lacking {
        let text = match error {
            TrainError::NoText => OF_A_TEXT.to_owned(),
            error => exit::sentence(&error.into(), registry),
        };
        heading(out, name, &text)?;
        writeln!(out)?;
    }
    Ok(())
}

/// What a task is that has no example before it has a text.
const OF_A_TEXT: &str =
    "a language model of any text, one character at a time; name the text with `--set task.text=FILE`";

/// The name of a task, and what is to be read of it.
fn heading(out: &mut impl Inked, name: &str, text: &str) -> Result<()> {
    out.ink(Ink::Title, name)?;
    let mut gap = NAME.saturating_sub(name.chars().count()).max(1);
    for line in wrapped(text, COLUMNS - NAME) {
        writeln!(out, "{:gap$}{line}", "")?;
        gap = NAME;
    }
    Ok(())
}

fn show(out: &mut impl Inked, name: &str, task: &dyn Task) -> Result<()> {
    let vocabulary = task.vocabulary();
    let label = |token: &u32| vocabulary[*token as usize].clone();
    let example = draw(task, 0, Split::Test, 0)?;
    let stacked = |stack: &[u32]| stack.iter().map(label).collect::<String>();
    let tokens: Vec<String> = example.tokens.chunks(task.stack()).map(stacked).collect();
    let targets: Vec<String> =
        example.targets.iter().map(|target| target.as_ref().map_or("·".to_owned(), label)).collect();
    let width = tokens.iter().chain(&targets).map(|label| label.chars().count()).max().unwrap_or(1);
    // What fits into a line, and a sign that there is more.
    let fitting = (COLUMNS - MARGIN - 1) / (width + 1);
    let row = |labels: &[String]| {
        let shown: Vec<String> =
            labels.iter().take(fitting).map(|label| format!("{label:>width$}")).collect();
        shown.join(" ") + if labels.len() > fitting { " …" } else { "" }
    };
    heading(out, name, &task.summary())?;
    let rows = match task.translation() {
        Some(translation) => {
            let (source, answer) = example.tokens.split_at(task.source_len());
            [
                ("source", one_line(&translation.text(source))),
                ("answer", one_line(&translation.reference(answer))),
            ]
        }
        None => [("input", row(&tokens)), ("target", row(&targets))],
    };
    for (what, row) in rows {
        out.ink(Ink::Quiet, &format!("{:<MARGIN$}", format!("  {what}")))?;
        writeln!(out, "{row}")?;
    }
    Ok(writeln!(out)?)
}

/// As much of a text as fits into a line.
fn one_line(text: &str) -> String {
    let most = COLUMNS - MARGIN;
    match text.chars().count() <= most {
        true => text.to_owned(),
        false => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
