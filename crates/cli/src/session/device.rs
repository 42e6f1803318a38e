//! From a name on the command line to a device, and from a number to threads.

use std::env;
use std::num::NonZero;

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::fused::prepare_process;

use crate::args::MachineArgs;
use crate::exit::usage;

/// The names of the devices that this binary was built with.
const NAMES: &[&str] = &[
    "flex",
    #[cfg(feature = "ndarray")]
    "ndarray",
];

/// More threads than any machine has cores would be a mistake, and take minutes to start.
const MAX_THREADS: usize = 1024;

/// The variables from which rayon takes its number of threads, without a bound; the second is its older name.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"];

impl MachineArgs {
    /// The device, after setting the number of threads for the whole process.
    pub fn open(&self) -> Result<Device> {
        let device = self.device()?;
        prepare_process(self.n_threads()?)?;
        Ok(device)
    }

    /// What the option or else the environment asks for.
    pub fn n_threads(&self) -> Result<Option<NonZero<usize>>> {
        if let Some(threads) = self.threads {
            return n_threads("--threads", &threads.to_string()).map(Some);
        }
        let set = VARIABLES.map(|name| (name, env::var_os(name).unwrap_or_default()));
        match set.iter().find(|(_, value)| !value.is_empty()) {
            Some((name, value)) => n_threads(name, &value.to_string_lossy()).map(Some),
            None => Ok(None),
        }
    }

    fn device(&self) -> Result<Device> {
        match self.device.as_str() {
            "flex" => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            "ndarray" => Ok(ndarray()),
            #[cfg(not(feature = "ndarray"))]
            "ndarray" => Err(usage(
                "ndarray is not in this build; run it with `cargo run --release --features ndarray`",
            )),
            other => Err(usage(format!("unknown device `{other}`; this build has {}", NAMES.join(", ")))),
        }
    }
}

fn n_threads(source: &str, text: &str) -> Result<NonZero<usize>> {
    let number = text.trim().parse().ok().filter(|threads: &NonZero<usize>| threads.get() <= MAX_THREADS);
    number.ok_or_else(|| usage(format!("{source} must be between 1 and {MAX_THREADS}, got {text}")))
}

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "deprecated upstream in 0.22, but still offered")]
fn ndarray() -> Device {
    Device::ndarray()
}
