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

#[test]
fn a_value_of_the_wrong_type_is_refused_in_words() {
    check("model.d_k=abc", &["model.d_k", "\"abc\"", "whole number"]);
    check("model.d_k=-1", &["model.d_k", "-1", "whole number"]);
    check("train.steps=1.5", &["train.steps", "1.5", "whole number"]);
    check("optimizer.lr=fast", &["optimizer.lr", "\"fast\"", "a number"]);
    check("model.bias=3", &["model.bias", "3", "boolean"]);
    check("model.mask=future", &["model.mask", "future", "none", "causal"]);
    check("task=3", &["task must be a name", "3"]);
}

#[test]
fn a_number_out_of_range_is_refused_with_the_range() {
    check("optimizer.lr=inf", &["optimizer.lr", "finite", "got inf"]);
    check("optimizer.beta_1=1", &["optimizer.beta_1", "below 1", "got 1"]);
    check("optimizer.clip=-1", &["optimizer.clip", "at least 0", "got -1"]);
    check("train.batch_size=0", &["train.batch_size", "between 1", "got 0"]);
    check("train.stop_at=1.5", &["train.stop_at", "between 0 and 1", "got 1.5"]);
    check("schedule.final_factor=2", &["schedule.final_factor", "got 2"]);
    check("task.seq_len=0", &["task.seq_len", "got 0"]);
    check("model.score={name=\"additive\",d_hidden=0}", &["d_hidden", "at least 1", "got 0"]);
}

#[test]
fn dimensions_that_do_not_fit_are_refused_with_the_numbers() {
    check("model.d_v=5", &["w_o", "d_model = 32", "1 * 5"]);
    check("model.vocab_size=9", &["model.vocab_size", "9", "10"]);
}

#[test]
fn a_task_with_too_few_inputs_for_its_splits_is_refused() {
    check("task.seq_len=1 task.n_symbols=2", &["too few different inputs"]);
}

#[test]
fn a_wrong_flag_value_is_refused_like_the_key_that_it_sets() {
    Sandbox::new().refuses("train reverse --steps 0", &["train.steps", "at least 1"]);
}

#[test]
fn a_config_file_that_cannot_be_used_is_named() {
    Sandbox::new().refuses("train missing.toml", &["missing.toml", "No such file"]);
    for (text, fragments) in [
        ("seed = 1\ntask = = 3", &["line 2, column 8"] as &[&str]),
        ("[task]\nname = \"reverse\"\n[model]\nd_modle = 3", &["`model.d_modle`", "`model.d_model`"]),
        ("[task]\nname = \"revers\"", &["unknown task `revers`"]),
        ("seed = \"one\"\n[task]\nname = \"reverse\"", &["`seed`", "whole number"]),
        ("seed = 1", &["no task", "[task]"]),
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
}

#[test]
fn a_model_that_could_read_the_answers_is_refused() {
    Sandbox::new().refuses(
        "train copy --set model.mask=none",
        &["the inputs of the task hold its answers", "model.mask", "causal"],
    );
}
