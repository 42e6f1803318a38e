//! The runs of one process, in their order.

use std::collections::{BTreeSet, VecDeque};

use super::super::end::{Cause, End, Failure};
use super::Turn;

/// Those that are left.
pub struct Listed {
    left: VecDeque<usize>,
    /// Those that another process had when it was their turn: they have another one at the end.
    were_busy: BTreeSet<usize>,
}

impl Listed {
    pub fn of(n_runs: usize) -> Self {
        Self { left: (0..n_runs).collect(), were_busy: BTreeSet::new() }
    }

    pub fn next(&mut self) -> Turn {
        self.left.pop_front().map_or(Turn::Over, Turn::Train)
    }

    pub fn is_put_back(&mut self, run: usize, end: &End) -> bool {
        let is_busy = matches!(end, End::Failed(Failure { cause: Cause::Busy, .. }));
        let is_put_back = is_busy && self.were_busy.insert(run);
        if is_put_back {
            self.left.push_back(run);
        }
        is_put_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_another_process_has_comes_again_at_the_end_and_once() {
        let busy = End::Failed(Failure::new(Cause::Busy, "exit code 3"));
        let mut listed = Listed::of(3);
        let mut order = Vec::new();
        while let Turn::Train(run) = listed.next() {
            order.push(run);
            let end = if run == 0 { &busy } else { &End::Done };
            assert_eq!(listed.is_put_back(run, end), run == 0 && order.len() == 1);
        }
        assert_eq!(order, [0, 1, 2, 0]);
    }
}
