//! What a page can ask for, in JSON.

use serde::Deserialize;

use crate::edit::Edit;

/// A request: the key `do` has its name. Some come with bytes.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The names of the tasks.
    Tasks,
    /// Begins a session. One that cannot begin leaves the session before as it is. The bytes are those of `text`.
    Begin {
        /// A config in TOML, or the name of a task.
        config: Option<String>,
        task: Option<String>,
        /// Of the form `model.d_k=24`, over either.
        #[serde(default)]
        settings: Vec<String>,
        /// Name of the text that the bytes are.
        text: Option<String>,
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
    /// Takes the bytes as weights.
    LoadWeights,
    /// Keeps the whole state; the answer has its number.
    Keep,
    /// Goes back to a state that was kept.
    Restore { kept: u64 },
    /// Gives a state that was kept up.
    Forget { kept: u64 },
    /// Begins the schedule again from here.
    BeginAgain,
    /// Changes weights.
    Edit { edit: Edit },
    /// Shows an input of the reader's own, or again the drawn one.
    Probe { positions: Option<Vec<Vec<String>>> },
}
