//! Which checkpoints stay.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::error::RunError;
use crate::folder::{CHECKPOINTS, RunFolder};
use crate::storage::retire;

impl RunFolder {
    /// Removes all checkpoints but the `keep` newest, at least one, the best and the first, which is the start or where
    /// the run branched from another; returns the steps of those that went. The best has the lowest held-out loss among
    /// those that were evaluated at their own step. A damaged checkpoint is not counted, and stays.
    ///
    /// # Errors
    /// If a checkpoint cannot be read or removed.
    pub fn prune(&self, keep: usize) -> Result<Vec<u64>, RunError> {
        let mut losses = Vec::new();
        for checkpoint in self.checkpoints()? {
            match checkpoint.description() {
                Ok(description) => {
                    let loss = description.evaluation.map(|evaluation| evaluation.loss);
                    losses.push((checkpoint, loss.filter(|loss| loss.is_finite())));
                }
                Err(RunError::Damaged { .. } | RunError::UnknownFormat { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let steps = losses.iter().map(|(checkpoint, _)| checkpoint.step);
        let mut kept: BTreeSet<u64> = steps.rev().take(keep.max(1)).collect();
        let evaluated = losses.iter().filter_map(|(checkpoint, loss)| Some((checkpoint.step, (*loss)?)));
        // Of equal ones the newest, which is often kept anyway.
        let best = evaluated.rev().min_by(|(_, one), (_, other)| one.total_cmp(other));
        kept.extend(best.map(|(step, _)| step));
        kept.extend(losses.first().map(|(checkpoint, _)| checkpoint.step));
        let removed: Vec<_> =
            losses.into_iter().map(|(found, _)| found).filter(|found| !kept.contains(&found.step)).collect();
        let folders: Vec<PathBuf> = removed.iter().map(|checkpoint| checkpoint.folder.clone()).collect();
        retire(&*self.storage, &self.path.join(CHECKPOINTS), &folders)?;
        Ok(removed.iter().map(|checkpoint| checkpoint.step).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{Outcome, contents, contents_with_loss, run, steps_of};
    use std::fs;

    #[test]
    fn the_newest_the_best_and_the_start_stay() -> Outcome {
        let (folder, run) = run(&[0])?;
        // Without a held-out loss at 6 and with none that is a number at 8.
        for (step, loss) in [(2, 0.5), (3, 0.25), (4, 0.25), (5, 0.75), (7, 0.5), (8, f64::NAN)] {
            run.write_checkpoint(step, &contents_with_loss(step, loss))?;
        }
        run.write_checkpoint(6, &contents(6))?;
        assert_eq!(run.prune(2)?, [2, 3, 5, 6]);
        assert_eq!((steps_of(&run)?, run.prune(2)?), (vec![0, 4, 7, 8], vec![]));
        assert_eq!((run.prune(0)?, steps_of(&run)?), (vec![7], vec![0, 4, 8]));
        assert_eq!(fs::read_dir(folder.path().join(CHECKPOINTS))?.count(), 3, "something is left over");
        Ok(())
    }

    #[test]
    fn a_damaged_checkpoint_is_neither_counted_nor_removed() -> Outcome {
        let (_folder, run) = run(&[0, 1, 2, 3, 4])?;
        for step in [1, 4] {
            fs::write(run.at(step)?.config(), "{}")?;
        }
        assert_eq!((run.prune(1)?, steps_of(&run)?), (vec![2], vec![0, 1, 3, 4]));
        Ok(())
    }
}
