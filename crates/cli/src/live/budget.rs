//! When a picture or a capture is due, so that the view never takes more than its share of a run.

use std::time::{Duration, Instant};

/// Ten times a second at most; more is not seen.
const INTERVAL: Duration = Duration::from_millis(100);

/// A picture is followed by so many times its own duration of training: 1.5 % of the time at most, and about ten
/// pictures a second, because one takes some 1.5 ms.
pub const TRAINING_PER_PICTURE: u32 = 65;

/// The same for captures of the model, which take longer: 0.7 % at most. Both leave a quarter of the promised 3 % for
/// the keys and for a last one that is followed by less training than that.
pub const TRAINING_PER_CAPTURE: u32 = 150;

/// Time that may be spent ahead of the training that pays for it, so that a key is answered at once.
const CREDIT: Duration = Duration::from_secs(2);

/// What a picture keeps from its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delays {
    Training,
    /// The training waits anyway: it is held, in slow motion, or over.
    Nothing,
}

/// Counts the time spent on one part of the view while the training ran.
pub struct Budget {
    spent: Duration,
    /// When all that was spent is followed by enough training.
    paid: Instant,
    due: Instant,
    /// How much training pays for what is spent.
    price: u32,
}

impl Budget {
    /// What is spent is paid for by `price` times as much training.
    pub fn new(price: u32) -> Self {
        Self { spent: Duration::ZERO, paid: Instant::now(), due: Instant::now(), price }
    }

    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Makes it due without waiting, as far as the credit goes.
    pub fn hurry(&mut self, delays: Delays) {
        let now = Instant::now();
        if delays == Delays::Nothing || self.paid <= now + CREDIT {
            self.due = now;
        }
    }

    /// Counts the time since `started` as spent, and sets when it is due again.
    pub fn spend(&mut self, started: Instant, delays: Delays) {
        let now = Instant::now();
        self.due = now + INTERVAL;
        if delays == Delays::Training {
            let took = now - started;
            self.spent += took;
            self.paid = self.paid.max(now) + took * self.price;
            self.due = self.due.max(self.paid);
        }
    }

    /// Time in which the training was held pays for nothing.
    pub fn wait(&mut self, held: Duration) {
        self.paid += held;
    }

    pub fn spent(&self) -> Duration {
        self.spent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At a price of 99 the credit is enough for one picture, not for two.
    const TOOK: Duration = Duration::from_millis(12);

    /// Spends it without a sleep, which a busy machine would stretch.
    fn spend(budget: &mut Budget, delays: Delays) {
        budget.spend(Instant::now() - TOOK, delays);
    }

    #[test]
    fn a_slow_picture_is_followed_by_a_long_wait() {
        let mut budget = Budget::new(99);
        assert!(budget.is_due());
        let before = Instant::now();
        spend(&mut budget, Delays::Training);
        assert!(budget.spent() >= TOOK && budget.due >= before + 99 * TOOK);
    }

    #[test]
    fn a_key_is_answered_at_once_but_not_on_and_on() {
        let mut budget = Budget::new(99);
        spend(&mut budget, Delays::Training);
        budget.hurry(Delays::Training);
        assert!(budget.is_due());
        spend(&mut budget, Delays::Training);
        budget.hurry(Delays::Training);
        assert!(!budget.is_due());
    }

    #[test]
    fn drawing_while_the_training_is_held_costs_nothing() {
        let mut budget = Budget::new(99);
        spend(&mut budget, Delays::Nothing);
        assert_eq!(budget.spent(), Duration::ZERO);
        assert!(!budget.is_due() && budget.due <= Instant::now() + INTERVAL);
        budget.hurry(Delays::Nothing);
        assert!(budget.is_due());
    }
}
