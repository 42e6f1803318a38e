//! From a name on the command line to a device, and from a number to threads.
//!
//! Here belongs what depends on the backends that are compiled in; how much memory there is lies in `memory/`.

pub mod backend;
pub mod probe;

use std::env;
use std::num::NonZero;

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use qkv_model::fused::prepare_process;

use crate::args::MachineArgs;
use crate::exit::usage;
use crate::output::stdout::print_error;
use backend::{BACKENDS, Backend, Found, Memory, Opened};
use probe::Probe;

/// More threads than any machine has cores would be a mistake, and take minutes to start.
const MAX_THREADS: usize = 1024;

/// The variables from which rayon takes its number of threads, without a bound; the second is its older name.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "RAYON_RS_NUM_CPUS"];

/// An opened device.
pub struct Machine {
    pub device: Device,
    /// As a run records it: `flex`, or `cuda:0 NVIDIA H200`.
    pub name: String,
    /// Where its tensors lie.
    pub memory: Memory,
    /// Of its numbers, as a run records it: `f32`, with a remark where products have less.
    pub precision: String,
}

impl MachineArgs {
    /// The device, after setting the number of threads for the whole process.
    ///
    /// # Errors
    /// If there is no such device, or it does not compute: nothing takes its place.
    pub fn open(&self) -> Result<Machine> {
        let found = find(&self.device)?;
        prepare_process(self.n_threads()?)?;
        opened(found)
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
}

fn opened(found: Found) -> Result<Machine> {
    let (name, memory) = (found.name.clone(), found.memory);
    let fails = |message| usage(format!("device `{name}` is there, but does not compute: {message}"));
    let Opened { device, adapter, is_software } = found.open().map_err(fails)?;
    let Some(adapter) = adapter else {
        let precision = precision(&device);
        return Ok(Machine { device, name, memory, precision });
    };
    // Before anything is written: a driver that is there may still lack what it compiles kernels with.
    let probe = Probe::of(&device).map_err(fails)?;
    if is_software {
        print_error(&format!(
            "warning: {name} is {adapter}, a program on the processor; --device flex computes there, too, and faster"
        ));
    }
    let mut precision = precision(&device);
    if !probe.is_single() {
        print_error(&format!(
            "warning: {name} makes products of matrices from numbers with fewer bits than {precision}: they differ from the \
             processor's by {:.1e} of the largest value",
            probe.error
        ));
        precision += ", products with fewer bits";
    }
    Ok(Machine { device, name: format!("{name} {adapter}"), memory, precision })
}

fn precision(device: &Device) -> String {
    Tensor::<1>::zeros([1], device).dtype().name().to_owned()
}

/// The device of this name; where a backend may have several, one without a number is the first.
///
/// # Errors
/// If there is no such device, with all that there are.
pub fn find(name: &str) -> Result<Found> {
    let (backend, number) = match name.split_once(':') {
        Some((backend, number)) => (backend, Some(number)),
        None => (name, None),
    };
    let Some(backend) = BACKENDS.iter().find(|known| known.name == backend) else {
        return Err(refusal(&format!("unknown device `{name}`")));
    };
    if !backend.is_compiled_in() {
        let problem = format!("{} is not in this build; run it with `{}`", backend.name, backend.command());
        return Err(refusal(&problem));
    }
    let index = match (number, backend.memory) {
        (None, _) => 0,
        (Some(number), Memory::Card) => match number.parse::<usize>() {
            Ok(index) => index,
            Err(_) => {
                let expected = format!("expected {}:N with a whole number N from 0", backend.name);
                return Err(refusal(&format!("unknown device `{name}`, {expected}")));
            }
        },
        (Some(_), Memory::Host) => {
            let expected = format!("expected {} without a number, there is one", backend.name);
            return Err(refusal(&format!("unknown device `{name}`, {expected}")));
        }
    };
    backend.devices().into_iter().nth(index).ok_or_else(|| refusal(&format!("device `{name}` was not found")))
}

/// A refusal with all that could be named instead.
fn refusal(problem: &str) -> anyhow::Error {
    let (compiled_in, others): (Vec<&Backend>, Vec<_>) =
        BACKENDS.iter().partition(|backend| backend.is_compiled_in());
    let found = compiled_in.iter().flat_map(|backend| match backend.devices() {
        none if none.is_empty() => vec![format!("no device of {}", backend.name)],
        devices => devices.into_iter().map(described).collect(),
    });
    let found: Vec<String> = found.collect();
    let others: Vec<&str> = others.iter().map(|backend| backend.name).collect();
    usage(format!(
        "{problem}; there is {}; not in this build, but each a feature of cargo: {}",
        found.join(", "),
        others.join(", ")
    ))
}

fn described(found: Found) -> String {
    let name = found.name.clone();
    match found.open() {
        Ok(opened) => format!("{name} ({})", opened.adapter.as_deref().unwrap_or("the processor")),
        Err(message) => format!("{name}, which does not open: {message}"),
    }
}

fn n_threads(source: &str, text: &str) -> Result<NonZero<usize>> {
    let number = text.trim().parse().ok().filter(|threads: &NonZero<usize>| threads.get() <= MAX_THREADS);
    number.ok_or_else(|| usage(format!("{source} must be between 1 and {MAX_THREADS}, got {text}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_found_is_refused_with_what_can() {
        for (name, problem) in [
            ("abacus", "unknown device `abacus`"),
            ("flex:0", "expected flex without a number"),
            ("", "unknown device ``"),
            ("Flex", "unknown device `Flex`"),
        ] {
            let message = find(name).expect_err(name).to_string();
            assert!(message.starts_with("unknown device") && message.contains(problem), "{message}");
            assert!(message.contains("there is flex (the processor)"), "{message}");
        }
        assert_eq!(find("flex").expect("always there").name, "flex");
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_backend_that_is_not_compiled_in_is_answered_with_its_feature() {
        let message = find("cuda:1").expect_err("no such feature").to_string();
        assert!(
            message
                .starts_with("cuda is not in this build; run it with `cargo run --release --features cuda`")
        );
    }
}
