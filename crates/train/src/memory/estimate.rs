//! The estimate itself, and the table that shows its terms.

use std::fmt::{self, Display, Formatter};

use super::ModelSizes;
use crate::task::Task;

/// Bytes of a number.
const NUMBER: f64 = 4.0;

const MIB: f64 = 1024.0 * 1024.0;

/// The program itself, with the stacks of its threads, and what the allocator keeps free; measured.
const PROGRAM: f64 = 36.0 * MIB;

/// Copies of weights and optimizer state that a checkpoint makes before it is written: the numbers, their bytes and the
/// file's; measured.
const COPIES_OF_SAVING: f64 = 2.4;

/// Bytes for each gradient of a batch in shards: the sum in double precision, and a shard's as flat bytes.
const SUM_OVER_SHARDS: f64 = 8.0 + 4.0;

/// The memory that a training needs at its peak.
///
/// ```
/// use qkv_train::{ConfigSource, Registry};
///
/// let registry = Registry::new();
/// let bytes = |settings: &[&str]| {
///     let experiment = registry.read(ConfigSource::Task("reverse"), settings)?;
///     Ok::<_, qkv_train::TrainError>(experiment.memory().expect("the sizes of a transformer are known").bytes())
/// };
/// let long = ["task.seq_len=512", "train.batch_size=64", "model.n_heads=4"];
/// // Several maps of 64 · 4 · 512² numbers.
/// let reference = [&long[..], &["model.attention=reference"]].concat();
/// assert!(bytes(&reference)? > bytes(&long)? + 3 * 4 * 64 * 4 * 512 * 512);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryEstimate {
    terms: Vec<Term>,
    /// What comes on top, because its size is not known.
    unknown: Option<String>,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Term {
    name: &'static str,
    bytes: f64,
    when: When,
}

/// When memory is held. What is not held throughout follows each other, so that only the largest of it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Throughout,
    Step,
    Evaluation,
    Checkpoint,
    Frame,
    Baselines,
}

/// What follows each other.
const PHASES: [When; 5] = [When::Step, When::Evaluation, When::Checkpoint, When::Frame, When::Baselines];

impl MemoryEstimate {
    /// `state`: numbers that the optimizer remembers. Activations count where they are known.
    pub(crate) fn new(sizes: &ModelSizes, state: f64, task: &dyn Task, shards: usize) -> Self {
        let ModelSizes { parameters, learned, ref passes, .. } = *sizes;
        let saved = parameters + state;
        let mut terms = Vec::new();
        let mut add = |name, bytes, when| terms.push(Term { name, bytes, when });
        add("program", PROGRAM, When::Throughout);
        if task.n_bytes() > 0 {
            add("text", task.n_bytes() as f64, When::Throughout);
        }
        add("parameters", NUMBER * parameters, When::Throughout);
        add("optimizer state", NUMBER * state, When::Throughout);
        add("gradients", NUMBER * learned, When::Step);
        if shards > 1 {
            add("sum over shards", SUM_OVER_SHARDS * learned, When::Step);
        }
        if let Some(passes) = passes {
            add("activations of a step", NUMBER * passes.step, When::Step);
            add("evaluation", NUMBER * passes.evaluation, When::Evaluation);
            add("frame of the film", NUMBER * passes.frame, When::Frame);
        }
        add("saving a checkpoint", NUMBER * COPIES_OF_SAVING * saved, When::Checkpoint);
        let baselines = task.corpus().map_or(0, |corpus| corpus.n_bytes_of_baselines());
        if baselines > 0 {
            add("baselines", baselines as f64, When::Baselines);
        }
        let unknown = match passes {
            Some(passes) => passes.unknown.clone(),
            None => Some("the activations of a model of this type".to_owned()),
        };
        Self { terms, unknown }
    }

    /// All of it, in bytes.
    pub fn bytes(&self) -> u64 {
        let largest = PHASES.map(|phase| self.of(phase)).into_iter().fold(0.0, f64::max);
        (self.of(When::Throughout) + largest) as u64
    }

    /// Whether it has all activations, which only the sizes of a model give.
    pub fn is_whole(&self) -> bool {
        self.unknown.is_none()
    }

    fn of(&self, phase: When) -> f64 {
        self.terms.iter().filter(|term| term.when == phase).map(|term| term.bytes).sum()
    }
}

/// The terms, one a line, and which of them count.
impl Display for MemoryEstimate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let largest = PHASES.into_iter().max_by(|a, b| self.of(*a).total_cmp(&self.of(*b)));
        for Term { name, bytes, when } in &self.terms {
            let counts = *when == When::Throughout || Some(*when) == largest;
            let note = if counts { "" } else { "   not at the same time" };
            writeln!(f, "  {name:<22} {:>11.1} MiB{note}", bytes / MIB)?;
        }
        write!(f, "  {:<22} {:>11.1} MiB", "together", self.bytes() as f64 / MIB)?;
        if let Some(unknown) = &self.unknown {
            write!(f, "\n  (on top comes what is not known: {unknown})")?;
        }
        Ok(())
    }
}
