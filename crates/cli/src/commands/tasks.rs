//! `qkv tasks`: every task with an example.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use qkv_train::{ConfigSource, Registry, Split, Task, draw};

use crate::exit;
use crate::output::stdout::Stdout;

/// Positions shown of an example; more do not fit into a line.
const SHOWN: usize = 24;

/// Lists the tasks with one example each, or with the setting that one lacks.
pub fn run(registry: &Registry) -> Result<ExitCode> {
    let out = &mut Stdout::new();
    for name in registry.task_names() {
        match registry.read(ConfigSource::Task(name), &[] as &[&str]) {
            Ok(experiment) => show(out, name, &*experiment.task)?,
            Err(error) => writeln!(out, "{name:<18} {}\n", exit::sentence(&error.into(), registry))?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut impl Write, name: &str, task: &dyn Task) -> Result<()> {
    let vocabulary = task.vocabulary();
    let label = |token: &u32| vocabulary[*token as usize].clone();
    let example = draw(task, 0, Split::Test, 0)?;
    let stacked = |stack: &[u32]| stack.iter().map(label).collect::<String>();
    let tokens: Vec<String> = example.tokens.chunks(task.stack()).map(stacked).collect();
    let targets: Vec<String> =
        example.targets.iter().map(|target| target.as_ref().map_or("·".to_owned(), label)).collect();
    let width = tokens.iter().chain(&targets).map(|label| label.chars().count()).max().unwrap_or(1);
    let row = |labels: &[String]| {
        let shown: Vec<String> = labels.iter().take(SHOWN).map(|label| format!("{label:>width$}")).collect();
        shown.join(" ") + if labels.len() > SHOWN { " …" } else { "" }
    };
    writeln!(out, "{name:<18} {}", task.summary())?;
    writeln!(out, "{:<18}   input   {}", "", row(&tokens))?;
    writeln!(out, "{:<18}   target  {}\n", "", row(&targets))?;
    Ok(())
}
