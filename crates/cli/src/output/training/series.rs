//! A figure over the steps of a run, in bounded memory: the live view and the curve at the end of a run draw it.

/// Most points that are kept; twice as many as a wide terminal has columns of dots.
const MAX_POINTS: usize = 512;

/// Means over so many steps each that the number of points stays bounded.
#[derive(Debug, Clone)]
pub struct Series {
    points: Vec<(f64, f64)>,
    /// Values behind one point.
    stride: usize,
    /// Sum and number of the values since the latest point.
    open: (f64, usize),
    latest: Option<f64>,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::new(), stride: 1, open: (0.0, 0), latest: None }
    }
}

impl Series {
    pub fn push(&mut self, step: u64, value: f64) {
        self.latest = Some(value);
        let (sum, count) = (self.open.0 + value, self.open.1 + 1);
        self.open = (sum, count);
        if count < self.stride {
            return;
        }
        self.points.push((step as f64, sum / count as f64));
        self.open = (0.0, 0);
        if self.points.len() >= MAX_POINTS {
            let pair = |pair: &[(f64, f64)]| (pair[1].0, (pair[0].1 + pair[1].1) / 2.0);
            self.points = self.points.chunks_exact(2).map(pair).collect();
            self.stride *= 2;
        }
    }

    /// Step and value.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The latest value itself, not a mean.
    pub fn latest(&self) -> Option<f64> {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_stays_small_and_keeps_its_mean() {
        let mut series = Series::default();
        for step in 1..=4096 {
            series.push(step, if step % 2 == 0 { 3.0 } else { 1.0 });
        }
        assert!(series.points().len() < MAX_POINTS);
        assert_eq!(series.points().last(), Some(&(4096.0, 2.0)));
        assert_eq!(series.latest(), Some(3.0));
    }
}
