//! The log, line by line.

use std::io::{self, Read};

use serde_json::Value;
use toml::Table;

use super::Fault;
use crate::bounds;
use crate::log::{Disorder, LineReader, Steps};

/// What the rest of the run states about its log.
pub(super) struct Expected<'a> {
    /// The step at which the run began.
    pub first: u64,
    /// The step of the newest checkpoint.
    pub newest: Option<u64>,
    /// Has the task and the seed of every start.
    pub config: &'a Table,
}

/// What is wrong with the log of a run: a beginning that is missing or that of another run, lines that are no events, steps
/// that are missing or there twice, and an end before the newest checkpoint.
pub(super) fn faults(log: LineReader<impl Read>, expected: &Expected) -> io::Result<Vec<Fault>> {
    let &Expected { first, newest, config } = expected;
    let mut faults = Vec::new();
    let mut steps = Steps::after(first);
    for line in log {
        let line = line?;
        if !line.has_an_end() {
            faults.push(Fault::at(line.place.clone(), "the last line has no end"));
        }
        if line.is_too_long() {
            let what = format!("a line is longer than {} bytes", bounds::LINE);
            faults.push(Fault::at(line.place, what));
            steps.pass_over();
            continue;
        }
        let event = line.object().unwrap_or_default();
        let place = line.place;
        if event.get("event").is_none_or(|event| !event.is_string()) {
            faults.push(Fault::at(place, "expected an event as JSON"));
            steps.pass_over();
            continue;
        }
        if let Some(what) = of_another_run(&event, config) {
            faults.push(Fault::at(place.clone(), what));
        }
        let what = match steps.take(&event) {
            Ok(()) => continue,
            Err(Disorder::NoBeginning(step)) => {
                format!("the log begins at step {step}, expected the start of the run, at step {first}")
            }
            Err(Disorder::NotTheNext { before, step }) => {
                format!("step {step} follows step {before}, expected step {}", before.saturating_add(1))
            }
            Err(Disorder::NoStep) => "expected a number as its step".to_owned(),
        };
        faults.push(Fault::at(place, what));
    }
    let last = steps.last();
    if let Some(newest) = newest.filter(|newest| *newest > last) {
        let what =
            format!("it ends with step {last}, expected at least that of the newest checkpoint, {newest}");
        faults.push(Fault::of_all(what));
    }
    Ok(faults)
}

/// Whether a start is of another task, or from another seed, than the config has.
fn of_another_run(event: &Value, config: &Table) -> Option<String> {
    if event["event"] != "start" {
        return None;
    }
    let task = config.get("task").and_then(|task| task.get("name").unwrap_or(task).as_str());
    let of_task =
        event.get("task").and_then(Value::as_str).zip(task).filter(|(found, expected)| found != expected);
    if let Some((found, expected)) = of_task {
        return Some(format!("it is the start of a run of the task `{found}`, the config has `{expected}`"));
    }
    let seed = config.get("seed").and_then(toml::Value::as_integer);
    let of_seed =
        event.get("seed").and_then(Value::as_i64).zip(seed).filter(|(found, expected)| found != expected);
    of_seed.map(|(found, expected)| {
        format!("it is the start of a run from seed {found}, the config has {expected}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        log: &str,
        (first, newest): (u64, Option<u64>),
        expected: &[(Option<std::ops::Range<u64>>, &str)],
    ) {
        let config = &"task = \"sort\"\nseed = 3".parse().expect("it is TOML");
        let expecting = Expected { first, newest, config };
        let found = faults(LineReader::of(log.as_bytes()), &expecting).expect("memory can be read");
        let found: Vec<_> = found.iter().map(|fault| (fault.bytes.clone(), fault.what.as_str())).collect();
        assert_eq!(found, expected, "{log}");
    }

    #[test]
    fn the_log_of_another_run_is_found_at_its_start() {
        let start = |task: &str, seed: u64| {
            format!("{{\"event\":\"start\",\"step\":0,\"task\":\"{task}\",\"seed\":{seed}}}\n")
        };
        let of = |log: &str, what: &str| check(log, (0, None), &[(Some(0..log.len() as u64), what)]);
        check(&start("sort", 3), (0, None), &[]);
        of(&start("copy", 3), "it is the start of a run of the task `copy`, the config has `sort`");
        of(&start("sort", 4), "it is the start of a run from seed 4, the config has 3");
    }

    #[test]
    fn a_gap_a_repeat_and_a_torn_line_are_found_where_they_are() {
        let step = |step: u64| format!("{{\"event\":\"step\",\"step\":{step}}}\n");
        let start = "{\"event\":\"start\",\"step\":0}\n{\"event\":\"mine\"}\n";
        let log = start.to_owned() + &step(1) + &step(2);
        check(&log, (0, Some(2)), &[]);
        check("", (0, None), &[]);
        let n = log.len() as u64;
        let of_step = step(3).len() as u64;
        check(
            &(log.clone() + &step(4)),
            (0, None),
            &[(Some(n..n + of_step), "step 4 follows step 2, expected step 3")],
        );
        check(
            &(log.clone() + &step(2)),
            (0, None),
            &[(Some(n..n + of_step), "step 2 follows step 2, expected step 3")],
        );
        let torn =
            [(Some(n..n + 4), "the last line has no end"), (Some(n..n + 4), "expected an event as JSON")];
        check(&(log.clone() + "{\"ev"), (0, None), &torn);
        check(&(log.clone() + "[1]\n"), (0, None), &[(Some(n..n + 4), "expected an event as JSON")]);
        check(
            &log,
            (0, Some(5)),
            &[(None, "it ends with step 2, expected at least that of the newest checkpoint, 5")],
        );
        let branch = "{\"event\":\"start\",\"step\":60}\n".to_owned() + &step(61);
        check(&branch, (60, Some(61)), &[]);
        check("", (60, Some(60)), &[]);
        // Of what was there before a run went on after step 61, nothing is left.
        let later = "{\"event\":\"start\",\"step\":61}\n".to_owned() + &step(62);
        let begins = "the log begins at step 61, expected the start of the run, at step ";
        let n = "{\"event\":\"start\",\"step\":61}\n".len() as u64;
        for (first, newest) in [(0, None), (60, Some(62))] {
            check(&later, (first, newest), &[(Some(0..n), &format!("{begins}{first}"))]);
        }
        check(&later, (61, Some(62)), &[]);
        let missing = "it ends with step 60, expected at least that of the newest checkpoint, 70";
        check("", (60, Some(70)), &[(None, missing)]);
    }
}
