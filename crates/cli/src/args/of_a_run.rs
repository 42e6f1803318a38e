//! What looks at a run that is there.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use qkv_train::Split;

use super::machine::MachineArgs;
use super::values::{ANY_COUNT, at_least_one, share, split, whole};

/// A run whose model is used.
#[derive(Debug, ClapArgs)]
pub struct RunArgs {
    /// Folder of a run, or of one of its checkpoints
    pub run: PathBuf,
    /// Take the checkpoint of this step; the latest by default
    #[arg(long, value_name = "N", value_parser = whole::<u64>(ANY_COUNT))]
    pub step: Option<u64>,
    /// Where the text of the run lies now, if it was moved: task.text=FILE
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub struct EvalArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// What to measure on
    #[arg(long, value_name = "SPLIT", default_value = Split::Test.name(), value_parser = split())]
    pub split: Split,
    /// Number of examples
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one::<u64>)]
    pub examples: u64,
    /// Evaluate every input of a task that has at most a million
    #[arg(long, conflicts_with_all = ["examples", "split"])]
    pub exact: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
pub struct AblateArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// What to measure on
    #[arg(long, value_name = "SPLIT", default_value = Split::Test.name(), value_parser = split())]
    pub split: Split,
    /// Number of examples
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
    #[command(flatten)]
    pub run: RunArgs,
    /// The input's labels, separated by spaces, as `input` shows them; or, where each label is one character, a plain text
    /// in which a space is a space; or, for a task of pairs, a source, to which the model writes its answer; by default the
    /// first example of --split
    pub input: Vec<String>,
    /// Where the example comes from
    #[arg(
        long,
        value_name = "SPLIT",
        default_value = Split::Test.name(),
        value_parser = split(),
        conflicts_with = "input"
    )]
    pub split: Split,
    /// Position of the query, counted in the text that it is of where a layer reads source or answer alone; by default the
    /// first with a target, and the last one if the first query sees only itself
    #[arg(long, value_name = "I", value_parser = whole::<usize>(ANY_COUNT), conflicts_with = "map")]
    pub query: Option<usize>,
    /// Layer to walk through, by its index or its name, such as blocks.0 or decoder.0.cross; by default the first, or the
    /// last in which an answer reads its source
    #[arg(long, value_name = "L")]
    pub layer: Option<String>,
    /// Head to walk through, 0 by default; with --map every head by default
    #[arg(long, value_name = "H", value_parser = whole::<usize>(ANY_COUNT))]
    pub head: Option<usize>,
    /// Draw the attention maps of the layer in place of the walk: which key each query attends to, or which part of its
    /// source each token of an answer was written from
    #[arg(long)]
    pub map: bool,
    /// With --map: write the maps into this folder as SVG, too
    #[arg(long, value_name = "DIR", requires = "map")]
    pub svg: Option<PathBuf>,
    /// The same as PNG
    #[arg(long, value_name = "DIR", requires = "map")]
    pub png: Option<PathBuf>,
    #[command(flatten)]
    pub machine: MachineArgs,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct InspectArgs {
    /// Folder of a run or of a checkpoint, or a safetensors file
    #[arg(value_name = "RUN|FILE")]
    pub source: PathBuf,
    /// Show the checkpoint of this step of a run; the latest by default
    #[arg(long, value_name = "N", value_parser = whole::<u64>(ANY_COUNT))]
    pub step: Option<u64>,
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
    /// Folder of a run, or of one of its checkpoints, whose files alone are then listed
    pub run: PathBuf,
    /// Print one JSON object a file and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct ReportArgs {
    /// Folder of a run, or of the checkpoint with which the film is to end
    pub run: PathBuf,
    /// End the film with the checkpoint of this step, as if the run had been stopped there; with the latest by default
    #[arg(long, value_name = "N", value_parser = whole::<u64>(ANY_COUNT))]
    pub step: Option<u64>,
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
#[command(allow_negative_numbers = true)]
pub struct RunsArgs {
    /// Where to look: a folder with runs in it, or in folders of it, at most two levels down; `runs` by default. Or the
    /// folder of a run, or of one of its checkpoints
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// Print one JSON object a run and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct CompareArgs {
    /// Folders of runs, folders with runs in them, at most two levels down, or the config files of sweeps. What differs
    /// between the configs makes the rows; over seeds there is the mean
    #[arg(value_name = "RUN|STUDY", required = true)]
    pub runs: Vec<PathBuf>,
    /// Accuracy of the phase change: the first step is shown at which an evaluation on validation examples found it
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = share)]
    pub threshold: f64,
    /// A row for each run, in place of one for the seeds of a setting
    #[arg(long)]
    pub seeds: bool,
    /// Also write one offline page of curves, of a heat map over two keys, of every run and of the phase change
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print the table as CSV and nothing else
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object a row and nothing else
    #[arg(long)]
    pub json: bool,
}
