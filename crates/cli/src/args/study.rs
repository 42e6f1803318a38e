//! What trains the runs of a study.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::machine::MachineArgs;
use super::training::SettingArgs;
use super::values::whole;
use crate::session::memory;

/// More processes than any machine has use for.
const MAX_JOBS: usize = 1024;

const ANY_JOBS: &str = "a whole number between 1 and 1024";

#[derive(Debug, ClapArgs)]
#[command(mut_arg("set", |set| set.help("Change one value of what all runs have in common, for example model.d_k=24")))]
#[command(mut_arg("steps", |steps| steps.help("Length of every run; turns early stop off")))]
#[command(mut_arg("seed", |seed| seed.help("The seed of every run")))]
#[command(mut_arg("threads", |threads| threads.help("Threads of each run; by default the runs at a time share the cores. The result does not depend on it")))]
pub struct SweepArgs {
    /// A study: a config file with a table [sweep] of lists and ranges, whose keys are config keys; or the folder of a
    /// study that was begun, to go on with it. See examples/STUDIES.md
    #[arg(value_name = "STUDY.toml|DIR")]
    pub study: PathBuf,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Train nothing: list the runs that would be trained
    #[arg(long, conflicts_with_all = ["claim", "retry_failed"])]
    pub dry_run: bool,
    /// Folder of the runs; runs/ and the file's name by default. Runs that are done are not repeated
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Runs that are trained at a time, each in a process of its own; by default as many as there are cores. The results
    /// do not depend on it
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub jobs: Option<usize>,
    /// Train only every N-th run, starting with the I-th: 1/2 and 2/2 share the work between two machines. Without it, a
    /// task of an array of Slurm (SLURM_ARRAY_TASK_ID) or of an Indexed Job of Kubernetes (JOB_COMPLETION_INDEX of
    /// JOB_COMPLETIONS) takes its share; _/N takes I from there, or from HyperQueue (HQ_TASK_ID of an array 1-N)
    #[arg(long, value_name = "I/N", allow_hyphen_values = true)]
    pub shard: Option<String>,
    /// Train the runs that no other process trains, one after the other, for machines that come and go: each is claimed
    /// in the folder of the runs, and one whose process has died is resumed. Ends when all are done or failed
    #[arg(long, conflicts_with = "shard")]
    pub claim: bool,
    /// How long a process may be silent before its runs are taken over: longer than the folder needs to show one machine
    /// what another one did (on NFS acdirmax, a minute)
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "120", requires = "claim")]
    pub lease: u64,
    /// Try the failed runs again
    #[arg(long, requires = "claim")]
    pub retry_failed: bool,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Refuse runs that need more memory, all at a time together, such as 512M, 2G or 1.5GiB; all that is available by
    /// default
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub max_memory: Option<u64>,
    /// Print one JSON object a run and nothing else
    #[arg(long)]
    pub json: bool,
}

/// The config comes from standard input, and its end stops the run.
#[derive(Debug, ClapArgs)]
pub struct WorkerArgs {
    /// Folder of the run
    pub folder: PathBuf,
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Refuse a run that needs more memory
    #[arg(long, value_name = "SIZE", value_parser = memory::size)]
    pub max_memory: Option<u64>,
    /// End when the process of this name no longer holds the claim of the run
    #[arg(long, value_name = "NAME")]
    pub claimed_by: Option<String>,
}

/// Beyond a day, a claim would outlive its use.
const MAX_LEASE: u64 = 86_400;

const ANY_LEASE: &str = "a whole number between 1 and 86400";

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = whole::<u64>(ANY_LEASE)(text)?;
    Some(seconds)
        .filter(|seconds| (1..=MAX_LEASE).contains(seconds))
        .ok_or_else(|| format!("expected {ANY_LEASE}"))
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = whole::<usize>(ANY_JOBS)(text)?;
    Some(jobs).filter(|jobs| (1..=MAX_JOBS).contains(jobs)).ok_or_else(|| format!("expected {ANY_JOBS}"))
}
