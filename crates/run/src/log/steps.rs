//! Whether a log has every step once, from the beginning of its run on.

use std::mem::replace;
use std::ops::RangeInclusive;

use serde_json::Value;

/// The steps of a run in the lines of its log so far.
#[derive(Debug)]
pub(crate) struct Steps {
    /// The last step that has a line.
    last: u64,
    /// Whether a line was there that only comes after the start of the run.
    is_begun: bool,
    missing: Vec<RangeInclusive<u64>>,
}

/// What is wrong with a line beside those before it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Disorder {
    /// It is of this step, and the log has nothing of what was before it.
    NoBeginning(u64),
    /// It does not follow the step before it.
    NotTheNext {
        /// The one before.
        before: u64,
        /// Its own.
        step: u64,
    },
    /// It has no step.
    NoStep,
}

impl Steps {
    /// Of a run that began at `first`, before the first line.
    pub fn after(first: u64) -> Self {
        Self { last: first, is_begun: false, missing: Vec::new() }
    }

    /// The last step that has a line, or the one at which the run began.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Takes the next line.
    ///
    /// # Errors
    /// What is wrong with it. It is found once: the next line is compared with this one.
    pub fn take(&mut self, event: &Value) -> Result<(), Disorder> {
        let step = event["step"].as_u64();
        match event["event"].as_str() {
            // Early logs have no step here.
            Some("start") => match (replace(&mut self.is_begun, true), step) {
                (false, Some(step)) if step > self.last => {
                    self.go_to(step.saturating_add(1));
                    self.last = step;
                    Err(Disorder::NoBeginning(step))
                }
                _ => Ok(()),
            },
            Some("step") => {
                let step = step.ok_or(Disorder::NoStep)?;
                let before = self.go_to(step);
                match replace(&mut self.is_begun, true) {
                    false => Err(Disorder::NoBeginning(step)),
                    true if before.checked_add(1) != Some(step) => Err(Disorder::NotTheNext { before, step }),
                    true => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Passes over a line that is no event; it may have been the start of the run.
    pub fn pass_over(&mut self) {
        self.is_begun = true;
    }

    /// The steps up to `end` that have no line.
    pub fn missing_up_to(mut self, end: u64) -> Vec<RangeInclusive<u64>> {
        self.go_to(end.saturating_add(1));
        self.missing
    }

    /// Goes to a step; returns the one before.
    fn go_to(&mut self, step: u64) -> u64 {
        let before = replace(&mut self.last, step);
        let between = before.saturating_add(1)..=step.saturating_sub(1);
        if !between.is_empty() {
            self.missing.push(between);
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(first: u64, lines: &[(&str, u64)], disorders: &[Disorder], missing: &[RangeInclusive<u64>]) {
        let mut steps = Steps::after(first);
        let lines = lines.iter().map(|(event, step)| json!({ "event": event, "step": step }));
        let found: Vec<_> = lines.filter_map(|line| steps.take(&line).err()).collect();
        assert_eq!((&found[..], &steps.missing_up_to(first + 5)[..]), (disorders, missing));
    }

    #[test]
    fn a_log_begins_with_the_start_of_its_run_and_has_every_step_once() {
        let steps = |range: RangeInclusive<u64>| range.map(|step| ("step", step));
        let of = |lines: &[(&'static str, u64)], range| {
            lines.iter().copied().chain(steps(range)).collect::<Vec<_>>()
        };
        let start = |step| ("start", step);
        check(0, &of(&[start(0), ("saved", 0)], 1..=5), &[], &[]);
        check(60, &of(&[("saved", 60), start(60)], 61..=65), &[], &[]);
        check(0, &of(&[start(0), ("step", 1), ("step", 2), start(2)], 3..=5), &[], &[]);
        // Its beginning is lost, to a step or to the next start.
        check(0, &of(&[], 1..=5), &[Disorder::NoBeginning(1)], &[]);
        check(0, &of(&[], 3..=5), &[Disorder::NoBeginning(3)], &[1..=2]);
        check(0, &of(&[start(2)], 3..=5), &[Disorder::NoBeginning(2)], &[1..=2]);
        check(60, &of(&[start(62)], 63..=65), &[Disorder::NoBeginning(62)], &[61..=62]);
        // Its middle, and its end.
        let gap = Disorder::NotTheNext { before: 1, step: 4 };
        check(0, &of(&[start(0), ("step", 1)], 4..=5), &[gap], &[2..=3]);
        check(0, &of(&[start(0)], 1..=3), &[], &[4..=5]);
        check(0, &[], &[], &[1..=5]);
        let twice = Disorder::NotTheNext { before: 2, step: 2 };
        check(0, &of(&[start(0), ("step", 1), ("step", 2)], 2..=5), &[twice], &[]);
        let far = Disorder::NotTheNext { before: 0, step: u64::MAX };
        check(0, &[start(0), ("step", u64::MAX)], &[far], &[1..=u64::MAX - 1]);
    }

    #[test]
    fn early_logs_have_a_start_without_a_step() {
        let mut steps = Steps::after(60);
        assert_eq!(steps.take(&json!({ "event": "start" })), Ok(()));
        assert_eq!(steps.take(&json!({ "event": "step", "step": 61 })), Ok(()));
        assert_eq!(steps.take(&json!({ "event": "step" })), Err(Disorder::NoStep));
    }
}
