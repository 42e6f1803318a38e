//! How many runs are trained at a time, and with what.

use std::collections::HashMap;
use std::ffi::OsString;
use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::{Context, Result};
use qkv_train::{Config, MemoryEstimate};

use super::super::study::runs::Run;
use crate::args::{MachineArgs, SweepArgs};
use crate::session::device::backend::Memory;
use crate::session::device::find;
use crate::session::job::Job;
use crate::session::memory;

/// What every worker has.
pub struct Workers {
    /// At a time.
    pub jobs: usize,
    machine: MachineArgs,
    max_memory: Option<u64>,
    /// The name under which this process has claimed the runs.
    claimed_by: Option<String>,
}

impl Workers {
    /// Keeps all cores busy: by as many of `n_runs` at a time as there are cores for their threads, unless another number
    /// is set. Each has one thread, or an equal share of the cores where there are fewer runs. On a card one at a time.
    pub fn of(args: &SweepArgs, n_runs: usize) -> Result<Self> {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let threads = args.machine.n_threads()?.map(NonZero::get);
        let at_once = match find(&args.machine.device)?.memory {
            Memory::Host => cores / threads.unwrap_or(1),
            Memory::Card => 1,
        };
        let jobs = args.jobs.unwrap_or(at_once).clamp(1, n_runs.max(1));
        let threads = threads.unwrap_or((cores / jobs).max(1));
        let machine = MachineArgs { threads: Some(threads), ..args.machine.clone() };
        Ok(Self { jobs, machine, max_memory: args.max_memory, claimed_by: None })
    }

    /// Has them train what this process claims under a name.
    pub fn claimed_by(&mut self, name: &str) {
        self.claimed_by = Some(name.to_owned());
    }

    /// The arguments of a worker.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = self.machine.arguments();
        if let Some(bytes) = self.max_memory {
            arguments.extend(["--max-memory".into(), bytes.to_string().into()]);
        }
        if let Some(name) = &self.claimed_by {
            arguments.extend(["--claimed-by".into(), name.into()]);
        }
        arguments
    }

    /// Builds the model of every run, each kind once, and refuses runs of which so many do not fit into memory together.
    pub fn check_memory(&self, runs: &[Run]) -> Result<()> {
        let machine = self.machine.open()?;
        let mut kinds = HashMap::new();
        let mut estimates = Vec::with_capacity(runs.len());
        for Run { name, experiment, .. } in runs {
            // Seeds apart.
            let kind = Config { seed: 0, ..experiment.config.clone() }.to_toml();
            let bytes = match kinds.get(&kind) {
                Some(bytes) => *bytes,
                None => {
                    let job = Job::prepare(experiment, &machine, self.max_memory);
                    let job = job.with_context(|| name.labels.join(" "))?;
                    let estimate = experiment.memory().filter(MemoryEstimate::is_whole);
                    estimate.unwrap_or_else(|| experiment.memory_of(&job.model)).bytes()
                }
            };
            kinds.insert(kind, bytes);
            estimates.push(bytes);
        }
        memory::check_together(estimates, self.jobs, machine.memory, self.max_memory)
    }
}
