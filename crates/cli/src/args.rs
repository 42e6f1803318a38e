//! The command line. Negative numbers are allowed everywhere, so that `--seed -1` is refused for its value; a command
//! with [`MachineArgs`] has that from them.

use std::num::ParseIntError;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args as ClapArgs, Parser, Subcommand, value_parser};

use crate::session::memory;

/// The largest integer that a TOML file can hold.
const MAX_SEED: u64 = i64::MAX as u64;

/// Trains small attention models and shows what W_Q, W_K and W_V learned.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a model on a task and keep the run
    Train(TrainArgs),
    /// Evaluate a run on held-out examples
    Eval(EvalArgs),
    /// Measure the loss without each head, and without its queries, keys or values
    Ablate(AblateArgs),
    /// Walk through the attention of one query, with the run's own numbers
    Explain(ExplainArgs),
    /// Show W_Q, W_K and W_V and what they learned, from the files alone
    Inspect(InspectArgs),
    /// Check every file of a run against its hashes and its headers
    Verify(VerifyArgs),
    /// Write the film of a training as one offline page
    Report(ReportArgs),
    /// Train every combination of some settings, and compare
    Sweep(SweepArgs),
    /// Time full training steps, beside the fastest matrix product of the machine
    Bench(BenchArgs),
    /// Replay chapter 3 of Raschka's Build a Large Language Model (From Scratch), and check its printed numbers
    Lecture(MachineArgs),
    /// List the tasks
    Tasks,
}

#[derive(Debug, ClapArgs)]
pub struct TrainArgs {
    /// A task (see `qkv tasks`), a config file that ends in .toml, or with --resume or --branch the folder of a run
    #[arg(value_name = "TASK|CONFIG.toml|RUN")]
    pub source: PathBuf,
    /// Change one value of the config, for example model.d_k=24
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Length of the run; turns early stop off
    #[arg(long, value_name = "N")]
    pub steps: Option<u64>,
    /// Save and end after N steps, without changing the schedule
    #[arg(long, value_name = "N", value_parser = at_least_one::<u64>)]
    pub stop_after: Option<u64>,
    /// Decides initial weights, examples and dropout
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(..=MAX_SEED))]
    pub seed: Option<u64>,
    /// Folder of the run; runs/TASK-… by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Overwrite a run that is already in --out
    #[arg(long, requires = "out", conflicts_with = "resume")]
    pub force: bool,
    /// Go on with the run after its latest checkpoint that is whole; without a checkpoint, start it. Settings may
    /// change what is kept and measured (train.keep, train.checkpoint_every, train.snapshot_every, and train.eval_…
    /// unless train.stop_at is set) and where a text lies (task.text), nothing else
    #[arg(long, group = "going_on")]
    pub resume: bool,
    /// Begin another run in NEWDIR from a checkpoint of RUN, with its weights, optimizer state and step, and with any
    /// settings that its weights fit: longer, at another rate, …
    #[arg(long, value_name = "NEWDIR", group = "going_on", conflicts_with_all = ["out", "force"])]
    pub branch: Option<PathBuf>,
    /// With --resume: go on after the checkpoint of STEP, and set aside what came after it, also in a finished run.
    /// With --branch: begin from that one
    #[arg(long, value_name = "STEP", requires = "going_on", conflicts_with_all = ["force", "init_from"])]
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
    /// Show curves, attention map and matrices in the terminal while it trains (Unix only). `p` pauses, `s` saves a
    /// checkpoint, `q` saves and stops, `?` lists all keys
    #[arg(long, conflicts_with_all = ["quiet", "json"])]
    pub live: bool,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct MachineArgs {
    /// Where to compute: flex, or ndarray where it is compiled in
    #[arg(long, value_name = "NAME", default_value = "flex")]
    pub device: String,
    /// Threads to compute with; all cores by default. The result does not depend on it
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Debug, ClapArgs)]
pub struct EvalArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// Where the text of the run lies now, if it was moved: task.text=FILE
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Number of test examples
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one::<u64>)]
    pub examples: u64,
    /// Evaluate every input of a task that has at most a million
    #[arg(long, conflicts_with = "examples")]
    pub exact: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct AblateArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// Where the text of the run lies now, if it was moved: task.text=FILE
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Number of test examples
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one::<u64>)]
    pub examples: u64,
    /// Replace a part by its mean over the examples at every position, instead of zero
    #[arg(long)]
    pub mean: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object for each part and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// The input's labels, separated by spaces; a test example by default
    pub input: Option<String>,
    /// Where the text of the run lies now, if it was moved: task.text=FILE
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Position of the query; the first with a target by default
    #[arg(long, value_name = "I")]
    pub query: Option<usize>,
    /// Layer to walk through
    #[arg(long, value_name = "L", default_value_t = 0)]
    pub layer: usize,
    /// Head to walk through
    #[arg(long, value_name = "H", default_value_t = 0)]
    pub head: usize,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct InspectArgs {
    /// Folder of a run or of a checkpoint, or a safetensors file
    #[arg(value_name = "RUN|FILE")]
    pub source: PathBuf,
    /// Where the text of the run lies now, if it was moved: task.text=FILE. What is shown needs no text; it is checked
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Number of query heads, for a file without a config
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    pub heads: Option<usize>,
    /// Number of heads that keys and values have; without, the config or the widths of W_Q and W_K decide
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    pub kv_heads: Option<usize>,
    /// Also write every matrix and attention map as an SVG picture into this folder
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
}

/// Exit code 0 if every file is what was written, 1 if one differs.
#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct VerifyArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// Print one JSON object a file and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct ReportArgs {
    /// Folder of a run
    pub run: PathBuf,
    /// Where the text of the run lies now, if it was moved: task.text=FILE. What is shown needs no text; it is checked
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Another run to show beside it, such as one with frozen matrices; may be given several times
    #[arg(long = "with", value_name = "RUN")]
    pub others: Vec<PathBuf>,
    /// The page; report.html in the run's folder by default
    #[arg(long, value_name = "FILE.html")]
    pub out: Option<PathBuf>,
    /// Also write the pictures of the last step, and of the steps side by side, into this folder as SVG
    #[arg(long, value_name = "DIR")]
    pub svg: Option<PathBuf>,
    /// The same as PNG
    #[arg(long, value_name = "DIR")]
    pub png: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub struct SweepArgs {
    /// A config file with a table [sweep], whose keys are config keys and whose values are lists
    #[arg(value_name = "CONFIG.toml")]
    pub config: PathBuf,
    /// Folder of the runs; runs/ and the file's name by default. Runs that are done are not repeated
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Train only every N-th run, starting with the I-th: 1/2 and 2/2 share the work between two machines
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Refuse runs that need more memory, such as 512M, 2G or 1.5GiB; all that is available by default
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub max_memory: Option<u64>,
    /// Print one JSON object a run and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct BenchArgs {
    /// Time this workload; all of them by default. May be given several times
    #[arg(long = "workload", value_name = "NAME")]
    pub workloads: Vec<String>,
    /// Time nothing; write the workload's parameters, batches and first losses, for another framework to do the same
    #[arg(long, value_name = "FILE.safetensors")]
    pub export: Option<PathBuf>,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object a workload and nothing else
    #[arg(long)]
    pub json: bool,
}

/// A count that is not zero.
fn at_least_one<T: FromStr<Err = ParseIntError> + From<u8> + PartialEq>(text: &str) -> Result<T, String> {
    let count: T = text.parse().map_err(|error: ParseIntError| error.to_string())?;
    if count == T::from(0) { Err("it must be at least 1".to_owned()) } else { Ok(count) }
}
