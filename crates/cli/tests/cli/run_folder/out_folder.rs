//! Which folder a run goes to, and what it does to one that is there.

use crate::support::running::Running;
use crate::support::sandbox::Sandbox;

/// A run that takes a quarter of a second.
const SHORT: &str = "train reverse --steps 1 --quiet";

#[test]
fn runs_without_a_folder_are_numbered() {
    let sandbox = Sandbox::new();
    for number in 1..=2 {
        sandbox.succeeds(SHORT);
        let run = format!("runs/reverse-{number}");
        assert_eq!(sandbox.metrics(&run)[0]["path"], run);
    }
    sandbox.succeeds("train copy --steps 1 --quiet");
    assert!(sandbox.path("runs/copy-1/config.toml").is_file());
}

#[test]
fn a_run_goes_where_it_is_sent_even_through_missing_folders() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out deep/er/mine"));
    assert_eq!(sandbox.metrics("deep/er/mine")[0]["path"], "deep/er/mine");
    assert!(!sandbox.path("runs").exists());
}

#[test]
fn a_run_is_not_overwritten_without_force() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out mine"));
    sandbox.refuses(&format!("{SHORT} --out mine --seed 1"), &["mine", "holds a run", "--out", "--force"]);
    sandbox.refuses("train mine/config.toml --out mine", &["holds a run"]);
}

#[test]
fn in_place_of_a_folder_with_a_run_the_next_that_is_free_is_named() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out mine --set train.stop_at=0"));
    sandbox.succeeds("train mine --branch new --steps 2 --quiet");
    for (line, new, with_force) in [
        (format!("{SHORT} --out mine --set model.score={{name=\"dot\"}}"), "mine-2", true),
        (format!("{SHORT} --out=mine"), "mine-3", true),
        ("train mine --branch new/ --steps 2 --quiet".to_owned(), "new-2", false),
    ] {
        let refused = sandbox.qkv(&line);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert_eq!(refused.stderr.contains("overwrite it with --force, or "), with_force, "{refused:#?}");
        let pasted = sandbox.paste(&refused.stderr);
        assert_eq!(pasted.code, Some(0), "{pasted:#?}");
        assert_eq!(sandbox.metrics(new).last().unwrap()["event"], "done");
        if with_force {
            sandbox.succeeds(&format!("{line} --force"));
        }
    }
}

#[test]
fn with_force_a_run_is_replaced_by_a_whole_new_one() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out mine --seed 1 --set train.checkpoint_every=1"));
    sandbox.succeeds("train copy --steps 2 --quiet --out mine --force");
    sandbox.succeeds("train copy --steps 2 --quiet --out fresh");
    let names = |run: &str| sandbox.tree(run).into_keys().collect::<Vec<_>>();
    assert_eq!(names("mine"), names("fresh"));
    assert_eq!(sandbox.read("mine/config.toml"), sandbox.read("fresh/config.toml"));
}

#[test]
fn a_folder_without_a_run_is_left_alone_even_with_force() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "mine");
    sandbox.write("photos/cat.png", "meow");
    // Other programs have a config.toml, too.
    sandbox.write("site/config.toml", "title = \"my site\"");
    for force in ["", " --force"] {
        sandbox.refuses(&format!("{SHORT} --out file{force}"), &["file", "folder"]);
        for folder in ["photos", "site"] {
            sandbox.refuses(&format!("{SHORT} --out {folder}{force}"), &[folder, "holds no run"]);
        }
    }
}

#[test]
fn a_bad_config_does_not_cost_the_run_that_force_would_replace() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out mine"));
    for wrong in ["--set model.d_v=5", "--set task.seq_len=1 --set task.n_symbols=2", "--device abacus"] {
        sandbox.refuses(&format!("{SHORT} --out mine --force {wrong}"), &[]);
    }
}

#[test]
fn force_never_removes_what_a_run_did_not_write() {
    let sandbox = Sandbox::new();
    // Another project, with files of the same names.
    sandbox.write("project/config.toml", "[package]\nname = \"thesis\"\n");
    sandbox.write("project/checkpoints/best.pt", "weights");
    sandbox.write("project/thesis.txt", "years of work");
    let before = sandbox.tree("project");
    sandbox.refuses(&format!("{SHORT} --out project --force"), &["project", "holds no run"]);
    assert_eq!(sandbox.tree("project"), before);

    // A run with a file that it did not write.
    sandbox.succeeds(&format!("{SHORT} --out mine"));
    sandbox.write("mine/notes.txt", "seed 0 looks good");
    sandbox.succeeds(&format!("{SHORT} --out mine --force --seed 1"));
    assert_eq!(sandbox.read_text("mine/notes.txt"), "seed 0 looks good");
}

#[test]
fn a_run_does_not_begin_within_another_one() {
    let sandbox = Sandbox::new();
    sandbox.succeeds(&format!("{SHORT} --out base"));
    let before = sandbox.tree("base");
    for place in ["base/inner", "base/checkpoints/step-00000001/inner", "base/checkpoints/new", "base/a/b"] {
        for line in [
            format!("{SHORT} --out {place}"),
            format!("{SHORT} --out {place} --force"),
            format!("train base --branch {place} --steps 2 --quiet"),
            format!("{SHORT} --init-from base --out {place}"),
        ] {
            sandbox
                .refuses(&line, &[place, "lies in the folder of a run, ", "choose a folder outside of it"]);
        }
    }
    assert_eq!(sandbox.tree("base"), before);
}

#[test]
fn a_training_ends_when_its_folder_is_no_longer_its_own() {
    let sandbox = Sandbox::new();
    let mut training = Running::start(&sandbox, "train reverse --steps 100000 --json --out mine");
    training.wait_for("\"saved\"");
    std::fs::rename(sandbox.path("mine"), sandbox.path("elsewhere")).unwrap();
    let ended = training.end();
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    for part in ["mine is no longer the folder that this training has locked", "put it back and resume"] {
        assert!(ended.stderr.contains(part), "{ended:#?}");
    }
    assert!(!sandbox.path("mine").exists());
    std::fs::rename(sandbox.path("elsewhere"), sandbox.path("mine")).unwrap();
    sandbox.succeeds("verify mine");
    sandbox.succeeds("train mine --resume --stop-after 2 --quiet");
}

#[test]
#[cfg(unix)]
fn a_limit_of_file_size_is_an_error_of_the_write() {
    let sandbox = Sandbox::new();
    let qkv = sandbox.command(&format!("{SHORT} --out mine"));
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -f 8; exec \"$0\" \"$@\""]).arg(qkv.get_program()).args(qkv.get_args());
    limited.current_dir(sandbox.path(""));
    let ended = limited.output().unwrap();
    let stderr = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{stderr}");
    for part in ["mine/checkpoints/step-00000000", "it needs ", " bytes; no file may be so long here"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    sandbox.succeeds("train mine --resume --quiet");
}

#[test]
#[cfg(target_os = "linux")]
fn paths_that_are_not_utf_8_work_or_are_refused_before_anything_is_created() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;

    let name = |name: &[u8]| OsString::from_vec([name, b"\xff\xfe"].concat());
    let sandbox = Sandbox::new();
    let finishes = |line: &str, arguments: &[OsString]| {
        let output = sandbox.command(line).args(arguments).output().unwrap();
        assert!(output.status.success(), "{line} {arguments:?}\n{output:?}");
    };
    let run = name(b"run");
    finishes(&format!("{SHORT} --stop-after 1 --out"), std::slice::from_ref(&run));
    finishes("train --resume --quiet", std::slice::from_ref(&run));
    for command in ["eval", "explain", "ablate", "sample", "inspect", "report"] {
        finishes(command, std::slice::from_ref(&run));
    }
    finishes("inspect --svg", &[name(b"svg"), run.clone()]);
    finishes("report --out", &[name(b"page.html"), run.clone()]);
    finishes("report --png", &[name(b"png"), run.clone()]);
    sandbox.write("study.toml", "[task]\nname = \"sort\"\n[train]\nsteps = 1\n[sweep]\nseed = [0]\n");
    finishes("sweep study.toml --out", &[name(b"sweep")]);

    // What has to be written into a text is refused.
    let mut branch = sandbox.command("train --steps 9 --branch new");
    branch.arg(&run);
    sandbox.is_refused(branch, &["is not UTF-8"]);
    let mut from = sandbox.command(&format!("{SHORT} --out new --init-from"));
    from.arg(&run);
    sandbox.is_refused(from, &["is not UTF-8"]);
    let mut text = sandbox.command("train chars --out new --set");
    text.arg(name(b"task.text="));
    sandbox.is_refused(text, &["UTF-8"]);
}
