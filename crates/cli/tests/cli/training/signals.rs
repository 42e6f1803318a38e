//! Ctrl-C and `kill`: the run saves and leaves.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::sandbox::Sandbox;

#[test]
fn a_signal_saves_the_run_and_tells_itself_in_the_exit_code() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let sandbox = Sandbox::new();
        let mut child = sandbox
            .command("train reverse --json --steps 1000000 --out run")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("\"step\":3,")));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        // Read to the end, or the writer would wait.
        let last = lines.last().unwrap().unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let saved: serde_json::Value = serde_json::from_str(&last).unwrap();
        assert_eq!(saved["event"], "saved", "{last}");
        let checkpoint = sandbox.path(saved["path"].as_str().unwrap());
        assert!(checkpoint.join("model.safetensors").is_file(), "{last}");
    }
}
