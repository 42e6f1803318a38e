//! What trains one run.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::machine::MachineArgs;
use super::values::{ANY_COUNT, at_least_one, seed, whole};
use crate::session::memory;

/// What is changed in a config.
#[derive(Debug, Clone, ClapArgs)]
pub struct SettingArgs {
    /// Change one value of the config, for example model.d_k=24
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Length of the run; turns early stop off
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    steps: Option<u64>,
    /// Decides initial weights, examples and dropout
    #[arg(long, value_name = "N", value_parser = seed)]
    seed: Option<u64>,
}

impl SettingArgs {
    /// All of them as `KEY=VALUE`.
    pub fn all(&self) -> Vec<String> {
        self.typed().into_iter().flat_map(|(_, settings)| settings).collect()
    }

    /// Each as it was typed, with what it sets as `KEY=VALUE`.
    pub fn typed(&self) -> Vec<(String, Vec<String>)> {
        let set = self.set.iter().map(|setting| (format!("--set {setting}"), vec![setting.clone()]));
        let seed = self.seed.map(|seed| (format!("--seed {seed}"), vec![format!("seed={seed}")]));
        let steps = self.steps.map(|steps| {
            let settings = vec![format!("train.steps={steps}"), "train.stop_at=0".to_owned()];
            (format!("--steps {steps}"), settings)
        });
        set.chain(seed).chain(steps).collect()
    }
}

#[derive(Debug, ClapArgs)]
pub struct TrainArgs {
    /// A task (see the command tasks), a config file that ends in .toml, or with --resume or --branch the folder of a run
    #[arg(value_name = "TASK|CONFIG.toml|RUN")]
    pub source: PathBuf,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Save and end at step N, without changing the schedule; a run that is past it makes no step
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    pub stop_after: Option<u64>,
    /// Folder of the run; runs/TASK-… by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite a run that is already in --out
    #[arg(long, requires = "out", conflicts_with = "resume")]
    pub force: bool,
    /// Go on with the run after its latest checkpoint that is whole; without a checkpoint, start it. Settings may change
    /// what is kept and measured (train.keep, train.checkpoint_every, train.snapshot_every, and train.eval_…,
    /// train.metrics and train.stop_metric unless train.stop_at is set) and where a text lies (task.text), nothing else
    #[arg(long, group = "going_on")]
    pub resume: bool,
    /// Begin another run in NEWDIR from a checkpoint of RUN, with its weights, optimizer state and step, and with any
    /// settings that its weights fit: longer, at another rate, …
    #[arg(long, value_name = "NEWDIR", group = "going_on", conflicts_with_all = ["out", "force"])]
    pub branch: Option<PathBuf>,
    /// With --resume: go on after the checkpoint of STEP, and set aside what came after it, also in a finished run. With
    /// --branch: begin from that one
    #[arg(
        long,
        value_name = "STEP",
        value_parser = whole::<u64>(ANY_COUNT),
        requires = "going_on",
        conflicts_with_all = ["force", "init_from"]
    )]
    pub from: Option<u64>,
    /// Begin at step 0 with the weights of another run, of a checkpoint's folder, or of a safetensors file
    #[arg(long, value_name = "RUN|PATH", conflicts_with_all = ["resume", "branch"])]
    pub init_from: Option<PathBuf>,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Refuse a run that needs more memory, such as 512M, 2G or 1.5GiB; all that is available by default
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub max_memory: Option<u64>,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print one JSON object a line and nothing else
    #[arg(long)]
    pub json: bool,
    /// Show curves, attention map and matrices in the terminal while it trains, and at the end until `q` (Unix only).
    /// A run of less than three seconds is shown over five. `p` pauses, `n` makes one step, `m` switches slow motion, `s`
    /// saves a checkpoint, `q` saves and stops, `?` lists all keys
    #[arg(long, conflicts_with_all = ["quiet", "json"])]
    pub live: bool,
    /// With --live: begin in slow motion, in which the whole training lasts half a minute at least; `m` switches it
    #[arg(long, requires = "live")]
    pub slow: bool,
}
