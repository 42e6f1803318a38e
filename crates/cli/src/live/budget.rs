//! When the next picture is due, so that drawing never takes more than its share of a run.

use std::time::{Duration, Instant};

/// Ten pictures a second at most; more are not seen.
const INTERVAL: Duration = Duration::from_millis(100);

/// A picture is followed by so many times its own duration of training: 2 % of the time at most, which leaves a third of
/// the promised 3 % for the keys and for a last picture that is followed by less training than that.
const TRAINING_PER_DRAWING: u32 = 49;

/// Counts the time spent on the view.
pub struct Budget {
    spent: Duration,
    next: Instant,
}

impl Budget {
    pub fn new() -> Self {
        Self { spent: Duration::ZERO, next: Instant::now() }
    }

    pub fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Has the next picture drawn without waiting.
    pub fn hurry(&mut self) {
        self.next = Instant::now();
    }

    /// Counts what was spent on a picture since `started`, and says when the next may come.
    pub fn spend(&mut self, started: Instant) {
        let took = started.elapsed();
        self.spent += took;
        self.next = Instant::now() + INTERVAL.max(took * TRAINING_PER_DRAWING);
    }

    /// Time spent so far.
    pub fn spent(&self) -> Duration {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_picture_is_followed_by_a_long_wait() {
        let mut budget = Budget::new();
        assert!(budget.is_due());
        let started = Instant::now();
        std::thread::sleep(Duration::from_millis(20));
        budget.spend(started);
        assert!(budget.spent() >= Duration::from_millis(20));
        assert!(budget.next >= Instant::now() + Duration::from_millis(900));
        budget.hurry();
        assert!(budget.is_due());
    }
}
