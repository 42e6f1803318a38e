//! The log, line by line.

use std::io::{self, Read};
use std::ops::RangeInclusive;

use serde_json::Value;

use super::Fault;
use crate::bounds;
use crate::log::LineReader;

/// What is wrong with a log: lines that are no events, steps that are missing or there twice, and an end before the
/// newest of the `checkpoints`. A run that began from another starts after its step.
pub(super) fn faults(
    log: LineReader<impl Read>,
    checkpoints: Option<RangeInclusive<u64>>,
) -> io::Result<Vec<Fault>> {
    let mut faults = Vec::new();
    let (first, newest) = checkpoints.map_or((0, 0), RangeInclusive::into_inner);
    let mut last = None;
    for line in log {
        let line = line?;
        if !line.has_an_end() {
            faults.push(Fault::at(line.place.clone(), "the last line has no end"));
        }
        if line.is_too_long() {
            let what = format!("a line is longer than {} bytes", bounds::LINE);
            faults.push(Fault::at(line.place, what));
            continue;
        }
        let event = line.object().unwrap_or_default();
        let place = line.place;
        match event.get("event").and_then(Value::as_str) {
            Some("start") => last = last.or(event["step"].as_u64()),
            Some("step") => match event["step"].as_u64() {
                Some(step) => {
                    let before = last.unwrap_or(first);
                    if step != before + 1 {
                        let what = format!("step {step} follows step {before}, expected step {}", before + 1);
                        faults.push(Fault::at(place, what));
                    }
                    last = Some(step);
                }
                None => faults.push(Fault::at(place, "expected a number as its step")),
            },
            Some(_) => {}
            None => faults.push(Fault::at(place, "expected an event as JSON")),
        }
    }
    let last = last.unwrap_or(first);
    if newest > last {
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
        checkpoints: Option<RangeInclusive<u64>>,
        expected: &[(Option<std::ops::Range<u64>>, &str)],
    ) {
        let found = faults(LineReader::of(log.as_bytes()), checkpoints).expect("memory can be read");
        let found: Vec<_> = found.iter().map(|fault| (fault.bytes.clone(), fault.what.as_str())).collect();
        assert_eq!(found, expected, "{log}");
    }

    #[test]
    fn a_gap_a_repeat_and_a_torn_line_are_found_where_they_are() {
        let step = |step: u64| format!("{{\"event\":\"step\",\"step\":{step}}}\n");
        let start = "{\"event\":\"start\",\"step\":0}\n{\"event\":\"mine\"}\n";
        let log = start.to_owned() + &step(1) + &step(2);
        check(&log, Some(0..=2), &[]);
        check("", None, &[]);
        let n = log.len() as u64;
        let of_step = step(3).len() as u64;
        check(
            &(log.clone() + &step(4)),
            None,
            &[(Some(n..n + of_step), "step 4 follows step 2, expected step 3")],
        );
        check(
            &(log.clone() + &step(2)),
            None,
            &[(Some(n..n + of_step), "step 2 follows step 2, expected step 3")],
        );
        let torn =
            [(Some(n..n + 4), "the last line has no end"), (Some(n..n + 4), "expected an event as JSON")];
        check(&(log.clone() + "{\"ev"), None, &torn);
        check(&(log.clone() + "[1]\n"), None, &[(Some(n..n + 4), "expected an event as JSON")]);
        check(
            &log,
            Some(0..=5),
            &[(None, "it ends with step 2, expected at least that of the newest checkpoint, 5")],
        );
        let branch = "{\"event\":\"start\",\"step\":60}\n".to_owned() + &step(61);
        check(&branch, Some(60..=61), &[]);
        check("", Some(60..=60), &[]);
        let missing = "it ends with step 60, expected at least that of the newest checkpoint, 70";
        check("", Some(60..=70), &[(None, missing)]);
    }
}
