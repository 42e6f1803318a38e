//! Runs for the tests of this crate.

use crate::checkpoint::{Contents, Description};
use crate::error::RunError;
use crate::folder::Existing;
use crate::folder::RunFolder;
use crate::log::Evaluation;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A config as training writes it.
pub(crate) const CONFIG_TEXT: &str = "seed = 3\n[task]\nname = \"sort\"\n[model]\nname = \"transformer\"\n\
     [optimizer]\nlr = 0.00031622776601683794\n[schedule]\n[train]\nsteps = 9\n";

/// What a checkpoint of this step has in these tests.
pub(crate) fn contents(step: u64) -> Contents {
    let config = CONFIG_TEXT.parse().expect("TOML");
    let description = Description::new(config, vec!["a".to_owned(), "b".to_owned()]);
    Contents { weights: step.to_le_bytes().to_vec(), optimizer: vec![step as u8; 3], description }
}

/// The same with this held-out loss.
pub(crate) fn contents_with_loss(step: u64, loss: f64) -> Contents {
    let mut contents = contents(step);
    contents.description.evaluation = Some(evaluation(loss));
    contents
}

/// An evaluation with this loss.
pub(crate) fn evaluation(loss: f64) -> Evaluation {
    Evaluation { loss, accuracy: 0.5, sequence_accuracy: 0.25, examples: 8, ..Evaluation::default() }
}

/// A run with complete checkpoints of these steps, which holds no lock.
pub(crate) fn run(steps: &[u64]) -> Result<(tempfile::TempDir, RunFolder), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let run = RunFolder::create(folder.path(), CONFIG_TEXT, Existing::Keep)?;
    for &step in steps {
        run.write_checkpoint(step, &contents(step))?;
    }
    drop(run);
    let run = RunFolder::open(folder.path())?;
    Ok((folder, run))
}

pub(crate) fn steps_of(run: &RunFolder) -> Result<Vec<u64>, RunError> {
    Ok(run.checkpoints()?.iter().map(|checkpoint| checkpoint.step).collect())
}
