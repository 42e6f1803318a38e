//! Keeps so many workers busy until every run had its turn, or a signal comes.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Context, Result};
use qkv_run::{Event, RunFolder};

use super::board::Board;
use super::end::End;
use super::process::{Process, Report};
use super::runs::Assignment;
use super::turns::{Turn, Turns};
use super::workers::Workers;
use crate::session::interrupt::Interrupt;

/// How long a signal may wait: short beside the two seconds in which it is answered.
const TICK: Duration = Duration::from_millis(50);

/// Everything that a study needs to be trained.
pub struct Executor<'a> {
    pub runs: &'a [Assignment],
    pub workers: &'a Workers,
    pub interrupt: &'a Interrupt,
}

impl Executor<'_> {
    /// Trains the runs in their turns. One that fails does not end the others; after a signal all are saved, and none is
    /// begun.
    pub fn train(&self, turns: &mut Turns, mut board: Board<'_, '_>) -> Result<()> {
        let (sender, reports) = mpsc::channel();
        let mut running = BTreeMap::new();
        let mut is_over = false;
        loop {
            if self.interrupt.exit_code().is_some() {
                is_over = true;
                running.values_mut().for_each(Process::stop);
            }
            for run in turns.lost() {
                running.get_mut(&run).map(Process::stop);
            }
            while !is_over && running.len() < self.workers.jobs {
                match turns.next()? {
                    Turn::Train(index) => self.start(index, &mut running, turns, &mut board, &sender)?,
                    Turn::Wait => break,
                    Turn::Over => is_over = true,
                }
            }
            if is_over && running.is_empty() {
                return Ok(());
            }
            match reports.recv_timeout(TICK) {
                Ok(Report::Event { run, event }) => board.happened(run, &event),
                Ok(Report::Line { run, line }) => board.tell(run, &line),
                Ok(Report::Ended { run, status }) => {
                    running.remove(&run);
                    let end = match status {
                        Ok(status) => End::of(status, self.interrupt.exit_code().is_some()),
                        Err(error) => End::failed(1, error.to_string()),
                    };
                    self.ended(run, end, turns, &mut board)?;
                }
                Err(RecvTimeoutError::Timeout) => board.tick(),
                Err(RecvTimeoutError::Disconnected) => unreachable!("a sender lives in this function"),
            }
        }
    }

    fn start(
        &self,
        run: usize,
        running: &mut BTreeMap<usize, Process>,
        turns: &mut Turns,
        board: &mut Board<'_, '_>,
        reports: &Sender<Report>,
    ) -> Result<()> {
        match Process::start(run, &self.runs[run], self.workers, reports) {
            Ok(process) => {
                running.insert(run, process);
                board.began(run);
                Ok(())
            }
            Err(error) => {
                let end = End::failed(1, format!("no worker could be started: {error}"));
                self.ended(run, end, turns, board)
            }
        }
    }

    fn ended(&self, run: usize, end: End, turns: &mut Turns, board: &mut Board<'_, '_>) -> Result<()> {
        let (end, results) = match end {
            End::Done => match self.results_of(run) {
                Ok(results) => (End::Done, Some(results)),
                Err(error) => (End::failed(1, format!("{error:#}")), None),
            },
            end => (end, None),
        };
        if turns.is_put_back(run, &end)? {
            board.put_back(run);
            return Ok(());
        }
        match results {
            Some(results) => board.done(run, &results),
            None => board.ended(run, &end),
        }
    }

    fn results_of(&self, run: usize) -> Result<Event> {
        RunFolder::open(&self.runs[run].folder)?.done()?.context("the log of the run has no last line")
    }
}
