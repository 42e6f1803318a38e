//! Sums over the targets or the examples of an evaluation, by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a metric has added up so far.
///
/// ```
/// use qkv_train::MetricSums;
///
/// let mut sums = MetricSums::default();
/// sums.add("right", 3.0, 4.0);
/// sums.add("right", 1.0, 1.0);
/// assert_eq!((sums.total("right"), sums.weight("right")), (4.0, 5.0));
/// assert_eq!(sums.means()["right"], 0.8);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetricSums {
    by_name: BTreeMap<String, Sum>,
    /// Every addition, where another process is to repeat them.
    additions: Option<Vec<Addition>>,
}

/// One addition; numbers stand as their bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Addition {
    name: String,
    number: u64,
    weight: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Sum {
    total: f64,
    weight: f64,
}

impl MetricSums {
    /// Adds a number that counts as `weight`: the sum over so many targets, or examples.
    pub fn add(&mut self, name: &str, number: f64, weight: f64) {
        if let Some(additions) = &mut self.additions {
            let [number, weight] = [number, weight].map(f64::to_bits);
            additions.push(Addition { name: name.to_owned(), number, weight });
        }
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), Sum::default());
        }
        if let Some(sum) = self.by_name.get_mut(name) {
            sum.total += number;
            sum.weight += weight;
        }
    }

    /// Sums that keep every addition.
    pub(crate) fn recording() -> Self {
        Self { additions: Some(Vec::new()), ..Self::default() }
    }

    /// Every addition so far, if these sums keep them.
    pub(crate) fn into_additions(self) -> Vec<Addition> {
        self.additions.unwrap_or_default()
    }

    /// Makes the additions of other sums, one after the other.
    pub(crate) fn repeat(&mut self, additions: Vec<Addition>) {
        for Addition { name, number, weight } in additions {
            self.add(&name, f64::from_bits(number), f64::from_bits(weight));
        }
    }

    /// The sum of the numbers; 0 where nothing was added.
    pub fn total(&self, name: &str) -> f64 {
        self.by_name.get(name).map_or(0.0, |sum| sum.total)
    }

    /// The sum of the weights.
    pub fn weight(&self, name: &str) -> f64 {
        self.by_name.get(name).map_or(0.0, |sum| sum.weight)
    }

    /// Each sum divided by its weight.
    pub fn means(&self) -> BTreeMap<String, f64> {
        self.by_name.iter().map(|(name, sum)| (name.clone(), sum.total / sum.weight)).collect()
    }
}
