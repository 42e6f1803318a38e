//! What a training prints: its start, its progress and its end.

pub mod closing_summary;
pub mod describe;
pub mod loss_curve;
pub mod progress;
pub mod rate;
pub mod series;
