//! Which checkpoints stay.

use std::collections::BTreeSet;

use crate::checkpoint::Checkpoint;
use crate::error::RunError;
use crate::folder::{CHECKPOINTS, RunFolder};
use crate::log::Figure;
use crate::storage::retire;

/// What became of the checkpoints that need not stay.
#[derive(Debug, Default)]
pub struct Pruned {
    /// Steps of those that went.
    pub removed: Vec<u64>,
    /// Why others are still there: what could not be read or removed now stays, and the next time is another try.
    pub failures: Vec<RunError>,
}

impl RunFolder {
    /// Removes all checkpoints but the `keep` newest, at least one, the best and the first, which is the start or where
    /// the run branched from another. The best is so by its `figure` on the validation split, such as the loss, among
    /// those that were evaluated at their own step. A damaged checkpoint, or one that cannot be read, is not counted,
    /// and stays: that old ones remain is no reason to end a training.
    pub fn prune(&self, keep: usize, figure: &Figure) -> Pruned {
        let mut pruned = Pruned::default();
        let folders = self.step_folders().unwrap_or_else(|error| {
            pruned.failures.push(error);
            Vec::new()
        });
        let mut found = Vec::new();
        for checkpoint in folders {
            match checkpoint.held_out(figure) {
                Ok(Some(value)) => found.push((checkpoint, value)),
                Ok(None) => {}
                Err(error) => pruned.failures.push(error),
            }
        }
        let steps = found.iter().map(|(checkpoint, _)| checkpoint.step);
        let mut kept: BTreeSet<u64> = steps.rev().take(keep.max(1)).collect();
        let evaluated = found.iter().filter(|(_, value)| value.is_finite());
        // Of equal ones the newest, which is often kept anyway.
        let best = evaluated.rev().min_by(|(_, one), (_, other)| figure.compare(*one, *other));
        kept.extend(best.map(|(checkpoint, _)| checkpoint.step));
        kept.extend(found.first().map(|(checkpoint, _)| checkpoint.step));
        for (checkpoint, _) in found.into_iter().filter(|(checkpoint, _)| !kept.contains(&checkpoint.step)) {
            // One by one, so that one that cannot be removed keeps no other.
            match retire(&*self.storage, &self.path.join(CHECKPOINTS), &[checkpoint.folder]) {
                Ok(()) => pruned.removed.push(checkpoint.step),
                Err(error) => pruned.failures.push(error),
            }
        }
        pruned
    }
}

impl Checkpoint {
    /// The figure on the validation split, NaN where it was not measured; `None` for a checkpoint that is incomplete, damaged,
    /// or of another program.
    fn held_out(&self, figure: &Figure) -> Result<Option<f64>, RunError> {
        if !self.is_complete()? {
            return Ok(None);
        }
        match self.description() {
            Ok(description) => {
                let evaluation = description.evaluation.unwrap_or_default();
                Ok(Some(evaluation.figure(&figure.name).unwrap_or(f64::NAN)))
            }
            Err(RunError::Damaged { .. } | RunError::UnknownFormat { .. }) => Ok(None),
            Err(error) => Err(error),
        }
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
        assert_eq!(run.prune(2, &Figure::loss()).removed, [2, 3, 5, 6]);
        assert_eq!((steps_of(&run)?, run.prune(2, &Figure::loss()).removed), (vec![0, 4, 7, 8], vec![]));
        assert_eq!((run.prune(0, &Figure::loss()).removed, steps_of(&run)?), (vec![7], vec![0, 4, 8]));
        assert_eq!(fs::read_dir(folder.path().join(CHECKPOINTS))?.count(), 3, "something is left over");
        Ok(())
    }

    #[test]
    fn the_best_is_so_by_the_figure_that_is_asked_for() -> Outcome {
        let (_folder, run) = run(&[0])?;
        for (step, loss, top) in
            [(1, 0.5, 0.25), (2, 0.25, 0.5), (3, 0.75, 0.75), (4, 0.5, 0.25), (5, 0.5, 0.5)]
        {
            let mut contents = contents_with_loss(step, loss);
            contents.description.evaluation =
                contents.description.evaluation.map(|found| found.with("top", top));
            run.write_checkpoint(step, &contents)?;
        }
        // The lowest loss is that of step 2, which is not asked for.
        assert_eq!(run.prune(2, &Figure::larger_is_better("top")).removed, [1, 2]);
        assert_eq!(run.prune(1, &Figure::smaller_is_better("top")).removed, [3]);
        assert_eq!((run.prune(1, &Figure::loss()).removed, steps_of(&run)?), (vec![4], vec![0, 5]));
        Ok(())
    }

    #[test]
    fn a_damaged_checkpoint_is_neither_counted_nor_removed() -> Outcome {
        let (_folder, run) = run(&[0, 1, 2, 3, 4])?;
        for step in [1, 4] {
            fs::write(run.at(step)?.config(), "{}")?;
        }
        let pruned = run.prune(1, &Figure::loss());
        assert_eq!((pruned.removed, steps_of(&run)?), (vec![2], vec![0, 1, 3, 4]));
        assert!(pruned.failures.is_empty(), "{:?}", pruned.failures);
        Ok(())
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_stays_and_the_others_go() -> Outcome {
        let (_folder, run) = run(&[0, 1, 2, 3, 4])?;
        let config = run.at(1)?.config();
        fs::remove_file(&config)?;
        fs::create_dir(&config)?;
        let pruned = run.prune(1, &Figure::loss());
        assert_eq!((pruned.removed, pruned.failures.len()), (vec![2, 3], 1));
        let message = pruned.failures[0].to_string();
        assert!(message.contains(&config.display().to_string()), "{message}");
        assert!(config.is_dir());
        assert_eq!(run.latest()?.step, 4);
        Ok(())
    }
}
