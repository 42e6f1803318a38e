//! What replays the lecture.

use clap::Args as ClapArgs;

use super::machine::MachineArgs;

#[derive(Debug, ClapArgs)]
pub struct LectureArgs {
    /// Show this step alone, 1 to 11, or begin with it under --slow; all by default
    #[arg(value_name = "STEP", value_parser = step)]
    pub step: Option<usize>,
    /// Wait for a key after each step
    #[arg(long)]
    pub slow: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
}

/// Steps of the lecture.
pub const STEPS: usize = 11;

fn step(text: &str) -> Result<usize, String> {
    let step: Option<usize> = text.parse().ok().filter(|step| (1..=STEPS).contains(step));
    step.ok_or_else(|| format!("the lecture has steps 1 to {STEPS}"))
}
