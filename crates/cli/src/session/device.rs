//! From a name on the command line to a device, and from a number to threads.

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

impl MachineArgs {
    /// The device, after setting the number of threads for the whole process.
    pub fn open(&self) -> Result<Device> {
        let device = self.device()?;
        if let Some(threads) = self.threads.filter(|threads| !(1..=1024).contains(threads)) {
            return Err(usage(format!("--threads must be between 1 and 1024, got {threads}")));
        }
        prepare_process(self.threads.and_then(NonZero::new))?;
        Ok(device)
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

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "deprecated upstream in 0.22, but still offered")]
fn ndarray() -> Device {
    Device::ndarray()
}
