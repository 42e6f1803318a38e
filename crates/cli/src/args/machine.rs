//! What computes, and how fast.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::values::{ANY_THREADS, whole};

#[derive(Debug, ClapArgs)]
pub struct DevicesArgs {
    /// Try this device; all of this machine by default. May be given several times
    #[arg(long = "device", value_name = "NAME")]
    pub devices: Vec<String>,
    /// Also compare the gradients of small models with those of the processor
    #[arg(long)]
    pub gradients: bool,
    /// Print one JSON object a device and nothing else
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Clone, ClapArgs)]
#[command(allow_negative_numbers = true)]
pub struct MachineArgs {
    /// Where to compute: flex, the processor, or another device that the command devices lists, such as cuda:0. The
    /// same program gives the same bytes again on the same device, and other bytes on another one
    #[arg(long, value_name = "NAME", default_value = "flex")]
    pub device: String,
    /// Threads to compute with; all cores by default. The result does not depend on it
    #[arg(long, value_name = "N", value_parser = whole::<usize>(ANY_THREADS))]
    pub threads: Option<usize>,
}

impl MachineArgs {
    /// As the arguments of another process.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut arguments = vec!["--device".into(), self.device.clone().into()];
        if let Some(threads) = self.threads {
            arguments.extend(["--threads".into(), threads.to_string().into()]);
        }
        arguments
    }
}

#[derive(Debug, ClapArgs)]
pub struct BenchArgs {
    /// Time this workload; all but those of scores and writing by default. May be given several times
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
