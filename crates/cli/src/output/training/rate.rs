//! Tokens per second over several steps.

/// Tokens per second between two lines or pictures, because those of single steps flicker.
#[derive(Debug, Default)]
pub struct Rate {
    /// Sum over the steps of the training time of a token.
    seconds: f64,
    steps: f64,
}

impl Rate {
    /// Adds a step; each has as many tokens.
    pub fn push(&mut self, tokens_per_second: f64) {
        self.seconds += 1.0 / tokens_per_second;
        self.steps += 1.0;
    }

    /// The rate over all steps; `None` without any.
    pub fn mean(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.steps / self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_all_tokens_by_all_time() {
        assert_eq!(Rate::default().mean(), None);
        let mut rate = Rate::default();
        // 300 tokens in 3 s and in 1 s.
        rate.push(100.0);
        rate.push(300.0);
        assert!(rate.mean().is_some_and(|mean| (mean - 150.0).abs() < 1e-9));
    }
}
