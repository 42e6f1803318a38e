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

#[test]
#[cfg(unix)]
fn bash_reads_its_script_and_completes_a_command() {
    let sandbox = Sandbox::new();
    sandbox.write("script", sandbox.succeeds("completions bash").stdout);
    let ask =
        "source ./script && COMP_WORDS=(qkv tr) COMP_CWORD=1 && _qkv qkv tr qkv && echo \"${COMPREPLY[@]}\"";
    let Ok(output) = Command::new("bash").args(["-c", ask]).current_dir(sandbox.path(".")).output() else {
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "train", "{output:?}");
}
