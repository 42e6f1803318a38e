//! The backends that `--device` can name, and the devices that each of them finds on this machine.
//!
//! Burn's own default is never asked: it takes the first backend that is compiled in, whether or not there is a card.

use burn::tensor::Device;
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
use burn::tensor::DeviceType;

use crate::session::device::probe::caught;

/// One of Burn's backends.
#[derive(Debug)]
pub struct Backend {
    /// Its name on the command line. It is that of the feature which compiles it in, too.
    pub name: &'static str,
    /// What its devices compute with.
    pub memory: Memory,
    /// Lists its devices on this machine, without opening one; absent where it is not compiled in.
    list: Option<fn() -> Vec<Device>>,
}

/// Where the tensors of a device lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// In the memory of the process: there is one such device, and the kernels of this project compute on it.
    Host,
    /// In that of a card, as far as the process can see: there may be several, and the reference implementation
    /// computes on them.
    Card,
}

/// A device of this machine.
#[derive(Debug)]
pub struct Found {
    /// `flex`, or `cuda:0`.
    pub name: String,
    /// Where its tensors lie.
    pub memory: Memory,
    device: Device,
}

/// A device that was opened.
#[derive(Debug)]
pub struct Opened {
    pub device: Device,
    /// What the driver calls it; absent for a device in host memory.
    pub adapter: Option<String>,
    /// Whether it is a program on the processor that takes the place of a card.
    pub is_software: bool,
}

macro_rules! gpu {
    ($name:literal, $kind:ident) => {
        Backend {
            name: $name,
            memory: Memory::Card,
            #[cfg(feature = $name)]
            list: Some(|| Device::enumerate(DeviceType::$kind).into_vec()),
            #[cfg(not(feature = $name))]
            list: None,
        }
    };
}

/// All of them.
pub static BACKENDS: [Backend; 7] = [
    Backend { name: "flex", memory: Memory::Host, list: Some(|| vec![Device::flex()]) },
    Backend {
        name: "ndarray",
        memory: Memory::Host,
        #[cfg(feature = "ndarray")]
        list: Some(|| vec![ndarray()]),
        #[cfg(not(feature = "ndarray"))]
        list: None,
    },
    gpu!("cuda", Cuda),
    gpu!("rocm", Rocm),
    gpu!("metal", Metal),
    gpu!("vulkan", Vulkan),
    gpu!("wgpu", Wgpu),
];

#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "deprecated upstream in 0.22, but still offered")]
fn ndarray() -> Device {
    Device::ndarray()
}

impl Backend {
    /// Whether this program was built with it.
    pub fn is_compiled_in(&self) -> bool {
        self.list.is_some()
    }

    /// The command that runs this program with it.
    pub fn command(&self) -> String {
        format!("cargo run --release --features {}", self.name)
    }

    /// Its devices on this machine, cards before programs that take their place; none where it is not compiled in, or
    /// its driver fails.
    pub fn devices(&self) -> Vec<Found> {
        let mut devices = self.list.and_then(|list| caught(list).ok()).unwrap_or_default();
        devices.sort_by_key(is_software);
        let found = devices.into_iter().enumerate().map(|(index, device)| {
            let name = match self.memory {
                Memory::Host => self.name.to_owned(),
                Memory::Card => format!("{}:{index}", self.name),
            };
            Found { name, memory: self.memory, device }
        });
        found.collect()
    }
}

impl Found {
    /// Opens the device.
    ///
    /// # Errors
    /// With what its driver reports.
    pub fn open(self) -> Result<Opened, String> {
        let Self { device, .. } = self;
        let is_software = is_software(&device);
        let adapter = caught(|| adapter(&device))?;
        Ok(Opened { device, adapter, is_software })
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
fn adapter(device: &Device) -> Option<String> {
    device.identity().map(|identity| identity.name)
}

#[cfg(not(any(feature = "wgpu", feature = "cuda", feature = "rocm")))]
fn adapter(_: &Device) -> Option<String> {
    None
}

#[cfg(feature = "wgpu")]
fn is_software(device: &Device) -> bool {
    use burn::backend::{CubeDevice, DispatchDevice, WgpuDeviceKind};
    matches!(device.as_dispatch(), DispatchDevice::Cube(CubeDevice::Wgpu(device)) if device.kind == WgpuDeviceKind::Cpu)
}

#[cfg(not(feature = "wgpu"))]
fn is_software(_: &Device) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_has_a_feature_of_its_name_but_the_one_that_is_always_there() {
        let manifest = include_str!("../../../Cargo.toml");
        for Backend { name, .. } in &BACKENDS {
            let is_a_feature = manifest.contains(&format!("\n{name} = ["));
            assert_eq!(is_a_feature, *name != "flex", "{name}");
        }
    }

    #[test]
    fn the_device_in_host_memory_is_there_without_a_number() {
        let [flex, ..] = &BACKENDS;
        let names: Vec<String> = flex.devices().into_iter().map(|found| found.name).collect();
        assert_eq!(names, ["flex"]);
    }
}
