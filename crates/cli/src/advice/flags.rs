//! Settings that are typed as options of their own, and how they are set.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The commands that take settings.
const WITH_SETTINGS: [&str; 2] = ["train", "sweep"];

/// What people type, and the key that it stands for.
const KEYS: [(&[&str], &str); 24] = [
    (&["lr", "learning-rate", "learning_rate"], "optimizer.lr"),
    (&["optimizer", "optim"], "optimizer.name"),
    (&["weight-decay", "weight_decay", "wd"], "optimizer.weight_decay"),
    (&["clip", "grad-clip", "grad_clip", "clip-grad"], "optimizer.clip"),
    (&["schedule", "scheduler", "lr-schedule"], "schedule.kind"),
    (&["warmup", "warmup-steps", "warmup_steps"], "schedule.warmup_steps"),
    (&["batch-size", "batch_size", "batch", "bs"], "train.batch_size"),
    (&["eval-every", "eval_every", "eval-interval"], "train.eval_every"),
    (&["checkpoint-every", "checkpoint_every", "save-every"], "train.checkpoint_every"),
    (&["layers", "n-layers", "n_layers", "n-layer", "n_layer", "depth"], "model.n_layers"),
    (&["heads", "n-heads", "n_heads", "n-head", "n_head"], "model.n_heads"),
    (&["d-model", "d_model", "dim", "width", "n-embd", "n_embd", "hidden-size"], "model.d_model"),
    (&["d-k", "d_k", "head-dim", "head_dim"], "model.d_k"),
    (&["d-v", "d_v"], "model.d_v"),
    (&["d-mlp", "d_mlp", "d-ff", "d_ff"], "model.d_mlp"),
    (&["dropout"], "model.dropout"),
    (&["projections"], "model.projections"),
    (&["score", "attention"], "model.score"),
    (&["positions", "pos"], "model.positions"),
    (&["embeddings"], "model.embeddings"),
    (&["mask", "causal"], "model.mask"),
    (&["norm"], "model.norm"),
    (&["seq-len", "seq_len", "context-length", "block-size", "block_size"], "task.seq_len"),
    (&["loss"], "loss"),
];

/// Training goes by steps.
const EPOCHS: [&str; 3] = ["epochs", "n-epochs", "num-epochs"];

/// The answer of the parser to these arguments; where it knows no option of this name, but a setting, with the way to
/// set it.
pub fn with_setting(mut answer: clap::Error, arguments: &[String]) -> clap::Error {
    let takes_settings = arguments.first().is_some_and(|command| WITH_SETTINGS.contains(&command.as_str()));
    if !takes_settings || answer.kind() != ErrorKind::UnknownArgument {
        return answer;
    }
    let Some(ContextValue::String(option)) = answer.get(ContextKind::InvalidArg) else { return answer };
    if let Some(tip) = tip(option, arguments) {
        answer.remove(ContextKind::SuggestedArg);
        answer.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    answer
}

fn tip(option: &str, arguments: &[String]) -> Option<String> {
    let name = option.strip_prefix("--")?;
    let name = name.split('=').next()?;
    if EPOCHS.contains(&name) {
        return Some("a training is as long as its number of steps: '--steps N'".to_owned());
    }
    let (_, key) = KEYS.iter().find(|(names, _)| names.contains(&name))?;
    let value = value(name, arguments).unwrap_or("VALUE");
    Some(format!("it is a setting of the config: '--set {key}={value}'"))
}

/// What was typed behind the option.
fn value<'a>(name: &str, arguments: &'a [String]) -> Option<&'a str> {
    let typed = |argument: &'a String| argument.strip_prefix("--")?.strip_prefix(name);
    let (index, rest) =
        arguments.iter().enumerate().find_map(|(index, argument)| Some((index, typed(argument)?)))?;
    let value = match rest.strip_prefix('=') {
        Some(value) => value,
        None => arguments.get(index + 1).filter(|next| rest.is_empty() && !next.starts_with("--"))?,
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-+._".contains(c);
    Some(value).filter(|value| !value.is_empty() && value.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::{CommandFactory, Parser};
    use qkv_run::flatten;
    use qkv_train::{ConfigSource, Registry};
    use toml::Table;

    use super::*;
    use crate::args::Args;

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let answer =
            Args::try_parse_from(["qkv".to_owned()].iter().chain(&arguments)).expect_err("no option");
        let text = with_setting(answer, &arguments).render().to_string();
        assert!(text.contains(expected), "no `{expected}` in\n{text}");
        assert!(text.ends_with("try '--help'.\n"), "{text}");
    }

    #[test]
    fn a_setting_that_is_typed_as_an_option_is_answered_with_the_way_to_set_it() {
        check("train reverse --lr 0.01", "tip: it is a setting of the config: '--set optimizer.lr=0.01'");
        check("train reverse --lr=1e-3", "'--set optimizer.lr=1e-3'");
        check("train reverse --batch-size --lr 3", "'--set train.batch_size=VALUE'");
        check("sweep study.toml --heads $(reboot)", "'--set model.n_heads=VALUE'");
        check("train reverse --epochs 3", "'--steps N'");
        // Without a setting of that name, and for a command that takes none, the parser answers as it does.
        check("train reverse --step 3", "a similar argument exists: '--steps'");
        check("eval run --lr 3", "unexpected argument '--lr' found");
    }

    #[test]
    fn every_key_of_the_table_is_one_of_a_config_and_every_name_stands_there_once() {
        let experiment = Registry::new().read(ConfigSource::Task("reverse"), &[""; 0]).expect("its defaults");
        let config: Table = experiment.config.to_toml().parse().expect("what was just written");
        let known: BTreeSet<String> = flatten(&config).into_keys().collect();
        let mut names = BTreeSet::new();
        for (typed, key) in KEYS {
            assert!(known.contains(key), "{key} is not in {known:?}");
            assert!(typed.iter().all(|name| names.insert(*name)), "{typed:?}");
        }
        let long =
            Args::command().get_subcommands().find(|command| command.get_name() == "train").map(|command| {
                command
                    .get_arguments()
                    .filter_map(|argument| argument.get_long().map(str::to_owned))
                    .collect::<Vec<_>>()
            });
        let long = long.expect("a command");
        assert!(long.iter().all(|option| !names.contains(option.as_str())), "{long:?}");
    }
}
