//! How samples are shown: a text as it is, an answer in a line, or a JSON object.

use std::io::Write;

use anyhow::Result;
use qkv_train::Drawn;
use serde_json::json;

use super::prompts::Prompt;
use super::writer::Sample;
use crate::output::ink::{Ink, Inked};
use crate::output::stdout::Stdout;
use crate::session::runs::open_run::OpenRun;

/// Stands between two texts, each of which may have any lines.
const RULE: &str = "---";

/// What was shown, and how.
pub struct Shown {
    out: Stdout,
    /// In JSON, the labels of the tokens and the step of the run.
    json: Option<(Vec<String>, u64)>,
    has_text: bool,
}

impl Shown {
    pub fn new(run: &OpenRun, json: bool) -> Self {
        let json = json.then(|| (run.task.vocabulary(), run.step));
        Self { out: Stdout::new(), json, has_text: false }
    }

    /// Shows a sample at once, whatever it is written to.
    pub fn show(&mut self, prompt: &Prompt, sample: &Sample) -> Result<()> {
        if let Some((labels, step)) = &self.json {
            writeln!(self.out, "{}", event(prompt, sample, labels, *step))?;
        } else if let Some(beginning) = &sample.beginning {
            if self.has_text {
                self.out.ink(Ink::Quiet, RULE)?;
                writeln!(self.out)?;
            }
            self.has_text = true;
            self.out.ink(Ink::Quiet, beginning)?;
            writeln!(self.out, "{}", sample.answer)?;
        } else {
            writeln!(self.out, "{}", sample.answer)?;
        }
        Ok(self.out.flush()?)
    }
}

fn event(prompt: &Prompt, sample: &Sample, labels: &[String], step: u64) -> serde_json::Value {
    let mut event = json!({
        "event": "sample",
        "step": step,
        "prompt": prompt.text,
        "sample": sample.index,
        "answer": sample.answer,
    });
    if let Some(drawn) = &sample.drawn {
        let probability = |drawn: &Drawn| drawn.log_probability.exp();
        event["tokens"] = drawn.iter().map(|drawn| labels[drawn.token as usize].as_str()).collect();
        event["probabilities"] = drawn.iter().map(probability).collect();
        event["log_probability"] = drawn.iter().map(|drawn| drawn.log_probability).sum::<f64>().into();
    }
    event
}
