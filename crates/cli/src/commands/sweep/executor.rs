//! Keeps so many workers busy until every run had its turn, or a signal comes.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use qkv_run::{Event, RunFolder};

use super::crew::{Crew, Report};
use super::end::{Cause, End, Failure};
use super::shown::Board;
use super::study::runs::Assignment;
use super::turns::{Turn, Turns};
use crate::session::interrupt::Interrupt;

/// Everything that a study needs to be trained.
pub struct Executor<'a, 'r> {
    runs: &'a [Assignment],
    crew: Crew<'a>,
    turns: &'a mut Turns,
    board: Board<'a, 'r>,
    interrupt: &'a Interrupt,
    /// The runs that another process was met with, which is shown once.
    busy: BTreeSet<usize>,
}

impl<'a, 'r> Executor<'a, 'r> {
    pub fn new(
        runs: &'a [Assignment],
        crew: Crew<'a>,
        turns: &'a mut Turns,
        board: Board<'a, 'r>,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self { runs, crew, turns, board, interrupt, busy: BTreeSet::new() }
    }

    /// Trains the runs in their turns. One that fails does not end the others; after a signal all are saved, and none is
    /// begun.
    ///
    /// # Errors
    /// If no run can be trained here any more. Those under way are saved by then, and left to other processes.
    pub fn train(mut self) -> Result<()> {
        let trained = self.train_all();
        if trained.is_err() {
            self.crew.stop_all();
            while !self.crew.is_empty() {
                match self.crew.hear() {
                    Some(Report::Line { run, line }) => self.board.tell(run, &line),
                    Some(Report::Ended { run, message: Some(message), .. }) => {
                        self.board.tell_error(run, &message)
                    }
                    _ => {}
                }
            }
            self.turns.give_all_back();
        }
        trained
    }

    fn train_all(&mut self) -> Result<()> {
        loop {
            // A run that is put back has another turn, even after the last one.
            let mut is_over = self.interrupt.exit_code().is_some();
            if is_over {
                self.crew.stop_all();
            }
            for run in self.turns.lost() {
                self.crew.stop(run);
            }
            while !is_over && self.crew.has_room() {
                let turn = self.turns.next()?;
                for (run, failure) in self.turns.ended_elsewhere()? {
                    self.board.ended_elsewhere(run, failure);
                }
                match turn {
                    Turn::Train(run) => self.start(run)?,
                    Turn::Wait => break,
                    Turn::Over => is_over = true,
                }
            }
            if is_over && self.crew.is_empty() {
                return Ok(());
            }
            match self.crew.hear() {
                None => self.board.tick(),
                Some(report) => self.happened(report)?,
            }
        }
    }

    fn start(&mut self, run: usize) -> Result<()> {
        match self.crew.start(run) {
            Ok(()) => {
                self.board.began(run);
                Ok(())
            }
            Err(error) => {
                let how = format!("no worker could be started: {error}");
                self.ended(run, End::Failed(Failure::new(Cause::Machine, how)))
            }
        }
    }

    fn happened(&mut self, report: Report) -> Result<()> {
        match report {
            Report::Event { run, event } => {
                if let Event::Saved { step, .. } = &event {
                    self.turns.saved(run, *step)?;
                }
                self.board.happened(run, &event);
                Ok(())
            }
            Report::Line { run, line } => {
                self.board.tell(run, &line);
                Ok(())
            }
            Report::Ended { run, status, message } => {
                let is_stopped = self.interrupt.exit_code().is_some();
                let end = match status {
                    Ok(status) => End::of(status, is_stopped, message),
                    Err(error) => End::Failed(Failure::new(Cause::Machine, error.to_string())),
                };
                self.ended(run, end)
            }
        }
    }

    fn ended(&mut self, run: usize, end: End) -> Result<()> {
        let (end, results) = match end {
            End::Done => match self.results_of(run) {
                Ok(results) => (End::Done, Some(results)),
                Err(error) => (End::Failed(Failure::new(Cause::Machine, format!("{error:#}"))), None),
            },
            end => (end, None),
        };
        if let End::Failed(Failure { cause, how, message }) = &end {
            match message {
                Some(message) if *cause != Cause::Busy || self.busy.insert(run) => {
                    self.board.tell_error(run, message);
                }
                // The worker of a run that was lost is stopped by this process.
                None if *cause == Cause::Killed && !self.turns.lost().contains(&run) => {
                    self.board.tell_error(run, how);
                }
                _ => {}
            }
        }
        if self.turns.is_put_back(run, &end)? {
            self.board.put_back(run);
            return Ok(());
        }
        match results {
            Some(results) => self.board.done(run, &results),
            None => {
                self.board.ended(run, end);
                Ok(())
            }
        }
    }

    fn results_of(&self, run: usize) -> Result<Event> {
        RunFolder::open(&self.runs[run].folder)?.done()?.context("the log of the run has no last line")
    }
}
