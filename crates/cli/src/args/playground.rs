//! What `playground` takes.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::values::{ANY_COUNT, whole};

#[derive(Debug, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct PlaygroundArgs {
    /// Folder of a run, or of one of its checkpoints, with whose config and weights the page begins; without, it begins
    /// with a task
    pub run: Option<PathBuf>,
    /// The checkpoint of this step; the latest by default
    #[arg(long, value_name = "N", requires = "run", value_parser = whole::<u64>(ANY_COUNT))]
    pub step: Option<u64>,
    /// Where the text of the run lies now, if it was moved: task.text=FILE
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "run")]
    pub settings: Vec<String>,
    /// The page that is written
    #[arg(long, value_name = "FILE.html", default_value = "playground.html")]
    pub out: PathBuf,
    /// The page without a run, as crates/web/build makes it; the one beside this program, or in the folder above, by default
    #[arg(long, value_name = "FILE.html")]
    pub page: Option<PathBuf>,
}
