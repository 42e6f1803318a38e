//! What `sample` takes.

use clap::Args as ClapArgs;

use super::machine::MachineArgs;
use super::of_a_run::RunArgs;
use super::values::{at_least_one, seed, temperature};

#[derive(Debug, ClapArgs)]
pub struct SampleArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// A text to go on with, empty for one from its beginning, or a text to translate; for any other task an input, as
    /// explain takes it, which may end where its answer is to begin. Without a prompt, every line of standard input is one
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub prompt: Option<String>,
    /// How much is left to chance: at 1 tokens are drawn with the model's probabilities, below it likely ones become
    /// likelier, at 0 the likeliest is taken. 1 by default for a text that goes on, 0 for anything else
    #[arg(long, value_name = "X", value_parser = temperature)]
    pub temperature: Option<f64>,
    /// Draw from the N likeliest tokens alone; from all by default
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    pub top_k: Option<usize>,
    /// Samples of each prompt
    #[arg(long = "n", value_name = "N", default_value_t = 1, value_parser = at_least_one::<u64>)]
    pub n_samples: u64,
    /// Tokens with which a text goes on; 200 by default
    #[arg(long, value_name = "N", value_parser = at_least_one::<usize>)]
    pub tokens: Option<usize>,
    /// Seed of the samples; by default that of the run
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object a sample and nothing else: prompt, answer, the tokens of the answer with the model's
    /// probability of each, and the logarithm of their product
    #[arg(long)]
    pub json: bool,
}
