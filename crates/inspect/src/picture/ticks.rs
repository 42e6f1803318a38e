//! The round numbers beside a colour bar.

use crate::number::{is_plain, number_beside};
use crate::picture::scale::Scale;

/// Most steps between the numbers beside a bar; at its least height, 96 pixels, the lines of more would meet.
const MOST_STEPS: f64 = 6.0;

/// Added to a quotient before it is rounded: an end of the scale that is a multiple of the step may be a hair beyond.
const SLACK: f64 = 1e-9;

/// A number beside the bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Where on the bar, from its low end (0) to its high one (1).
    pub fraction: f64,
    pub label: String,
}

/// `digits · 10^exponent`.
#[derive(Debug, Clone, Copy)]
struct Step {
    digits: f64,
    exponent: i32,
}

/// Every multiple of a step of 1, 2, 2.5 or 5 times a power of ten within the scale: at most seven numbers, and at least
/// three on a scale that begins at zero or has it in the middle. A scale without a width, or with one that is no finite
/// number, has its ends.
pub(crate) fn ticks(scale: &Scale) -> Vec<Tick> {
    let width = scale.high - scale.low;
    let tick = |number: f64, label: String| Tick { fraction: scale.fraction(number), label };
    if !(width.is_normal() && width > 0.0) {
        let mut ends =
            [scale.low, scale.high].map(|end| tick(end, number_beside(end, scale.largest()))).to_vec();
        ends.dedup();
        return ends;
    }
    let step = Step::at_least(width / MOST_STEPS);
    let first = (scale.low / step.size() - SLACK).ceil() as i64;
    let last = (scale.high / step.size() + SLACK).floor() as i64;
    let multiples = (first..=last).map(|multiple| multiple as f64 * step.size());
    multiples.map(|number| tick(number, step.label(number, scale.largest()))).collect()
}

impl Step {
    /// The least one that is not below `least`.
    fn at_least(least: f64) -> Self {
        let exponent = least.log10().floor() as i32;
        let fits = |step: &Self| step.size() >= least * (1.0 - SLACK);
        let steps = [1.0, 2.0, 2.5, 5.0].map(|digits| Self { digits, exponent });
        steps.into_iter().find(fits).unwrap_or(Self { digits: 1.0, exponent: exponent + 1 })
    }

    fn size(&self) -> f64 {
        self.digits * 10_f64.powi(self.exponent)
    }

    /// A multiple of the step with as many decimals as the step has, or as all numbers beside one so large or so small.
    fn label(&self, number: f64, largest: f64) -> String {
        let decimals = if self.digits.fract() == 0.0 { -self.exponent } else { 1 - self.exponent };
        match number {
            0.0 => "0".to_owned(),
            _ if is_plain(largest) => format!("{number:.*}", decimals.max(0) as usize),
            _ => number_beside(number, largest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scale: Scale, labels: &[&str]) {
        let ticks = ticks(&scale);
        assert_eq!(ticks.iter().map(|tick| tick.label.as_str()).collect::<Vec<_>>(), labels, "{scale:?}");
        assert!(ticks.iter().all(|tick| (0.0..=1.0).contains(&tick.fraction)), "{ticks:?}");
    }

    #[test]
    fn the_numbers_beside_a_bar_are_round() {
        check(Scale::diverging(0.876), &["-0.5", "0", "0.5"]);
        check(Scale::diverging(1.0), &["-1.0", "-0.5", "0", "0.5", "1.0"]);
        check(Scale::diverging(0.6), &["-0.6", "-0.4", "-0.2", "0", "0.2", "0.4", "0.6"]);
        check(Scale::diverging(0.7), &["-0.50", "-0.25", "0", "0.25", "0.50"]);
        check(Scale::diverging(1.5), &["-1.5", "-1.0", "-0.5", "0", "0.5", "1.0", "1.5"]);
        check(Scale::diverging(250.0), &["-200", "-100", "0", "100", "200"]);
        check(Scale::sequential(0.0, 0.876), &["0", "0.2", "0.4", "0.6", "0.8"]);
        check(Scale::sequential(0.0, 1.0), &["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(Scale::sequential(0.0, 12.0), &["0", "2", "4", "6", "8", "10", "12"]);
        check(Scale::sequential(0.0, 0.03), &["0", "0.005", "0.010", "0.015", "0.020", "0.025", "0.030"]);
        check(Scale::sequential(0.0, 2e-7), &["0", "5.00e-8", "1.00e-7", "1.50e-7", "2.00e-7"]);
    }

    #[test]
    fn there_are_three_to_seven_for_a_scale_of_any_width() {
        for i in 0..4000 {
            let width = 1.013_f64.powi(i - 2000);
            for scale in [Scale::diverging(width), Scale::sequential(0.0, width)] {
                let ticks = ticks(&scale);
                assert!((3..=7).contains(&ticks.len()), "{scale:?}: {ticks:?}");
                assert!(ticks.iter().any(|tick| tick.label == "0"), "{scale:?}: {ticks:?}");
                assert!(ticks.windows(2).all(|two| two[0].label != two[1].label), "{scale:?}: {ticks:?}");
            }
        }
    }

    #[test]
    fn every_tick_stands_where_its_number_is() {
        let found = ticks(&Scale::diverging(2.0));
        let fractions: Vec<f64> = found.iter().map(|tick| tick.fraction).collect();
        assert_eq!(fractions, [0.0, 0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn a_scale_without_width_has_its_end() {
        check(Scale::diverging(0.0), &["0"]);
        check(Scale::sequential(0.0, 0.0), &["0"]);
        assert_eq!(ticks(&Scale::diverging(f64::MAX)).len(), 2);
    }
}
