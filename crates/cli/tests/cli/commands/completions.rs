//! The scripts of `completions`.

use std::process::Command;

use crate::support::sandbox::Sandbox;

#[test]
fn every_shell_gets_every_command() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.succeeds(&format!("completions {shell}")).stdout;
        for word in ["qkv", "train", "completions", "stop-after"] {
            assert!(script.contains(word), "no {word} for {shell}");
        }
    }
    sandbox.refuses("completions tcsh", &["'tcsh'", "bash", "zsh"]);
}

/// With this in its environment a test that a shell is missing for fails; the gate sets it.
#[cfg(unix)]
const NOTHING_SKIPPED: &str = "QKV_SKIP_NO_PROOF";

/// What a shell prints, with the arguments of its `program`, where `script` is its script for qkv. `None` where it is
/// not installed; the gate has those that are `in_the_gate`.
#[cfg(unix)]
fn output(shell: &str, program: &str, arguments: &[&str], in_the_gate: bool) -> Option<String> {
    let sandbox = Sandbox::new();
    sandbox.write("script", sandbox.succeeds(&format!("completions {shell}")).stdout);
    match Command::new(program).args(arguments).current_dir(sandbox.path(".")).output() {
        Ok(output) => {
            assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
            Some(String::from_utf8(output.stdout).unwrap())
        }
        Err(error) => {
            let may_be_skipped = !in_the_gate || std::env::var_os(NOTHING_SKIPPED).is_none();
            assert!(may_be_skipped, "{program} cannot be started: {error}; install it");
            println!("SKIPPED, because {program} cannot be started: {error}");
            None
        }
    }
}

#[test]
#[cfg(unix)]
fn every_shell_parses_its_script() {
    let powershell = "[ScriptBlock]::Create((Get-Content -Raw script)) | Out-Null";
    for (shell, program, arguments, in_the_gate) in [
        ("bash", "bash", &["-n", "script"] as &[&str], true),
        ("elvish", "elvish", &["-compileonly", "script"], false),
        ("fish", "fish", &["--no-execute", "script"], true),
        ("powershell", "pwsh", &["-NoProfile", "-Command", powershell], false),
        ("zsh", "zsh", &["-n", "script"], true),
    ] {
        output(shell, program, arguments, in_the_gate);
    }
}

#[test]
#[cfg(unix)]
fn bash_completes_a_command() {
    let ask =
        "source ./script && COMP_WORDS=(qkv tr) COMP_CWORD=1 && _qkv qkv tr qkv && echo \"${COMPREPLY[@]}\"";
    if let Some(candidates) = output("bash", "bash", &["-c", ask], true) {
        assert_eq!(candidates.trim(), "train");
    }
}

#[test]
#[cfg(unix)]
fn fish_completes_a_command_and_an_option() {
    let ask = "source script; complete -C 'qkv tr'; complete -C 'qkv train --stop-a'";
    if let Some(candidates) = output("fish", "fish", &["--no-config", "-c", ask], true) {
        let words: Vec<&str> = candidates.lines().map(|line| line.split('\t').next().unwrap()).collect();
        assert_eq!(words, ["train", "--stop-after"], "{candidates}");
    }
}

/// The keys are typed into a shell in a terminal of its own, which then shows its line.
#[test]
#[cfg(unix)]
fn zsh_completes_a_command_and_an_option() {
    if let Some(line) = output("zsh", "zsh", &["-f", "-c", include_str!("completions.zsh")], true) {
        assert_eq!(line.trim(), "qkv train --stop-after=");
    }
}
