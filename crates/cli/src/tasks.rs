//! `qkv tasks`: what there is to learn.

use std::io::{Write, stdout};
use std::process::ExitCode;

use anyhow::Result;
use qkv_train::{ConfigSource, Split, draw, task_names};

/// Lists the tasks with one example each.
pub fn run() -> Result<ExitCode> {
    let out = &mut stdout().lock();
    for name in task_names() {
        let config = ConfigSource::Task(name).read(&[] as &[&str])?;
        let task = config.task.build()?;
        let vocabulary = task.vocabulary();
        let label = |token: &u32| vocabulary[*token as usize].clone();
        let example = draw(&*task, 0, Split::Test, 0)?;
        let stacked = |stack: &[u32]| stack.iter().map(label).collect::<String>();
        let tokens: Vec<String> = example.tokens.chunks(task.stack()).map(stacked).collect();
        let targets: Vec<String> =
            example.targets.iter().map(|target| target.as_ref().map_or("·".to_owned(), label)).collect();
        writeln!(out, "{name:<10} {}", task.summary())?;
        let width = tokens.iter().map(|token| token.chars().count()).max().unwrap_or(1);
        let row = |labels: &[String]| {
            labels.iter().map(|label| format!("{label:>width$}")).collect::<Vec<_>>().join(" ")
        };
        writeln!(out, "{:<10}   input   {}", "", row(&tokens))?;
        writeln!(out, "{:<10}   target  {}\n", "", row(&targets))?;
    }
    Ok(ExitCode::SUCCESS)
}
