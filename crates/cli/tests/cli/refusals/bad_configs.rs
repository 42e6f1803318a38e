//! Wrong keys, values and config files.

use crate::support::sandbox::Sandbox;

/// Every fragment stands in the sentence with which `train reverse` refuses `settings`, one `--set` each.
#[track_caller]
fn check(settings: &str, fragments: &[&str]) {
    let set = settings.split_whitespace().map(|setting| format!(" --set {setting}")).collect::<String>();
    Sandbox::new().refuses(&format!("train reverse{set}"), fragments);
}

#[test]
fn an_unknown_key_is_answered_with_the_nearest_known_one() {
    check("optimiser.lr=1e-3", &["`optimiser.lr`", "`optimizer.lr`"]);
    check("task.n_pairs=3", &["unknown key `task.n_pairs`"]);
}

#[test]
fn a_setting_without_a_value_is_refused() {
    for setting in ["model.d_k", "=3", "model..d_k=3"] {
        check(setting, &[&format!("`{setting}`"), "key=value"]);
    }
}

/// Keys, values as TOML has them, and what stands in the sentence that refuses them: the key, and what it may be.
#[rustfmt::skip]
const VALUES: &[(&str, &str, &[&str])] = &[
    ("seed", "-1", &["seed", "whole number of at least 0", "-1"]),
    ("seed", "1.5", &["seed", "whole number", "1.5"]),
    ("seed", "\"one\"", &["seed", "whole number", "\"one\""]),
    ("seed", "nan", &["seed", "whole number", "NaN"]),
    ("seed", "true", &["seed", "whole number", "true"]),
    ("seed", "[1]", &["seed", "whole number", "got [1]"]),
    ("seed", "{ a = 1 }", &["seed", "whole number", "got { a = 1 }", "write seed=0"]),
    ("optimizer.lr", "0", &["optimizer.lr", "above 0", "got 0"]),
    ("optimizer.lr", "-1", &["optimizer.lr", "above 0", "got -1"]),
    ("optimizer.lr", "nan", &["optimizer.lr", "above 0 and finite", "got NaN"]),
    ("optimizer.lr", "inf", &["optimizer.lr", "above 0 and finite", "got inf"]),
    ("optimizer.lr", "\"fast\"", &["optimizer.lr", "a number", "\"fast\""]),
    ("optimizer.lr", "[0.1]", &["optimizer.lr", "a number", "got [0.1]", "write optimizer.lr=0.005"]),
    ("optimizer.beta_1", "1", &["optimizer.beta_1", "at least 0 and below 1", "got 1"]),
    ("optimizer.beta_1", "-0.1", &["optimizer.beta_1", "at least 0 and below 1", "got -0.1"]),
    ("optimizer.beta_2", "nan", &["optimizer.beta_2", "a number must be finite", "got NaN"]),
    ("optimizer.beta_2", "\"long\"", &["optimizer.beta_2", "a number", "\"long\""]),
    ("optimizer.name", "\"adamw\"", &["unknown optimizer `adamw`", "choose one of adam, adam-w, lion, muon, sgd"]),
    ("loss", "\"hinge\"", &["unknown loss `hinge`", "cross-entropy, label-smoothing, mean-squared-error"]),
    ("optimizer.epsilon", "0", &["optimizer.epsilon", "above 0", "got 0"]),
    ("optimizer.weight_decay", "-1", &["optimizer.weight_decay", "at least 0", "got -1"]),
    ("optimizer.clip", "-1", &["optimizer.clip", "at least 0", "got -1"]),
    ("optimizer.clip", "inf", &["optimizer.clip", "finite", "got inf"]),
    ("schedule.kind", "\"circle\"", &["unknown schedule `circle`", "choose one of constant, cosine, inverse-square-root, linear, warmup-stable-decay"]),
    ("schedule.kind", "3", &["schedule.kind must be a name in quotes, got 3; write schedule.kind=\"cosine\""]),
    ("schedule.kind", "[1]", &["schedule.kind must be a name in quotes", "[1]"]),
    ("schedule.kind", "nan", &["schedule.kind must be a name in quotes", "nan"]),
    ("schedule", "\"circle\"", &["unknown schedule `circle`", "choose one of constant, cosine, inverse-square-root, linear, warmup-stable-decay"]),
    ("schedule.name", "\"circle\"", &["unknown schedule `circle`", "choose one of constant, cosine, inverse-square-root, linear, warmup-stable-decay"]),
    ("schedule.warmup_steps", "-1", &["schedule.warmup_steps", "at least 0", "-1"]),
    ("schedule.final_factor", "2", &["schedule.final_factor", "between 0 and 1", "got 2"]),
    ("schedule.final_factor", "nan", &["schedule.final_factor", "a number must be finite"]),
    ("train.steps", "0", &["train.steps", "at least 1", "got 0"]),
    ("train.steps", "-1", &["train.steps", "at least 1", "got -1"]),
    ("train.steps", "1.5", &["train.steps", "whole number", "1.5"]),
    ("train.batch_size", "0", &["train.batch_size", "between 1 and 1048576", "got 0"]),
    ("train.batch_size", "1048577", &["train.batch_size", "between 1 and 1048576", "got 1048577"]),
    ("train.batch_size", "9223372036854775807", &["train.batch_size", "between 1 and 1048576"]),
    ("train.eval_every", "0", &["train.eval_every", "at least 1", "got 0"]),
    ("train.eval_examples", "0", &["train.eval_examples", "at least 1", "got 0"]),
    ("train.checkpoint_every", "0", &["train.checkpoint_every", "at least 1", "got 0"]),
    ("train.snapshot_every", "-1", &["train.snapshot_every", "at least 0", "-1"]),
    ("train.keep", "-1", &["train.keep", "at least 1", "got -1"]),
    ("train.stop_at", "1.5", &["train.stop_at", "between 0 and 1", "got 1.5"]),
    ("train.stop_at", "nan", &["train.stop_at", "between 0 and 1", "got NaN"]),
    ("model.d_model", "0", &["model.d_model must be", "at least 1", "got 0"]),
    ("model.d_model", "nan", &["model.d_model", "a number must be finite", "got NaN"]),
    ("optimizer.weight_decay", "inf", &["optimizer.weight_decay", "a number must be finite", "got inf"]),
    ("model.d_model", "9223372036854775807", &["model.d_model must be at most 1048576, got 9223372036854775807"]),
    ("model.n_heads", "0", &["model.n_heads must be", "at least 1", "got 0"]),
    ("model.n_heads", "3", &["model.d_model = 32", "n_heads = 3"]),
    ("model.n_layers", "-1", &["model.n_layers must be at least 1, got -1"]),
    ("model.n_layers", "1000000", &["number of parameters", "at most 1073741824"]),
    ("model.d_k", "\"abc\"", &["model.d_k", "\"abc\"", "whole number"]),
    ("seed", "1979-05-27", &["seed must be a whole number of at least 0, got 1979-05-27; write seed=0"]),
    ("train.steps", "1e3", &["train.steps must be a whole number", "write train.steps=1000"]),
    ("model.name", "3", &["model.name must be a name in quotes, got 3; write model.name=\"transformer\""]),
    ("optimizer.name", "3", &["optimizer.name must be a name in quotes, got 3; write optimizer.name=\"adam-w\""]),
    ("model.d_k", "9007199254740993", &["model.d_k must be at most 1048576, got 9007199254740993"]),
    ("model.d_mlp", "-1", &["model.d_mlp", "at least 0", "-1"]),
    ("model.n_kv_heads", "2", &["model.n_kv_heads must divide n_heads = 1", "got 2"]),
    ("model.dropout", "1", &["model.dropout must be", "at least 0 and below 1", "got 1"]),
    ("model.dropout", "-0.1", &["model.dropout must be", "at least 0 and below 1", "got -0.1"]),
    ("model.softcap", "-1", &["model.softcap must be", "at least 0", "got -1"]),
    ("model.bias", "3", &["model.bias must be true or false, got 3; write model.bias=false"]),
    ("model.mask", "\"future\"", &["unknown mask `future`", "causal, none"]),
    ("model.mask", "3", &["model.mask must be a name in quotes, or a table", "got 3; write model.mask="]),
    ("model.projections", "true", &["model.projections", "got true", "`learned`, `frozen`, `none`"]),
    ("model.softmax", "{ a = 1 }", &["model.softmax must be", "got { a = 1 }; write model.softmax="]),
    ("model.attention", "3", &["model.attention", "got 3", "`auto`, `fused`, `reference`"]),
    ("model.embeddings", "3", &["model.embeddings", "got 3", "`learned`"]),
    ("model.norm", "3", &["model.norm", "got 3", "`pre`"]),
    ("model.norm_kind", "3", &["model.norm_kind", "a name in quotes, or a table", "got 3; write model.norm_kind=\"layer\""]),
    ("model.activation", "3", &["model.activation", "a name in quotes, or a table", "got 3; write model.activation=\"gelu\""]),
    ("model.projections", "{ w_k = \"some\" }", &["model.projections.w_k", "`learned`, `frozen`, `none`", "some"]),
    ("model.projections", "{ w_o = \"none\" }", &["model.projections.w_o", "`model.projections.w_"]),
    ("model.projections", "\"some\"", &["model.projections", "`learned`, `frozen`, `none`", "some"]),
    ("model.score", "\"cosine\"", &["unknown score `cosine`", "additive, dot, scaled-dot"]),
    ("model.score", "3", &["model.score", "a name in quotes, or a table", "got 3; write model.score=\"scaled-dot\""]),
    ("model.score", "{ name = \"dot\", x = 1 }", &["unknown key `model.score.x`; `model.score` has name"]),
    ("model.name", "\"perceiver\"", &["unknown model `perceiver`", "transformer"]),
    ("model.name", "\"../transformer\"", &["unknown model `../transformer`", "transformer"]),
    ("model", "3", &["model must be a name", "3"]),
    ("task.seq_len", "0", &["task.seq_len", "between 1 and 4096", "got 0"]),
    ("task.seq_len", "9223372036854775807", &["task.seq_len", "between 1 and 4096"]),
    ("task.n_symbols", "4294967296", &["task.n_symbols", "between 2 and 65536"]),
    ("optimizer", "\"adamw\"", &["unknown optimizer `adamw`", "choose one of adam, adam-w, lion, muon, sgd"]),
    ("optimizer", "3", &["optimizer must be a name in quotes, or a table with one", "3"]),
    ("train.metrics", "\"accuracy\"", &["train.metrics must be a list, got \"accuracy\"; write train.metrics=[\"accuracy\"]"]),
    ("train", "[]", &["`train` must be a table", "train.", "[]"]),
    ("schedule", "true", &["must be a name in quotes, or a table with one", "true"]),
    ("lr", "1", &["unknown key `lr`", "`optimizer.lr`"]),
    ("task.n_pairs", "1", &["unknown key `task.n_pairs`"]),
    ("model.d_modle", "1", &["unknown key `model.d_modle`", "`model.d_model`"]),
    ("optimizer.rate", "1", &["unknown key `optimizer.rate`"]),
    ("schedule.kinds", "1", &["unknown key `schedule.kinds`", "`schedule.kind`"]),
    ("train.step", "1", &["unknown key `train.step`", "`train.steps`"]),
    ("x.y.z", "1", &["unknown key `x.y.z`"]),
];

#[test]
fn a_value_is_refused_alike_in_a_file_and_on_the_command_line() {
    assert!(VALUES.len() >= 60);
    for (key, value, fragments) in VALUES {
        let sandbox = Sandbox::new();
        let mut command = sandbox.command("train reverse --out run --set");
        command.arg(format!("{key}={value}"));
        sandbox.is_refused(command, fragments);
        sandbox.write("mine.toml", format!("task.name = \"reverse\"\n{key} = {value}\n"));
        sandbox.refuses("train mine.toml --out run", &[&["mine.toml"], *fragments].concat());
    }
}

#[test]
fn every_wrong_setting_has_a_line_of_its_own() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command("train reverse --set model.heads=2 --set");
    command.arg("train.a\nb=1");
    let run = command.output().unwrap();
    let expected = "error: 2 settings are wrong:
  unknown key `model.heads`; did you mean `model.n_heads`?
  unknown key `train.a\\nb`; `train` has ";
    let message = String::from_utf8(run.stderr).unwrap();
    assert_eq!(run.status.code(), Some(2), "{message}");
    assert!(message.starts_with(expected) && message.lines().count() == 3, "{message}");
    sandbox.write("mine.toml", "task = \"reverse\"\n[train]\nstep = 3\n[model]\nheads = 2\n");
    let message = sandbox.qkv("train mine.toml").stderr;
    assert_eq!(message.lines().count(), 3, "{message}");
    assert!(message.starts_with("error: ") && message.contains("mine.toml"), "{message}");
}

#[test]
fn a_number_too_large_for_a_config_is_no_text() {
    let range = "between -9223372036854775808 and 9223372036854775807, got 9223372036854775808";
    check("seed=9223372036854775808", &[&format!("seed: a whole number must be {range}")]);
    check("optimizer.lr=1e400", &["optimizer.lr: a number must be finite, got 1e400"]);
}

#[test]
fn a_table_of_a_sweep_is_answered_with_the_command_that_trains_it() {
    check("sweep.seed=[1]", &["unknown key `sweep.seed`"]);
    let sandbox = Sandbox::new();
    let small = "[train]\nsteps = 1\n[task]\nname = \"reverse\"\nseq_len = 3\n";
    sandbox.write("a.toml", format!("{small}[sweep]\nseed = [0, 1]\n"));
    let fragments = ["a.toml has a table [sweep]", "sweep a.toml"];
    sandbox.refuses("train a.toml", &fragments);
    let refused = sandbox.qkv("train a.toml");
    assert_eq!(sandbox.paste(&refused.stderr).code, Some(0));
    assert!(sandbox.path("runs/a").is_dir(), "{refused:?}");
}

#[test]
fn a_name_with_a_separator_names_no_task() {
    for name in ["../reverse", "a/b", "/etc/passwd", ""] {
        let sandbox = Sandbox::new();
        for text in [format!("task = \"{name}\""), format!("[task]\nname = \"{name}\"")] {
            sandbox.write("mine.toml", text);
            sandbox.refuses("train mine.toml", &["mine.toml", &format!("unknown task `{name}`"), "reverse"]);
        }
        sandbox.refuses(&format!("train reverse --set task={name}"), &["asked for the task `reverse`"]);
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (text, fragment) in [
        ("a = ".to_owned() + &"[".repeat(100_000), "recurs"),
        ("a.".repeat(40_000) + "a = 1", "recurs"),
        (format!("[{}a]", "a.".repeat(40_000)), "recurs"),
        ("a = ".to_owned() + &"{ a = ".repeat(30_000), "recurs"),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("mine.toml", text);
        sandbox.refuses("train mine.toml", &["mine.toml", "not TOML at line 1", fragment]);
    }
    for (setting, fragment) in [
        ("a.".repeat(40_000) + "a=1", "40001 parts, a key has at most 16"),
        (format!("model.score={}", "[".repeat(60) + &"]".repeat(60)), "model.score"),
        ("a=".to_owned() + &"[".repeat(100_000), "unknown key `a`"),
    ] {
        check(&setting, &[fragment]);
    }
}

#[test]
fn dimensions_that_do_not_fit_are_refused_with_the_numbers() {
    check("model.d_v=5", &["w_o", "d_model = 32", "1 * 5"]);
    check("model.vocab_size=9", &["model.vocab_size", "9", "10"]);
    check(
        "model.score={name=\"additive\",d_hidden=0}",
        &["model.score.d_hidden must be", "at least 1", "got 0"],
    );
    check("model.positions={name=\"rope\",base=0}", &["model.positions.base must be", "above 1", "got 0"]);
}

#[test]
fn a_task_with_too_few_inputs_for_its_splits_is_refused() {
    check("task.seq_len=1 task.n_symbols=2", &["too few different inputs"]);
}

/// No config has a megabyte.
const LONG: &str = match str::from_utf8(&[b'#'; (1 << 20) + 1]) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

#[test]
fn a_config_file_that_cannot_be_used_is_named() {
    Sandbox::new().refuses("train missing.toml", &["missing.toml", "No such file"]);
    for (text, fragments) in [
        ("seed = 1\ntask = = 3", &["line 2, column 8"] as &[&str]),
        ("[task]\nname = \"reverse\"\n[model]\nd_modle = 3", &["`model.d_modle`", "`model.d_model`"]),
        ("[task]\nname = \"revers\"", &["unknown task `revers`"]),
        ("seed = \"one\"\n[task]\nname = \"reverse\"", &["seed must be a whole number", "write seed=0"]),
        ("seed = 1", &["no task", "[task]"]),
        ("", &["no task", "[task]"]),
        ("seed = 1\nseed = 2", &["line 2", "duplicate key"]),
        ("[task]\nname = \"reverse\"\n[task]\n", &["line 3", "duplicate key"]),
        ("seed = \0", &["line 1, column 8"]),
        ("seed = 9223372036854775808", &["line 1, column 8", "too large"]),
        ("format = \"qkv-run-9\"\n[task]\nname = \"reverse\"", &["qkv-run-9", "reads qkv-run-1"]),
        (LONG, &["longer than 1048576 bytes"]),
    ] {
        let sandbox = Sandbox::new();
        sandbox.write("mine.toml", text);
        sandbox.refuses("train mine.toml", &[&["mine.toml"], fragments].concat());
    }
    let sandbox = Sandbox::new();
    sandbox.write("mine.toml", b"\xff\xfe");
    sandbox.refuses("train mine.toml", &["mine.toml", "UTF-8"]);
    sandbox.write("folder.toml/x", "");
    sandbox.refuses("train folder.toml", &["folder.toml", "directory"]);
    sandbox.refuses("sweep folder.toml", &["folder.toml", "directory"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_in_place_of_a_config_is_refused_unread() {
    let sandbox = Sandbox::new();
    let pipe = std::process::Command::new("mkfifo").arg(sandbox.path("pipe.toml")).status().unwrap();
    assert!(pipe.success());
    std::os::unix::fs::symlink("/dev/zero", sandbox.path("zero.toml")).unwrap();
    for name in ["pipe.toml", "zero.toml"] {
        for command in ["train", "sweep"] {
            let before = sandbox.names();
            let run = sandbox.qkv(&format!("{command} {name}"));
            assert_eq!(run.code, Some(2), "{run:#?}");
            assert!(run.stderr.contains(name) && run.stderr.contains("a regular file"), "{run:#?}");
            assert_eq!(sandbox.names(), before);
        }
    }
}

#[test]
fn a_model_that_could_read_the_answers_is_refused() {
    Sandbox::new().refuses(
        "train copy --set model.mask=none",
        &["the inputs of the task hold its answers", "model.mask", "causal"],
    );
}
