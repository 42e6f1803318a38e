//! The config of a run against that of its checkpoints: what is built for it, what a lost line stands for, and what an
//! older version wrote.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use qkv_run::{Contents, Description, Existing, RunFolder};
use qkv_train::{ConfigSource, Constant, Registry, Reverse, ScheduleConfig};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A registry with the task `counted`, which counts how often it is built.
fn registry() -> (Registry, Arc<AtomicUsize>) {
    let n_built = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_built);
    let registry = Registry::new().task("counted", "task.seq_len = 4\ntask.n_symbols = 3", {
        move |task: &Reverse| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(task.clone())
        }
    });
    (registry, n_built)
}

/// A run of `counted` with seed 3, five symbols and capped scores, and a checkpoint.
fn run(registry: &Registry, path: &Path) -> Result<RunFolder, Box<dyn std::error::Error>> {
    let settings = ["seed=3", "task.n_symbols=5", "model.softcap=30"];
    let config = registry.read(ConfigSource::Task("counted"), &settings)?.config;
    let run = RunFolder::create(path, &config.to_toml(), Existing::Keep)?;
    let description = Description::new(config.to_toml().parse()?, Vec::new());
    run.write_checkpoint(0, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
    Ok(run)
}

#[test]
fn a_task_is_built_once_to_read_and_check_the_config_of_a_run() -> Outcome {
    let (folder, (registry, n_built)) = (tempfile::tempdir()?, registry());
    let run = run(&registry, folder.path())?;
    let mut n_before = n_built.load(Ordering::Relaxed);
    let mut n_new = || {
        let n = n_built.load(Ordering::Relaxed);
        n - std::mem::replace(&mut n_before, n)
    };
    registry.check_run(&run, None)?;
    assert_eq!(n_new(), 0);
    assert_eq!(registry.read_run(&run, None, &["train.keep=7"])?.config.train.keep, 7);
    assert_eq!(n_new(), 1);
    let settings = ["task.seq_len=6", "model.seq_len=6", "optimizer.lr=0.1"];
    let branch = registry.read_branch(&run, None, &settings)?;
    assert_eq!((branch.task.seq_len(), branch.config.optimizer.lr, branch.config.seed), (6, 0.1, 3));
    assert_eq!(n_new(), 1);
    Ok(())
}

/// By what reads, branches or shows a run.
fn is_refused(registry: &Registry, run: &RunFolder, difference: &str) -> Outcome {
    let errors = [
        registry.check_run(run, None).err(),
        registry.read_run(run, None, &[] as &[&str]).err(),
        registry.read_branch(run, None, &["optimizer.lr=0.1"]).err(),
    ];
    for error in errors {
        let message = error.ok_or("nothing was refused")?.to_string();
        let expected = format!("was started with other settings: {difference}");
        assert!(message.ends_with(&expected), "{message}");
    }
    Ok(())
}

#[test]
fn a_line_that_is_lost_stands_for_its_default() -> Outcome {
    let (folder, (registry, _)) = (tempfile::tempdir()?, registry());
    let run = run(&registry, folder.path())?;
    let whole = run.config()?;
    for (line, difference) in [
        ("seed = 3\n", "seed was 3, now it is 0"),
        ("n_symbols = 5\n", "task.n_symbols was 5, now it is 3"),
        ("softcap = 30.0\n", "model.softcap was 30.0, now it is 0.0"),
    ] {
        assert_eq!(whole.matches(line).count(), 1, "{whole}");
        std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
        is_refused(&registry, &run, difference)?;
        // What a branch sets may be missing.
        let (key, value) = (difference.split(' ').next(), line.trim_end().rsplit(' ').next());
        let set = format!("{}={}", key.ok_or("a key")?, value.ok_or("a value")?);
        assert_eq!(registry.read_branch(&run, None, &[set])?.config.seed, 3);
    }
    // What follows from the task and from other values.
    for line in ["vocab_size = 5\n", "d_k = 32\n"] {
        assert_eq!(whole.matches(line).count(), 1, "{whole}");
        std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
        registry.check_run(&run, None)?;
        registry.read_run(&run, None, &[] as &[&str])?;
    }
    std::fs::write(folder.path().join("config.toml"), whole.replace("keep = 3\n", ""))?;
    let experiment = registry.read_run(&run, None, &[] as &[&str])?;
    let same = registry.check_same_run(&experiment, &run, None)?;
    assert_eq!(same.changed.iter().map(|found| found.key.as_str()).collect::<Vec<_>>(), ["train.keep"]);
    assert_eq!(same.set, []);
    Ok(())
}

#[test]
fn a_lost_line_stands_for_what_follows_from_the_others() -> Outcome {
    let (folder, (registry, n_built)) = (tempfile::tempdir()?, registry());
    let config = registry
        .read(ConfigSource::Task("counted"), &["model.d_k=24", "model.d_v=16", "model.w_o=true"])?
        .config;
    let run = RunFolder::create(folder.path(), &config.to_toml(), Existing::Keep)?;
    let description = Description::new(config.to_toml().parse()?, Vec::new());
    run.write_checkpoint(0, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
    let whole = run.config()?;
    for (line, difference) in
        [("d_k = 24\n", "model.d_k was 24, now it is 32"), ("d_v = 16\n", "model.d_v was 16, now it is 32")]
    {
        assert_eq!(whole.matches(line).count(), 1, "{whole}");
        std::fs::write(folder.path().join("config.toml"), whole.replace(line, ""))?;
        is_refused(&registry, &run, difference)?;
    }
    // Where the types of a run are not known, what is there is compared.
    assert!(n_built.load(Ordering::Relaxed) > 0);
    assert!(Registry::new().check_run(&run, None).is_ok());
    let edited = whole.replace("d_k = 24\n", "").replace("d_v = 16\n", "d_v = 17\n");
    std::fs::write(folder.path().join("config.toml"), edited)?;
    let message = Registry::new().check_run(&run, None).expect_err("edited").to_string();
    assert!(message.ends_with("settings: model.d_v was 16, now it is 17"), "{message}");
    Ok(())
}

#[test]
fn a_setting_that_constant_never_used_is_read_where_an_older_version_wrote_it() -> Outcome {
    let (folder, (registry, _)) = (tempfile::tempdir()?, registry());
    let settings = ["schedule=constant", "schedule.warmup_steps=7", "train.steps=9"];
    let config = registry.read(ConfigSource::Task("counted"), &settings)?.config;
    // As it was before configs had a format.
    let line = "kind = \"constant\"\n";
    let text = config.to_toml().replace(line, &format!("{line}final_factor = 0.5\n"));
    let table: toml::Table = text.parse()?;
    assert_eq!(table["schedule"]["final_factor"].as_float(), Some(0.5));
    let run = RunFolder::create(folder.path(), &config.to_toml(), Existing::Keep)?;
    std::fs::write(run.config_file(), &text)?;
    let description = Description::new(table, Vec::new());
    run.write_checkpoint(0, &Contents { weights: Vec::new(), optimizer: Vec::new(), description })?;
    let constant = ScheduleConfig::new("constant", &Constant { warmup_steps: 7 });
    let none: &[&str] = &[];
    registry.check_run(&run, None)?;
    let experiment = registry.read_run(&run, None, none)?;
    assert_eq!(experiment.config.schedule, constant);
    registry.check_same_run(&experiment, &run, None)?;
    assert_eq!(registry.read_run(&run, None, &["train.keep=7"])?.config.train.keep, 7);
    assert_eq!(registry.read_branch(&run, None, &["optimizer.lr=0.1"])?.config.schedule, constant);
    let checkpoint = run.checkpoint(0);
    assert_eq!(registry.read_checkpoint(&checkpoint, none)?.config.schedule, constant);
    assert_eq!(registry.read(ConfigSource::Run(&text), none)?.config.schedule, constant);
    // The same text of a user was meant to have an effect.
    let refused = registry.read(ConfigSource::Toml(&text), none).err().ok_or("nothing was refused")?;
    assert!(refused.to_string().starts_with("unknown key `schedule.final_factor`"), "{refused}");
    Ok(())
}
