//! Whether the files of a run are what was written.

use std::fs;

use crate::support::sandbox::Sandbox;

/// A run with two checkpoints, frames and a log.
fn sandbox_with_a_run() -> Sandbox {
    let sandbox = Sandbox::new();
    let settings =
        "task.seq_len=3 model.d_model=8 train.batch_size=4 train.eval_examples=8 train.snapshot_every=2";
    let set: String = settings.split(' ').map(|setting| format!(" --set {setting}")).collect();
    sandbox.succeeds(&format!("train reverse --steps 4 --quiet --out run{set}"));
    sandbox
}

/// `qkv verify run` names exactly these files, with the fragment behind each.
#[track_caller]
fn differs(sandbox: &Sandbox, expected: &[(&str, &str)]) {
    let before = sandbox.tree(".");
    let (text, json) = (sandbox.qkv("verify run"), sandbox.qkv("verify run --json"));
    assert_eq!((text.code, json.code), (Some(1), Some(1)), "{text:#?}\n{json:#?}");
    let bad: Vec<_> = json.events().into_iter().filter(|line| line["good"] == false).collect();
    assert_eq!(bad.len(), expected.len(), "{json:#?}");
    for (line, (file, what)) in bad.iter().zip(expected) {
        assert_eq!(line["file"], *file, "{json:#?}");
        assert!(line["what"].as_str().unwrap().contains(what), "no `{what}` in {json:#?}");
        let shown = text
            .stdout
            .lines()
            .any(|line| line.starts_with(&format!("differs  {file}")) && line.contains(what));
        assert!(shown, "{text:#?}");
    }
    assert!(sandbox.tree(".") == before, "verifying changes nothing");
}

#[test]
fn a_whole_run_has_a_line_for_each_file() {
    let sandbox = sandbox_with_a_run();
    let verified = sandbox.succeeds("verify run");
    let is_good = |file: &str, checked: &str| {
        verified.stdout.lines().any(|line| line == format!("good     {file}  ({checked})"))
    };
    for (file, checked) in [
        ("config.toml", "values"),
        ("metrics.jsonl", "lines"),
        ("snapshots/step-00000002.safetensors", "hash"),
    ] {
        assert!(is_good(file, checked), "{file}: {verified:#?}");
    }
    for name in ["MANIFEST.json", "config.json", "model.safetensors", "optimizer.safetensors"] {
        for step in [0, 4] {
            assert!(is_good(&format!("checkpoints/step-{step:08}/{name}"), "hash"), "{name}: {verified:#?}");
        }
    }
    for line in ["13 files checked, no difference found", "  hash       11  every bit, by SHA-256"] {
        assert!(verified.stdout.lines().any(|found| found == line), "no {line:?} in {verified:#?}");
    }
    let lines = sandbox.succeeds("verify run --json").events();
    assert!(lines.len() == 13 && lines.iter().all(|line| line["good"] == true), "{lines:?}");
    let by_hash = lines.iter().filter(|line| line["checked"] == "hash");
    assert_eq!(by_hash.count(), 11, "{lines:?}");
}

#[test]
fn a_flipped_bit_in_each_kind_of_file_is_found() {
    let sandbox = sandbox_with_a_run();
    for (file, byte, what) in [
        ("checkpoints/step-00000004/MANIFEST.json", 40, ""),
        ("checkpoints/step-00000004/config.json", 40, "its SHA-256 is"),
        ("checkpoints/step-00000004/model.safetensors", 1000, "its SHA-256 is"),
        ("checkpoints/step-00000000/optimizer.safetensors", 10, "its SHA-256 is"),
        ("snapshots/step-00000002.safetensors", 20, ""),
        // A number in the last tensor before the seal.
        ("snapshots/step-00000002.safetensors", usize::MAX - 33, "its SHA-256 is another than its seal"),
        ("metrics.jsonl", 0, "expected an event as JSON"),
        ("config.toml", 0, ""),
    ] {
        let whole = sandbox.read(&format!("run/{file}"));
        let mut damaged = whole.clone();
        let from_the_end = usize::MAX - byte;
        let byte = if byte < whole.len() { byte } else { whole.len() - 1 - from_the_end };
        damaged[byte] ^= 1;
        sandbox.write(&format!("run/{file}"), &damaged);
        differs(&sandbox, &[(file, what)]);
        sandbox.write(&format!("run/{file}"), &whole);
    }
    sandbox.succeeds("verify run");
}

#[test]
fn what_differs_is_named_with_its_bytes() {
    let sandbox = sandbox_with_a_run();
    let frame = sandbox.read("run/snapshots/step-00000002.safetensors");
    sandbox.write("run/snapshots/step-00000002.safetensors", [&frame[..], b"more"].concat());
    let range =
        format!("bytes {} to {}", 8 + u64::from_le_bytes(frame[..8].try_into().unwrap()), frame.len() + 4);
    let verified = sandbox.qkv("verify run");
    assert!(verified.stdout.contains(&range), "no {range} in {verified:#?}");
}

#[test]
fn missing_and_surplus_files_are_found_together() {
    let sandbox = sandbox_with_a_run();
    let checkpoint = "checkpoints/step-00000004";
    fs::remove_file(sandbox.path(&format!("run/{checkpoint}/optimizer.safetensors"))).unwrap();
    sandbox.write(&format!("run/{checkpoint}/old.safetensors"), "");
    fs::remove_file(sandbox.path("run/checkpoints/step-00000000/MANIFEST.json")).unwrap();
    differs(
        &sandbox,
        &[
            ("checkpoints/step-00000000/MANIFEST.json", "it is missing"),
            (&format!("{checkpoint}/old.safetensors"), "not listed in MANIFEST.json"),
            (&format!("{checkpoint}/optimizer.safetensors"), "it is missing"),
        ],
    );
}

#[test]
fn a_missing_log_and_a_file_in_place_of_a_folder_are_findings() {
    let sandbox = sandbox_with_a_run();
    fs::remove_file(sandbox.path("run/metrics.jsonl")).unwrap();
    fs::remove_dir_all(sandbox.path("run/snapshots")).unwrap();
    sandbox.write("run/snapshots", "");
    differs(&sandbox, &[("metrics.jsonl", "it is missing"), ("snapshots", "expected a folder")]);
}

#[test]
fn what_is_no_run_is_refused() {
    Sandbox::new().refuses("verify nowhere", &["nowhere does not exist"]);
}

#[test]
fn a_log_that_lost_its_beginning_is_found_and_a_resume_warns_of_it() {
    let sandbox = sandbox_with_a_run();
    sandbox.succeeds("train run --branch on --quiet --from 0 --steps 6 --stop-after 3");
    sandbox.succeeds("train on --resume --quiet --stop-after 5");
    sandbox.succeeds("verify on");
    let whole = sandbox.read_text("on/metrics.jsonl");
    let later = whole.rfind("{\"event\":\"start\"").unwrap();
    assert!(whole[..later].contains("\"step\":3"), "{whole}");
    let n = whole[later..].find('\n').unwrap() + 1;
    sandbox.write("on/metrics.jsonl", &whole[later..]);
    let found = sandbox.qkv("verify on");
    let what = "the log begins at step 3, expected the start of the run, at step 0";
    let line = format!("differs  metrics.jsonl, bytes 0 to {n}: {what}");
    assert!(found.code == Some(1) && found.stdout.lines().any(|found| found == line), "{found:#?}");
    let resumed = sandbox.succeeds("train on --resume --quiet");
    let warned = "warning: the log has no line of steps 1 to 3; the run goes on, and its report lacks them";
    assert!(resumed.stderr.lines().any(|line| line == warned), "{resumed:#?}");
    assert!(sandbox.read_text("on/metrics.jsonl").starts_with(&whole[later..]));
    // Of a whole log there is no warning.
    sandbox.write(
        "run/metrics.jsonl",
        sandbox.read_text("run/metrics.jsonl").replace("\"event\":\"done\"", "\"event\":\"mine\""),
    );
    let resumed = sandbox.succeeds("train run --resume --quiet");
    assert!(!resumed.stderr.contains("the log has no line"), "{resumed:#?}");
}
