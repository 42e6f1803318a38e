//! The processes that train runs: how many at a time, with what, and what they report.
//!
//! Which run is trained next, and what is shown of it, does not belong here.

mod process;
mod workers;

use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::study::runs::Assignment;
use process::Process;
pub use process::Report;
pub use workers::Workers;

/// How long a signal may wait: short beside the two seconds in which it is answered.
const TICK: Duration = Duration::from_millis(50);

/// The workers that are under way, each with its run.
pub struct Crew<'a> {
    runs: &'a [Assignment],
    workers: &'a Workers,
    processes: BTreeMap<usize, Process>,
    sender: Sender<Report>,
    reports: Receiver<Report>,
}

impl<'a> Crew<'a> {
    pub fn new(runs: &'a [Assignment], workers: &'a Workers) -> Self {
        let (sender, reports) = mpsc::channel();
        Self { runs, workers, processes: BTreeMap::new(), sender, reports }
    }

    pub fn has_room(&self) -> bool {
        self.processes.len() < self.workers.jobs
    }

    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Starts a worker on the run of this index.
    pub fn start(&mut self, run: usize) -> io::Result<()> {
        let process = Process::start(run, &self.runs[run], self.workers, &self.sender)?;
        self.processes.insert(run, process);
        Ok(())
    }

    /// Has the worker of a run save and end, if there is one.
    pub fn stop(&mut self, run: usize) {
        if let Some(process) = self.processes.get_mut(&run) {
            process.stop();
        }
    }

    pub fn stop_all(&mut self) {
        self.processes.values_mut().for_each(Process::stop);
    }

    /// The next report, if one comes within a moment.
    pub fn hear(&mut self) -> Option<Report> {
        let report = self.reports.recv_timeout(TICK).ok()?;
        if let Report::Ended { run, .. } = report {
            self.processes.remove(&run);
        }
        Some(report)
    }
}
