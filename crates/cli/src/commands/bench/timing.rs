//! The time of one call: warm-up, then as many calls as fit into some seconds.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Calls before the clock starts; the first ones fill caches and the allocator's pools.
const WARM_UP_CALLS: usize = 10;
const WARM_UP: Duration = Duration::from_millis(500);

/// Timed calls at least, and for how long.
const CALLS: usize = 20;
const TIMED: Duration = Duration::from_secs(2);

/// A slow call is repeated no longer than this, but [`FEWEST`] times.
const LONGEST: Duration = Duration::from_secs(10);
const FEWEST: usize = 3;

/// Durations of single calls, in milliseconds, sorted.
#[derive(Debug, Clone)]
pub struct Timing(Vec<f64>);

impl Timing {
    pub fn of(mut call: impl FnMut() -> Result<()>) -> Result<Self> {
        // A card compiles its kernels meanwhile, which takes seconds and is no warm-up.
        call()?;
        let start = Instant::now();
        let mut n = 0;
        while n < WARM_UP_CALLS && start.elapsed() < LONGEST / 4 || start.elapsed() < WARM_UP {
            call()?;
            n += 1;
        }
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < FEWEST
            || (times.len() < CALLS || start.elapsed() < TIMED) && start.elapsed() < LONGEST
        {
            let before = Instant::now();
            call()?;
            times.push(before.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(Self(times))
    }

    /// The value below which a `share` of the calls lies.
    pub fn quantile(&self, share: f64) -> f64 {
        let Self(times) = self;
        let at = share * (times.len() - 1) as f64;
        let (below, above) = (times[at.floor() as usize], times[at.ceil() as usize]);
        below + (above - below) * at.fract()
    }

    pub fn n(&self) -> usize {
        self.0.len()
    }
}
