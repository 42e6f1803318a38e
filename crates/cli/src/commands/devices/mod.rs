//! `qkv devices`: what `--device` can name, and whether it computes.
//!
//! Without names each device is tried in a process of its own: some drivers end the process that they fail in.

mod gradients;

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::args::DevicesArgs;
use crate::output::stdout::Stdout;
use crate::session::device::backend::{BACKENDS, Backend, Found, Opened};
use crate::session::device::find;
use crate::session::device::probe::Probe;

/// Gradients may differ from the processor's by this much of the largest of their parameter: both add up in single
/// precision, in other orders. A product of numbers with 10 bits, as tensor cores make it, differs by more.
const GRADIENT_TOLERANCE: f64 = 1e-4;

/// A line of the output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    /// A device that was found.
    Device {
        device: String,
        /// What its driver calls it; `null` for the processor.
        adapter: Option<String>,
        /// Whether it is a program on the processor that takes the place of a card.
        software: bool,
        #[serde(flatten)]
        tried: Tried,
    },
    /// A backend without devices here.
    Backend { backend: String, compiled_in: bool },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Tried {
    Computes {
        error: f64,
        /// Whether that is as near as single precision comes.
        single_precision: bool,
        first_ms: f64,
        ms: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gradient_error: Option<f64>,
    },
    Fails {
        fails: String,
    },
}

/// Tries every device, or those that were named; fails if one of them does not compute, or not what the processor does.
pub fn run(args: &DevicesArgs) -> Result<ExitCode> {
    let named: Vec<Found> = args.devices.iter().map(|name| find(name)).collect::<Result<_>>()?;
    let out = &mut Stdout::new();
    let mut is_good = true;
    let mut show = |line: Line| {
        is_good &= line.is_good();
        match args.json {
            true => writeln!(out, "{}", serde_json::to_string(&line)?)?,
            false => writeln!(out, "{line}")?,
        }
        out.flush()
    };
    if !named.is_empty() {
        named.into_iter().try_for_each(|found| show(Line::of(found, args.gradients)))?;
        return Ok(code(is_good));
    }
    for backend in BACKENDS.iter().filter(|backend| backend.is_compiled_in()) {
        let devices = backend.devices();
        if devices.is_empty() {
            show(Line::Backend { backend: backend.name.to_owned(), compiled_in: true })?;
        }
        devices.iter().try_for_each(|found| show(Line::in_own_process(found, args.gradients)))?;
    }
    for Backend { name, .. } in BACKENDS.iter().filter(|backend| !backend.is_compiled_in()) {
        show(Line::Backend { backend: (*name).to_owned(), compiled_in: false })?;
    }
    Ok(code(is_good))
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Line {
    fn of(found: Found, with_gradients: bool) -> Self {
        let device = found.name.clone();
        match found.open() {
            Ok(Opened { device: opened, adapter, is_software }) => {
                let tried = Probe::of(&opened).and_then(|probe| {
                    let Probe { error, first_ms, ms } = probe;
                    let single_precision = probe.is_single();
                    let gradient_error = with_gradients.then(|| gradients::error(&opened)).transpose();
                    let gradient_error = gradient_error.map_err(|error| error.to_string())?;
                    Ok(Tried::Computes { error, single_precision, first_ms, ms, gradient_error })
                });
                let tried = tried.unwrap_or_else(|fails| Tried::Fails { fails });
                Self::Device { device, adapter, software: is_software, tried }
            }
            Err(fails) => {
                Self::Device { device, adapter: None, software: false, tried: Tried::Fails { fails } }
            }
        }
    }

    fn in_own_process(found: &Found, with_gradients: bool) -> Self {
        let tried = || -> Result<Self> {
            let mut command = Command::new(std::env::current_exe()?);
            command.args(["devices", "--json", "--device", &found.name]);
            if with_gradients {
                command.arg("--gradients");
            }
            let output = command.stderr(Stdio::inherit()).output()?;
            let line = String::from_utf8_lossy(&output.stdout);
            serde_json::from_str(line.trim())
                .with_context(|| format!("the driver ended the process, {}", output.status))
        };
        tried().unwrap_or_else(|error| Self::Device {
            device: found.name.clone(),
            adapter: None,
            software: false,
            tried: Tried::Fails { fails: error.to_string() },
        })
    }

    fn is_good(&self) -> bool {
        match self {
            Self::Backend { .. } => true,
            Self::Device { tried: Tried::Fails { .. }, .. } => false,
            Self::Device { tried: Tried::Computes { gradient_error, .. }, .. } => {
                gradient_error.is_none_or(|error| error <= GRADIENT_TOLERANCE)
            }
        }
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Backend { backend, compiled_in: false } => {
                write!(f, "{backend:<10} not in this build; cargo run --release --features {backend}")
            }
            Self::Backend { backend, compiled_in: true } => write!(f, "{backend:<10} finds no device here"),
            Self::Device { device, adapter: None, tried: tried @ Tried::Fails { .. }, .. } => {
                write!(f, "{device:<10} {tried}")
            }
            Self::Device { device, adapter, software, tried } => {
                write!(f, "{device:<10} {}", adapter.as_deref().unwrap_or("the processor"))?;
                if *software {
                    write!(f, ", a program on the processor")?;
                }
                write!(f, ": {tried}")
            }
        }
    }
}

impl std::fmt::Display for Tried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Computes { error, single_precision, first_ms, ms, gradient_error } => {
                write!(f, "a product of 256 × 256 in {ms:.2} ms, the first in {first_ms:.0} ms, ")?;
                write!(f, "differs from the processor's by {error:.1e}")?;
                if !single_precision {
                    write!(f, ", more than in single precision")?;
                }
                match gradient_error {
                    Some(error) if *error <= GRADIENT_TOLERANCE => write!(f, ", gradients by {error:.1e}"),
                    Some(error) => {
                        write!(f, ", gradients by {error:.1e}, more than {GRADIENT_TOLERANCE:.0e}")
                    }
                    None => Ok(()),
                }
            }
            Self::Fails { fails } => write!(f, "does not compute: {fails}"),
        }
    }
}
