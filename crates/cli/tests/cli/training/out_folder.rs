//! Which folder a run goes to, and what it does to one that is there.

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
