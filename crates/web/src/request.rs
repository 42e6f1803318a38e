//! What a page can ask for, in JSON.

use serde::Deserialize;

use crate::edit::Edit;

/// A request: the key `do` has its name. Some come with bytes.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The names of the tasks.
    Tasks,
    /// Begins a session. One that cannot begin leaves the session before as it is. The bytes are those of `text` and,
    /// behind them, those of the weights that it begins with.
    Begin {
        /// A config in TOML, or the name of a task.
        config: Option<String>,
        task: Option<String>,
        /// Of the form `model.d_k=24`, over either.
        #[serde(default)]
        settings: Vec<String>,
        /// Name of the text.
        text: Option<String>,
        /// How many of the bytes are weights; left out where the seed decides them.
        n_weights: Option<usize>,
    },
    /// Makes steps; of the last one the moment after it has the gradients.
    Step {
        n: u64,
        #[serde(default)]
        watched: bool,
    },
    /// Figures on held-out examples.
    Evaluate,
    /// The one-frame film of the state, as the bytes of its JSON.
    Moment,
    /// The config in TOML.
    Config,
    /// The bytes of `model.safetensors`.
    Weights,
    /// Keeps the whole state; the answer has its number.
    Keep,
    /// Goes back to a state that was kept.
    Restore { kept: u64 },
    /// Gives a state that was kept up.
    Forget { kept: u64 },
    /// Begins the schedule again from here.
    BeginAgain,
    /// Changes weights; the answer has the figures before and after.
    Edit { edit: Edit },
    /// What the model would do with a drawn map in a head.
    WantedMap { layer: usize, head: usize, input: usize, weights: Vec<f32> },
    /// Shows an input of the reader's own, by the labels at each position or by the source of a pair, or again the drawn
    /// one.
    Probe { positions: Option<Vec<Vec<String>>>, source: Option<String> },
}
