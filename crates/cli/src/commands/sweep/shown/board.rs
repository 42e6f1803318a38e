//! What is shown while a study is trained: on a terminal a line for all runs and one for each that is under way, elsewhere
//! a line for all of them now and then.

use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use qkv_run::Event;

use super::super::end::{End, Failure};
use super::super::study::runs::Assignment;
use super::results::Results;
use crate::output::stdout::{one_line, print_error};

/// Runs that have a line of their own on a terminal; with more it would scroll.
const SHOWN: usize = 16;

/// Where no terminal is, all runs have a line so often.
const EVERY: Duration = Duration::from_secs(60);

/// Where every run stands.
pub struct Board<'a, 'r> {
    runs: &'a [Assignment],
    results: &'r mut Results,
    stands: Vec<Stand>,
    /// Runs that other processes ended since this command began.
    n_elsewhere: usize,
    lines: Option<Lines>,
    started: Instant,
    reported: Instant,
}

/// Where one run stands.
enum Stand {
    Waiting,
    Running {
        began_at: Option<u64>,
        step: u64,
        line: Option<ProgressBar>,
    },
    /// After so many steps since this command began.
    Over {
        n_steps: u64,
    },
}

/// The lines of a terminal.
struct Lines {
    all: MultiProgress,
    first: ProgressBar,
}

impl<'a, 'r> Board<'a, 'r> {
    pub fn new(runs: &'a [Assignment], results: &'r mut Results) -> Self {
        let stands = runs.iter().map(|_| Stand::Waiting).collect();
        let lines = if results.json || runs.is_empty() { None } else { Lines::new() };
        let now = Instant::now();
        Self { runs, results, stands, n_elsewhere: 0, lines, started: now, reported: now }
    }

    /// A worker was started.
    pub fn began(&mut self, run: usize) {
        let n_running = self.stands.iter().filter(|stand| matches!(stand, Stand::Running { .. })).count();
        let line = self.lines.as_ref().filter(|_| n_running < SHOWN).map(Lines::add);
        self.stands[run] = Stand::Running { began_at: None, step: 0, line };
        self.show(run, "starting");
        self.show_all();
    }

    /// Something happened in a run.
    pub fn happened(&mut self, run: usize, event: &Event) {
        let Stand::Running { began_at, step, .. } = &mut self.stands[run] else { return };
        let steps = self.runs[run].steps;
        let text = match event {
            Event::Start { step: at, .. } => {
                (*began_at, *step) = (Some(*at), *at);
                format!("step {at}/{steps}")
            }
            Event::Step(report) => {
                *step = report.step;
                format!("step {}/{steps}  loss {:.4}", report.step, report.loss)
            }
            _ => return,
        };
        self.show(run, &text);
    }

    /// A worker has printed a line of its own.
    pub fn tell(&self, run: usize, line: &str) {
        let line = format!("{}: {line}", self.runs[run].name.labels.join(" "));
        self.above(|| print_error(&one_line(&line)));
    }

    /// A worker has reported an error.
    pub fn tell_error(&self, run: usize, message: &str) {
        let line = format!("error: {}: {message}", self.runs[run].name.labels.join(" "));
        self.above(|| print_error(&one_line(&line)));
    }

    /// A run has its results.
    pub fn done(&mut self, run: usize, results: &Event) -> Result<()> {
        self.over(run);
        let name = &self.runs[run].name;
        let shown = match &self.lines {
            Some(lines) => lines.all.suspend(|| self.results.show(name, results)),
            None => self.results.show(name, results),
        };
        self.show_all();
        shown
    }

    /// A run has ended without results.
    pub fn ended(&mut self, run: usize, end: End) {
        self.over(run);
        if let End::Failed(failure) = end {
            self.results.fail(&self.runs[run].name, failure);
        }
        self.show_all();
    }

    /// Another process has brought a run to its end, with results or not.
    pub fn ended_elsewhere(&mut self, run: usize, failure: Option<Failure>) {
        self.over(run);
        match failure {
            Some(failure) => self.results.fail(&self.runs[run].name, failure),
            None => self.n_elsewhere += 1,
        }
        self.show_all();
    }

    /// A run is left to a later attempt.
    pub fn put_back(&mut self, run: usize) {
        self.over(run);
        self.stands[run] = Stand::Waiting;
        self.show_all();
    }

    /// Time passes.
    pub fn tick(&mut self) {
        match &self.lines {
            Some(lines) => lines.first.set_message(self.summary()),
            None if !self.results.json && self.reported.elapsed() >= EVERY => {
                self.reported = Instant::now();
                print_error(&self.summary());
            }
            None => {}
        }
    }

    fn over(&mut self, run: usize) {
        let n_steps = match &self.stands[run] {
            Stand::Running { began_at, step, line } => {
                if let (Some(lines), Some(line)) = (&self.lines, line) {
                    lines.all.remove(line);
                }
                step - began_at.unwrap_or(0)
            }
            Stand::Waiting | Stand::Over { .. } => 0,
        };
        self.stands[run] = Stand::Over { n_steps };
    }

    fn above(&self, print: impl FnOnce()) {
        match &self.lines {
            Some(lines) => lines.all.suspend(print),
            None => print(),
        }
    }

    fn show(&self, run: usize, text: &str) {
        if let Stand::Running { line: Some(line), .. } = &self.stands[run] {
            line.set_message(one_line(&format!("{text:<30}  {}", self.runs[run].name.labels.join("  "))));
        }
    }

    fn show_all(&self) {
        if let Some(lines) = &self.lines {
            lines.first.set_message(self.summary());
        }
    }

    /// "3 done, 1 failed, 2 running, 54 waiting, about 12 min left"
    fn summary(&self) -> String {
        let (mut n_waiting, mut n_running) = (0, 0);
        let (mut steps_made, mut steps_left) = (0, 0);
        for (stand, run) in self.stands.iter().zip(self.runs) {
            match stand {
                Stand::Waiting => {
                    n_waiting += 1;
                    steps_left += run.steps;
                }
                Stand::Running { began_at, step, .. } => {
                    n_running += 1;
                    steps_made += step - began_at.unwrap_or(0);
                    steps_left += run.steps.saturating_sub(*step);
                }
                Stand::Over { n_steps } => steps_made += n_steps,
            }
        }
        let n_failed = self.results.n_failed();
        let mut parts = vec![format!("{} done", self.results.n_shown() + self.n_elsewhere)];
        if self.n_elsewhere > 0 {
            parts[0] += &format!(" ({} by other processes)", self.n_elsewhere);
        }
        if n_failed > 0 {
            parts.push(format!("{n_failed} failed"));
        }
        parts.extend([format!("{n_running} running"), format!("{n_waiting} waiting")]);
        if let Some(left) = time_left(self.started.elapsed(), steps_made, steps_left) {
            parts.push(format!("about {left} left"));
        }
        parts.join(", ")
    }
}

impl Drop for Board<'_, '_> {
    fn drop(&mut self) {
        if let Some(lines) = &self.lines {
            // Gone, so that what follows begins where they were.
            let _ = lines.all.clear();
        }
    }
}

impl Lines {
    /// `None` where standard error is not a terminal, or one that cannot move its cursor.
    fn new() -> Option<Self> {
        let all = MultiProgress::new();
        if all.is_hidden() {
            return None;
        }
        let first = all.add(line());
        Some(Self { all, first })
    }

    fn add(&self) -> ProgressBar {
        self.all.add(line())
    }
}

/// A line that is cut where the terminal ends.
fn line() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("the template is valid");
    ProgressBar::new_spinner().with_style(style)
}

/// If the other steps take as long as those that were made; `None` before the first ones, and for none.
fn time_left(passed: Duration, steps_made: u64, steps_left: u64) -> Option<String> {
    if steps_made == 0 || steps_left == 0 {
        return None;
    }
    let seconds = passed.as_secs_f64() * steps_left as f64 / steps_made as f64;
    Some(match seconds {
        ..90.0 => format!("{seconds:.0} s"),
        ..5400.0 => format!("{:.0} min", seconds / 60.0),
        ..172_800.0 => format!("{:.0} h", seconds / 3600.0),
        _ => format!("{:.0} days", seconds / 86_400.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_steps_that_were_made() {
        let minute = Duration::from_secs(60);
        let cases = [
            (60, 60, Some("60 s")),
            (10, 30, Some("3 min")),
            (1, 300, Some("5 h")),
            (1, 10_000, Some("7 days")),
        ];
        for (made, left, expected) in cases {
            assert_eq!(time_left(minute, made, left).as_deref(), expected, "{left}");
        }
        assert_eq!((time_left(minute, 0, 9), time_left(minute, 9, 0)), (None, None));
    }
}
