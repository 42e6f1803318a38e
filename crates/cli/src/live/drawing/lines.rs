//! The lines above and below the pictures, as parts of which as many are shown as fit.

use qkv_inspect::{grouped, significant};
use ratatui::text::Span;

use crate::live::pace::Pace;
use crate::live::view::{Motion, Training, View};

/// Between two parts of a line.
const GAP: usize = 2;

/// The figures, the most important first, and last the task. Each keeps its width, so that nothing moves while they
/// change.
pub fn figures(view: &View) -> Vec<String> {
    let Pace { step, last_step, ref report, tokens_per_second, seconds_left } = view.pace;
    let digits = last_step.to_string().len();
    let mut figures = vec![format!("step {step:>digits$}/{last_step}")];
    let state = match (view.training, view.motion) {
        (Training::Held, _) => Some("paused"),
        (Training::Over, _) => Some("the end"),
        (Training::Runs, Motion::Slow | Motion::Short) => Some("slow motion"),
        (Training::Runs, Motion::Full) => None,
    };
    figures.extend(state.map(str::to_owned));
    figures.extend(report.as_ref().map(|report| format!("loss {:<8}", significant(report.loss))));
    if view.training == Training::Over {
        figures.extend([view.ending.clone(), view.task.clone()]);
        return figures;
    }
    figures.extend(seconds_left.map(|seconds| format!("{:>5} left", duration(seconds))));
    figures.extend(tokens_per_second.map(|rate| format!("{:>7} tokens/s", grouped(rate.round() as usize))));
    figures.extend(report.as_ref().map(|report| format!("lr {:.1e}", report.lr)));
    figures.push(view.task.clone());
    figures
}

/// The keys, the most important first, with what they do.
pub fn keys<'a>(training: Training, motion: Motion) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_the_training: &[(&str, &str)] = match training {
        Training::Runs => &[("q", "stop"), ("?", "help"), ("p", "pause"), ("n", "step"), ("s", "save")],
        Training::Held => &[("q", "stop"), ("?", "help"), ("p", "go on"), ("n", "step"), ("s", "save")],
        Training::Over => &[("q", "leave"), ("?", "help")],
    };
    let other_motion = match motion {
        Motion::Full => "slow motion",
        Motion::Slow | Motion::Short => "full speed",
    };
    let of_the_view = [("l", "layer"), ("h", "head"), ("i", "input"), ("m", other_motion)];
    let n_of_the_view = of_the_view.len() - usize::from(training == Training::Over);
    of_the_training.iter().copied().chain(of_the_view.into_iter().take(n_of_the_view))
}

/// The parts in at most `max` lines of this width; parts that do not fit are left out, but never the first.
pub fn wrapped(parts: impl IntoIterator<Item = String>, width: u16, max: usize) -> Vec<String> {
    filled(parts, GAP, width, max.max(1))
}

/// A text in lines of this width, broken between words; a longer word is cut.
pub fn folded(text: &str, width: u16) -> Vec<String> {
    filled(text.split(' ').map(str::to_owned), 1, width, usize::MAX)
}

/// As many parts a line as fit beside each other, with a gap between two.
fn filled(parts: impl IntoIterator<Item = String>, gap: usize, width: u16, max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let fits = |line: &&mut String| columns(line) + gap + columns(&part) <= usize::from(width);
        let is_full = lines.len() >= max;
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push_str(&" ".repeat(gap));
                line.push_str(&part);
            }
            None if is_full => break,
            None => lines.push(part),
        }
    }
    lines
}

/// Columns that a text takes.
pub fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// `0:07`, `12:34`, `3:00:00`.
fn duration(seconds: f64) -> String {
    let seconds = seconds.clamp(0.0, 1e9) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_as_on_a_clock() {
        assert_eq!([7.9, 754.0, 10_800.0].map(duration), ["0:07", "12:34", "3:00:00"]);
        assert_eq!(duration(f64::NAN), "0:00");
    }

    #[test]
    fn the_first_part_is_always_there_and_the_rest_where_it_fits() {
        let lines = |width, most| wrapped(["step 1", "loss", "lr"].map(str::to_owned), width, most);
        assert_eq!(
            [3, 12, 99].map(|width| lines(width, 1)),
            [vec!["step 1"], vec!["step 1  loss"], vec!["step 1  loss  lr"]]
        );
        assert_eq!(lines(10, 2), ["step 1", "loss  lr"]);
    }
}
