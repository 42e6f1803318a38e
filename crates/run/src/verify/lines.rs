//! The log, line by line.

use std::io::{self, Read};

use super::Fault;
use crate::bounds;
use crate::log::{Disorder, LineReader, Steps};

/// What is wrong with the log of a run that began at step `first`: a beginning that is missing, lines that are no
/// events, steps that are missing or there twice, and an end before the `newest` checkpoint.
pub(super) fn faults(log: LineReader<impl Read>, first: u64, newest: Option<u64>) -> io::Result<Vec<Fault>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        log: &str,
        (first, newest): (u64, Option<u64>),
        expected: &[(Option<std::ops::Range<u64>>, &str)],
    ) {
        let found = faults(LineReader::of(log.as_bytes()), first, newest).expect("memory can be read");
        let found: Vec<_> = found.iter().map(|fault| (fault.bytes.clone(), fault.what.as_str())).collect();
        assert_eq!(found, expected, "{log}");
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
