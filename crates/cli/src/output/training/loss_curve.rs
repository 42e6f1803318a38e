//! What a run leaves on the terminal: the loss of its steps as a curve of three lines.

use std::cmp::Ordering;

use qkv_inspect::significant;
use qkv_train::{Next, Observer, State, StepReport, TrainError};

use super::series::Series;
use crate::output::colour;
use crate::output::text::wrap::COLUMNS;

/// Columns of a curve at most: a line fits into a terminal of 80, and the cursor behind it.
const WIDTH: usize = COLUMNS - 1;

/// In fewer columns of a terminal a curve tells less than its labels.
const NARROW: usize = 40;

/// Lines, and the rows of dots in them.
const LINES: usize = 3;
const ROWS: usize = 4 * LINES;

/// Between a label and the curve.
const GAP: usize = 2;

/// The first character without a dot, and the dots of each row of a character, left and right.
const BLANK: u32 = 0x2800;
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// The training loss over the steps that were made.
#[derive(Debug, Default)]
pub struct LossCurve {
    series: Series,
    first: Option<(u64, f64)>,
    last: Option<(u64, f64)>,
}

impl LossCurve {
    /// For a run on a terminal; `None` elsewhere.
    pub fn on_a_terminal() -> Option<Self> {
        colour::is_terminal().then(Self::default)
    }

    fn push(&mut self, step: u64, loss: f64) {
        self.series.push(step, loss);
        self.first.get_or_insert((step, loss));
        self.last = Some((step, loss));
    }

    /// The curve between its first and its last loss, as wide as the terminal is now; `None` where it would be a point,
    /// and on a narrow terminal.
    pub fn lines(&self) -> Option<String> {
        self.on(terminal_columns())
    }

    /// The curve on a terminal of so many columns.
    fn on(&self, columns: usize) -> Option<String> {
        let line_width = WIDTH.min(columns.checked_sub(1).filter(|_| columns >= NARROW)?);
        let (first, last) = (self.first?, self.last?);
        let scale = Scale::of(&self.series)?;
        let label =
            |(step, loss): (u64, f64)| [format!("loss {}", significant(loss)), format!("at step {step}")];
        let [[begin, from], [end, to]] = [first, last].map(label);
        let (left, right) = ([begin.as_str(), &from, scale.name()], [end.as_str(), &to, ""]);
        let widest =
            |labels: [&str; LINES]| labels.map(|label| label.chars().count()).into_iter().max().unwrap_or(0);
        let n_characters =
            line_width.checked_sub(widest(left) + widest(right) + 2 * GAP).filter(|n| *n > 0)?;
        let curve = braille(&scale.rows(&self.series, 2 * n_characters)?);
        let line = |line: usize| {
            let (gap, width) = (" ".repeat(GAP), widest(left));
            format!("{:<width$}{gap}{}{gap}{}", left[line], curve[line], right[line]).trim_end().to_owned()
        };
        Some([0, 1, 2].map(line).join("\n"))
    }
}

impl<M> Observer<M> for LossCurve {
    fn step(&mut self, _state: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.push(report.step, report.loss);
        Ok(Next::Continue)
    }
}

/// Columns of standard output; the usual number where the terminal has none to tell.
#[cfg(unix)]
fn terminal_columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    size.map(|size| usize::from(size.ws_col)).ok().filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

#[cfg(not(unix))]
fn terminal_columns() -> usize {
    COLUMNS
}

/// From a loss to its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    /// A loss falls by powers of ten.
    Logarithm,
}

impl Scale {
    /// Some losses of a user's own have no logarithm. `None` for fewer than two that are finite.
    fn of(series: &Series) -> Option<Self> {
        let finite = || series.points().iter().filter(|point| point.1.is_finite());
        finite().nth(1)?;
        Some(if finite().all(|point| point.1 > 0.0) { Self::Logarithm } else { Self::Linear })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Linear => "",
            Self::Logarithm => "log scale",
        }
    }

    fn height(self, loss: f64) -> f64 {
        match self {
            Self::Linear => loss,
            Self::Logarithm => loss.log10(),
        }
    }

    /// The row of the curve in each of so many columns of dots, from above.
    fn rows(self, series: &Series, n_columns: usize) -> Option<Vec<usize>> {
        let points: Vec<(f64, f64)> = series
            .points()
            .iter()
            .filter(|point| point.1.is_finite())
            .map(|&(x, y)| (x, self.height(y)))
            .collect();
        let ((from, _), (to, _)) = (*points.first()?, *points.last()?);
        let step = |column: usize| from + (to - from) * column as f64 / (n_columns - 1) as f64;
        let half = (to - from) / (n_columns - 1) as f64 / 2.0;
        let heights: Vec<f64> =
            (0..n_columns).map(step).map(|step| height_at(&points, [step - half, step + half])).collect();
        let low = heights.iter().copied().fold(f64::INFINITY, f64::min);
        let high = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // A constant curve lies in the middle.
        let share = |height: f64| if high > low { (high - height) / (high - low) } else { 0.5 };
        Some(heights.into_iter().map(|height| (share(height) * (ROWS - 1) as f64).round() as usize).collect())
    }
}

/// The mean of the points within a range of steps, or what lies on the line between those beside it.
fn height_at(points: &[(f64, f64)], [from, to]: [f64; 2]) -> f64 {
    let (begin, end) =
        (points.partition_point(|point| point.0 < from), points.partition_point(|point| point.0 <= to));
    let within = &points[begin..end];
    if !within.is_empty() {
        return within.iter().map(|point| point.1).sum::<f64>() / within.len() as f64;
    }
    let (before, after) = (points[begin.saturating_sub(1)], points[begin.min(points.len() - 1)]);
    let share = ((from + to) / 2.0 - before.0) / (after.0 - before.0).max(f64::MIN_POSITIVE);
    before.1 + (after.1 - before.1) * share.clamp(0.0, 1.0)
}

/// A curve as characters of two columns and four rows of dots; steep parts are lines without a gap.
fn braille(rows: &[usize]) -> [String; LINES] {
    let mut characters = vec![[0; LINES]; rows.len().div_ceil(2)];
    let before = std::iter::once(rows[0]).chain(rows.iter().copied());
    for (column, (row, before)) in rows.iter().copied().zip(before).enumerate() {
        let reached = match before.cmp(&row) {
            Ordering::Less => before + 1..=row,
            Ordering::Equal => row..=row,
            Ordering::Greater => row..=before - 1,
        };
        for at in reached {
            characters[column / 2][at / 4] |= DOTS[at % 4][column % 2];
        }
    }
    std::array::from_fn(|line| {
        let character = |dots: &[u32; LINES]| char::from_u32(BLANK + dots[line]).unwrap_or(' ');
        characters.iter().map(character).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve_on(columns: usize, losses: impl IntoIterator<Item = f64>) -> Option<Vec<String>> {
        let mut curve = LossCurve::default();
        losses.into_iter().zip(1..).for_each(|(loss, step)| curve.push(step, loss));
        Some(curve.on(columns)?.lines().map(str::to_owned).collect())
    }

    fn curve(losses: impl IntoIterator<Item = f64>) -> Option<Vec<String>> {
        curve_on(COLUMNS, losses)
    }

    /// The dots of each character that has any or none.
    fn dots(line: &str) -> Vec<u32> {
        line.chars().filter_map(|c| (c as u32).checked_sub(BLANK)).collect()
    }

    #[test]
    fn powers_of_ten_are_a_straight_line_between_the_first_loss_and_the_last() {
        let lines = curve((0..=500).map(|step| 10f64.powf(f64::from(step) / -250.0))).expect("two losses");
        assert!(lines[0].starts_with("loss 1.000  \u{2809}\u{2809}"), "{lines:#?}");
        assert!(lines[0].ends_with("\u{2800}  loss 0.01000"), "{lines:#?}");
        assert!(
            lines[1].starts_with("at step 1   \u{2800}") && lines[1].ends_with("  at step 501"),
            "{lines:#?}"
        );
        assert!(lines[2].starts_with("log scale   \u{2800}") && lines[2].ends_with('\u{28c0}'), "{lines:#?}");
        assert_eq!(lines[0].chars().count(), WIDTH);
        // One dot a column, because the slope is small.
        let n_dots: u32 = lines.iter().flat_map(|line| dots(line)).map(u32::count_ones).sum();
        assert_eq!(n_dots as usize, 2 * dots(&lines[0]).len(), "{lines:#?}");
    }

    #[test]
    fn a_curve_is_never_wider_than_its_terminal_and_absent_on_a_narrow_one() {
        let losses = || (1..=50).map(|step| 1.0 / f64::from(step));
        for (columns, expected) in [(40, 39), (60, 59), (80, 79), (200, 79)] {
            let lines = curve_on(columns, losses()).expect("fifty losses");
            let widest = lines.iter().map(|line| line.chars().count()).max();
            assert_eq!(widest, Some(expected), "{columns} columns: {lines:#?}");
        }
        for narrow in [0, 1, 39] {
            assert_eq!(curve_on(narrow, losses()), None);
        }
    }

    #[test]
    fn a_jump_is_a_line_without_a_gap() {
        let drawn = braille(&[0, 0, 11, 11, 5]).map(|line| dots(&line));
        assert_eq!(drawn, [[0x09, 0x46, 0], [0, 0x47, 0x46], [0, 0xc7, 0x07]]);
    }

    #[test]
    fn what_has_no_logarithm_is_drawn_as_it_is_and_what_is_no_number_not_at_all() {
        let lines = curve([-2.0, f64::NAN, 3.0, 3.0]).expect("three losses");
        assert!(lines[0].starts_with("loss -2.000") && lines[0].ends_with("  loss 3.000"), "{lines:#?}");
        assert!(!lines.concat().contains("log") && dots(&lines[2])[0] & 0x40 > 0, "{lines:#?}");
        let constant = curve([1.0, 1.0]).expect("two losses");
        assert!(dots(&constant[1]).iter().all(|dots| *dots == 0x24), "{constant:#?}");
        for too_few in [vec![], vec![1.0], vec![f64::NAN, 2.0, f64::INFINITY]] {
            assert_eq!(curve(too_few), None);
        }
    }
}
