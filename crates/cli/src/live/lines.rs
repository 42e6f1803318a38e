//! The lines above and below the pictures, as parts of which as many are shown as fit.

use ratatui::text::Span;

use super::view::{Mode, Pace, View};

/// Between two parts of a line.
const GAP: usize = 2;

/// The figures, the most important first, and last the task. Each keeps its width, so that nothing moves while they change.
pub fn figures(view: &View) -> Vec<String> {
    let Pace { step, steps, loss, lr, tokens_per_second, seconds_left } = view.pace;
    let digits = steps.to_string().len();
    let mut figures = vec![format!("step {step:>digits$}/{steps}")];
    if view.mode == Mode::Paused {
        figures.push("paused".to_owned());
    }
    if step > 0 {
        let left = seconds_left.map(duration).unwrap_or_default();
        figures.push(format!("loss {loss:<6.4}"));
        figures.push(format!("{left:>5} left"));
        figures.push(format!("{:>7} tokens/s", thousands(tokens_per_second)));
        figures.push(format!("lr {lr:.1e}"));
    }
    figures.push(view.task.clone());
    figures
}

/// The keys, the most important first, with what they do.
pub fn keys(mode: Mode) -> [(&'static str, &'static str); 7] {
    let pause = if mode == Mode::Paused { "go on" } else { "pause" };
    [("q", "stop"), ("?", "help"), ("p", pause), ("s", "save"), ("l", "layer"), ("h", "head"), ("i", "input")]
}

/// The parts in at most `most` lines of this width; what does not fit is left out, but never the first.
pub fn wrapped(parts: impl IntoIterator<Item = String>, width: u16, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        let fits = |line: &&mut String| columns(line) + GAP + columns(&part) <= usize::from(width);
        let is_full = lines.len() >= most.max(1);
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push_str(&" ".repeat(GAP));
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

/// `1,234,567`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
    fn large_numbers_have_commas() {
        assert_eq!([0.4, 999.0, 1000.0, 1_234_567.0].map(thousands), ["0", "999", "1,000", "1,234,567"]);
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
