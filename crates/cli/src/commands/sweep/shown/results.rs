//! A line of results for each run as it ends, and at the end those that have none.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_run::Event;
use serde::Serialize;

use super::super::end::{Cause, Failure};
use super::super::study::runs::Name;
use crate::output::stdout::{Stdout, one_line, print_error};
use crate::output::text::figures::{figures, words};

/// Failed runs that are named at the end.
const NAMED: usize = 10;

/// The results of a study.
pub struct Results {
    pub json: bool,
    n_runs: usize,
    n_shown: usize,
    out: Stdout,
    /// What failed, with its labels.
    failures: Vec<(String, Failure)>,
}

/// One run as JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    end: &'a Event,
    settings: &'a [String],
}

impl Results {
    pub fn new(json: bool, n_runs: usize) -> Self {
        Self { json, n_runs, n_shown: 0, out: Stdout::of_a_training(), failures: Vec::new() }
    }

    /// Shows the results of a run.
    pub fn show(&mut self, Name { number, labels }: &Name, end: &Event) -> Result<()> {
        self.n_shown += 1;
        if self.json {
            let line = serde_json::to_string(&Line { end, settings: labels })?;
            return Ok(writeln!(self.out, "{line}")?);
        }
        let Event::Done { evaluation, seconds, .. } = end else { return Ok(()) };
        let others = evaluation.metrics.iter().map(|(name, value)| format!("   {} {value:.4}", words(name)));
        let (figures, others, labels) =
            (figures(evaluation), others.collect::<String>(), one_line(&labels.join("  ")));
        let n_runs = self.n_runs;
        Ok(writeln!(self.out, "{number:>4}/{n_runs}  {figures}{others}   {seconds:>6.1} s   {labels}")?)
    }

    /// Remembers a run without results.
    pub fn fail(&mut self, name: &Name, failure: Failure) {
        self.failures.push((name.labels.join(" "), failure));
    }

    pub fn n_shown(&self) -> usize {
        self.n_shown
    }

    pub fn n_failed(&self) -> usize {
        self.failures.len()
    }

    /// Names the runs without results, if there are any, and what tries them `again`.
    pub fn show_failures(&self, again: &str) {
        if self.failures.is_empty() {
            return;
        }
        let (n_failed, n_runs) = (self.failures.len(), counted(self.n_runs as u64, "run"));
        print_error(&format!("{n_failed} of {n_runs} failed; {again} tries them again:"));
        for (labels, Failure { how, .. }) in self.failures.iter().take(NAMED) {
            print_error(&one_line(&format!("  {labels}: {how}")));
        }
        if n_failed > NAMED {
            print_error(&format!("  and {} more", n_failed - NAMED));
        }
        if self.failures.iter().any(|(_, failure)| failure.cause == Cause::Busy) {
            print_error(
                "several processes train one study with --claim each, or with a --shard of their own",
            );
        }
    }

    /// That of all failures, or 1 where they have different ones.
    pub fn exit_code(&self) -> u8 {
        let codes: BTreeSet<u8> =
            self.failures.iter().map(|(_, failure)| failure.cause.exit_code()).collect();
        match Vec::from_iter(codes)[..] {
            [] => 0,
            [code] => code,
            _ => 1,
        }
    }
}
