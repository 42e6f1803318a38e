//! The only process of a run.

use super::Processes;
use crate::error::TrainError;

/// One process, which computes everything: what a [`Trainer`](crate::Trainer) runs on unless it is given others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alone;

impl Processes for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn gather(&self, mine: Vec<u8>) -> Result<Vec<Vec<u8>>, TrainError> {
        Ok(vec![mine])
    }

    fn exchange(&self, to_each: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, TrainError> {
        Ok(to_each)
    }
}
