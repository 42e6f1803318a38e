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
fn every_shell_that_is_installed_parses_its_script() {
    let sandbox = Sandbox::new();
    let mut n_parsed = 0;
    for (shell, program, arguments) in [
        ("bash", "bash", &["-n", "script"] as &[&str]),
        ("elvish", "elvish", &["-compileonly", "script"]),
        ("fish", "fish", &["--no-execute", "script"]),
        (
            "powershell",
            "pwsh",
            &["-NoProfile", "-Command", "[ScriptBlock]::Create((Get-Content -Raw script)) | Out-Null"],
        ),
        ("zsh", "zsh", &["-n", "script"]),
    ] {
        sandbox.write("script", sandbox.succeeds(&format!("completions {shell}")).stdout);
        let Ok(output) = Command::new(program).args(arguments).current_dir(sandbox.path(".")).output() else {
            continue;
        };
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}: {output:?}");
        n_parsed += 1;
    }
    assert!(n_parsed > 0, "no shell is installed");
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
