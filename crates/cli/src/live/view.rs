//! Everything that the live view shows at one moment; `drawing` makes a picture of it.

use qkv_inspect::{Matrix, TextStyle};

use super::keys::{Axis, Direction};
use super::pace::Pace;
use crate::output::training::series::Series;

/// The content of the screen.
#[derive(Debug, Clone)]
pub struct View {
    pub task: String,
    pub style: TextStyle,
    pub pace: Pace,
    /// Training loss by step.
    pub loss: Series,
    /// Share of held-out answers that are right, by step.
    pub accuracy: Series,
    pub place: Place,
    /// Of each layer.
    pub n_heads: Vec<usize>,
    /// Of each layer, where they have other names than their numbers.
    pub layer_names: Vec<String>,
    pub n_inputs: usize,
    pub capture: Capture,
    pub training: Training,
    pub motion: Motion,
    pub has_help: bool,
    /// The latest event, such as a save; empty after a while.
    pub message: String,
    /// What became of a training that is over.
    pub ending: String,
}

/// A head and the input that it is shown with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    pub layer: usize,
    pub head: usize,
    pub input: usize,
}

/// The map and the matrices at a place. A sentence stands for a matrix that cannot be shown.
#[derive(Debug, Clone)]
pub struct Capture {
    pub place: Place,
    /// The attention map, `[q_len, k_len]`.
    pub map: Result<Matrix, String>,
    /// Of its rows, and of its columns.
    pub labels: [Vec<String>; 2],
    /// `W_Q`, `W_K` and `W_V` of the head.
    pub projections: [Result<Matrix, String>; 3],
}

/// Whether the trainer makes steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Training {
    Runs,
    /// Until a key lets it go on.
    Held,
    /// It has come to its end, and can still be looked at.
    Over,
}

/// How fast the trainer makes steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// As fast as it can.
    Full,
    /// So that a person can follow: the whole training within half a minute or more.
    Slow,
    /// So that a person sees it: a run that would be over at once, within some seconds.
    Short,
}

impl Motion {
    /// What the key for it switches to.
    pub fn switched(self) -> Self {
        match self {
            Self::Full => Self::Slow,
            Self::Slow | Self::Short => Self::Full,
        }
    }
}

impl Default for Capture {
    /// Before the first capture.
    fn default() -> Self {
        let later = || Err("after the first step".to_owned());
        Self {
            place: Place::default(),
            map: later(),
            labels: Default::default(),
            projections: [(); 3].map(|()| later()),
        }
    }
}

impl Place {
    /// The next or previous place along an axis; after the last comes the first.
    pub fn moved(self, axis: Axis, direction: Direction, n_heads: &[usize], n_inputs: usize) -> Self {
        let around = |index: usize, count: usize| match direction {
            _ if count == 0 => 0,
            Direction::Next => (index + 1) % count,
            Direction::Previous => (index + count - 1) % count,
        };
        let heads_of = |layer: usize| n_heads.get(layer).copied().unwrap_or(0);
        match axis {
            Axis::Layer => {
                let layer = around(self.layer, n_heads.len());
                Self { layer, head: self.head.min(heads_of(layer).saturating_sub(1)), ..self }
            }
            Axis::Head => Self { head: around(self.head, heads_of(self.layer)), ..self },
            Axis::Input => Self { input: around(self.input, n_inputs), ..self },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_goes_around_and_never_leaves_the_model() {
        let n_heads = [5, 2];
        let start = Place { layer: 0, head: 4, input: 2 };
        let go = |place: Place, axis, direction| place.moved(axis, direction, &n_heads, 3);
        assert_eq!(go(start, Axis::Layer, Direction::Next), Place { layer: 1, head: 1, input: 2 });
        assert_eq!(go(start, Axis::Head, Direction::Next), Place { head: 0, ..start });
        assert_eq!(go(start, Axis::Input, Direction::Next), Place { input: 0, ..start });
        assert_eq!(go(start, Axis::Head, Direction::Previous), Place { head: 3, ..start });
        assert_eq!(Place::default().moved(Axis::Head, Direction::Previous, &[], 0), Place::default());
    }
}
