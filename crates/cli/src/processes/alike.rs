//! Whether all processes of a run were started alike.

use std::path::Path;
use std::{env, fs};

use anyhow::Result;
use qkv_model::random::fnv1a;
use qkv_run::Environment;
use qkv_train::{Processes, check_equal};

use crate::session::environment;

/// Refuses processes of which one has another program, other arguments, another config file or another machine than the
/// first: weights that are updated on unlike processors would drift apart.
pub fn check_alike(processes: &dyn Processes, config: &Path, environment: &Environment) -> Result<()> {
    if processes.size() == 1 {
        return Ok(());
    }
    let arguments: Vec<_> =
        env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let config = if config.is_file() { fs::read(config)? } else { Vec::new() };
    for (what, bytes) in [
        ("another program", program()),
        ("other arguments", arguments.join("\0").into_bytes()),
        ("another config file", config),
        ("another processor, device or precision", machine(environment)),
    ] {
        check_equal(processes, what, fnv1a(&bytes))?;
    }
    Ok(())
}

/// The bytes of the program, or its version where they cannot be read.
fn program() -> Vec<u8> {
    let bytes = env::current_exe().and_then(fs::read);
    bytes.unwrap_or_else(|_| environment::version().as_bytes().to_vec())
}

/// What the bytes of a run depend on beside the program.
fn machine(Environment { processor, device, precision, .. }: &Environment) -> Vec<u8> {
    [processor.as_str(), device, precision].join("\0").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_another_one_by_what_its_bytes_depend_on() {
        let text = ["version", "commit", "burn", "flex", "A", "f32", "time"].map(str::to_owned);
        let [version, commit, burn, device, processor, precision, time] = text;
        let first = Environment { version, commit, burn, device, threads: 2, processor, precision, time };
        assert_eq!(
            machine(&Environment { threads: 8, time: String::new(), ..first.clone() }),
            machine(&first)
        );
        let other = || "other".to_owned();
        for unlike in [
            Environment { processor: other(), ..first.clone() },
            Environment { device: other(), ..first.clone() },
            Environment { precision: other(), ..first.clone() },
        ] {
            assert_ne!(machine(&unlike), machine(&first), "{unlike:?}");
        }
    }
}
