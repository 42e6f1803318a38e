//! The share of a study that one of several machines takes.

use anyhow::Result;

use super::runs::Run;
use crate::exit::usage;

/// Every N-th run, beginning with the I-th, for `I/N`; all without.
pub fn of(shard: Option<&str>, runs: Vec<Run>) -> Result<Vec<Run>> {
    let Some(text) = shard else { return Ok(runs) };
    let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    let (i, n): (usize, usize) = parsed.filter(|(i, n)| (1..=*n).contains(i)).ok_or_else(|| {
        usage(format!("--shard must be I/N with I between 1 and N, for example 1/2, got `{text}`"))
    })?;
    Ok(runs.into_iter().skip(i - 1).step_by(n).collect())
}
