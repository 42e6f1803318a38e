//! Settings that are typed as options of their own, and how they are set.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use qkv_run::flatten;
use qkv_train::{ConfigSource, Experiment, Registry};
use toml::Table;

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
    (
        &["layers", "n-layers", "n_layers", "n-layer", "n_layer", "num-layers", "num_layers", "depth"],
        "model.n_layers",
    ),
    (&["heads", "n-heads", "n_heads", "n-head", "n_head", "num-heads", "num_heads"], "model.n_heads"),
    (&["d-model", "d_model", "dim", "width", "n-embd", "n_embd", "hidden-size"], "model.d_model"),
    (&["d-k", "d_k", "head-dim", "head_dim"], "model.d_k"),
    (&["d-v", "d_v"], "model.d_v"),
    (&["d-mlp", "d_mlp", "d-ff", "d_ff"], "model.d_mlp"),
    (&["dropout"], "model.dropout"),
    (&["projections"], "model.projections"),
    (&["score", "attention"], "model.score"),
    (&["positions", "pos"], "model.positions"),
    (&["embeddings"], "model.embeddings"),
    (&["mask"], "model.mask"),
    (&["norm"], "model.norm"),
    (&["seq-len", "seq_len", "context-length", "block-size", "block_size"], "task.seq_len"),
    (&["loss"], "loss"),
];

/// What stands for a key and its value.
const VALUES: [(&[&str], &str, &str); 1] = [(&["causal"], "model.mask", "causal")];

/// Training goes by steps.
const EPOCHS: [&str; 6] = ["epoch", "epochs", "n-epochs", "n_epochs", "num-epochs", "num_epochs"];

/// The answer of the parser to these arguments; where it knows no option of this name, but a setting, with the way to
/// set it, if the config that is named can have it.
pub fn with_setting(mut answer: clap::Error, arguments: &[String], registry: &Registry) -> clap::Error {
    let takes_settings = arguments.first().is_some_and(|command| WITH_SETTINGS.contains(&command.as_str()));
    if !takes_settings || answer.kind() != ErrorKind::UnknownArgument {
        return answer;
    }
    let Some(ContextValue::String(option)) = answer.get(ContextKind::InvalidArg) else { return answer };
    if let Some(tip) = tip(option, arguments, registry) {
        answer.remove(ContextKind::SuggestedArg);
        answer.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    answer
}

fn tip(option: &str, arguments: &[String], registry: &Registry) -> Option<String> {
    let name = option.strip_prefix("--")?;
    let name = name.split('=').next()?;
    if EPOCHS.contains(&name) {
        return Some("a training is as long as its number of steps: '--steps N'".to_owned());
    }
    let of_a_value = VALUES.iter().find(|(names, ..)| names.contains(&name));
    let of_a_value = of_a_value.map(|(_, key, value)| (*key, Some(*value)));
    let of_a_key = || KEYS.iter().find(|(names, _)| names.contains(&name));
    let (key, value) = of_a_value.or_else(|| Some((of_a_key()?.1, value(name, arguments))))?;
    let setting = match Named::by(arguments, registry) {
        Some(named) => named.setting(key, value)?,
        None => format!("{key}={}", value.unwrap_or(VALUE)),
    };
    Some(format!("it is a setting of the config: '--set {setting}'"))
}

/// What stands for a value that was not typed, or that the config cannot have.
const VALUE: &str = "VALUE";

/// The config of the task that was named, with what was set.
struct Named<'a> {
    registry: &'a Registry,
    task: &'a str,
    set: Vec<&'a str>,
    experiment: Experiment,
}

impl<'a> Named<'a> {
    /// `None` where no task was named, or its config cannot be read yet, as that of a text without its file.
    fn by(arguments: &'a [String], registry: &'a Registry) -> Option<Self> {
        let task = arguments.iter().find(|argument| registry.task_names().any(|name| name == *argument))?;
        let set = (0..arguments.len()).filter_map(|index| match arguments[index].strip_prefix("--set") {
            Some("") => arguments.get(index + 1).map(String::as_str),
            Some(joined) => joined.strip_prefix('='),
            None => None,
        });
        let set: Vec<&str> = set.collect();
        let experiment = registry.read(ConfigSource::Task(task), &set).ok()?;
        Some(Self { registry, task, set, experiment })
    }

    /// How `key` is set to `value`; `None` where it is no setting of this config.
    fn setting(&self, key: &str, value: Option<&str>) -> Option<String> {
        let setting = |value: &str| format!("{key}={value}");
        let is_taken = |setting: &String| {
            let settings: Vec<&str> = self.set.iter().copied().chain([setting.as_str()]).collect();
            self.registry.read(ConfigSource::Task(self.task), &settings).is_ok()
        };
        value.map(setting).filter(is_taken).or_else(|| self.has(key).then(|| setting(VALUE)))
    }

    fn has(&self, key: &str) -> bool {
        let config = self.experiment.config.to_toml().parse::<Table>();
        config.is_ok_and(|config| flatten(&config).contains_key(key))
    }
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

    use super::*;
    use crate::args::Args;

    fn answer(line: &str) -> String {
        let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let answer =
            Args::try_parse_from(["qkv".to_owned()].iter().chain(&arguments)).expect_err("no option");
        with_setting(answer, &arguments, &Registry::new()).render().to_string()
    }

    #[track_caller]
    fn check(line: &str, expected: &str) {
        let text = answer(line);
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
        check("train reverse --epoch=3", "'--steps N'");
        check("train reverse --causal", "'--set model.mask=causal'");
        check("train reverse --num-layers 2", "'--set model.n_layers=2'");
        check("train reverse --num_heads=2", "'--set model.n_heads=2'");
        // Without a setting of that name, and for a command that takes none, the parser answers as it does.
        check("train reverse --step 3", "a similar argument exists: '--steps'");
        check("eval run --lr 3", "unexpected argument '--lr' found");
    }

    #[test]
    fn a_setting_that_the_named_config_cannot_have_is_not_advised() {
        check("train reverse --seq-len 8", "'--set task.seq_len=8'");
        // What a text takes cannot be tried without one.
        check("train chars --seq-len 8", "'--set task.seq_len=8'");
        check("train copy --seq-len 8", "unexpected argument '--seq-len' found");
        let text = answer("train copy --seq-len 8");
        assert!(!text.contains("task.seq_len"), "{text}");
        check("train reverse --lr -1", "'--set optimizer.lr=VALUE'");
        check("train reverse --set optimizer.name=sgd --lr 0.5", "'--set optimizer.lr=0.5'");
    }

    #[test]
    fn every_key_of_the_table_is_one_of_a_config_and_every_name_stands_there_once() {
        let experiment = Registry::new().read(ConfigSource::Task("reverse"), &[""; 0]).expect("its defaults");
        let config: Table = experiment.config.to_toml().parse().expect("what was just written");
        let known: BTreeSet<String> = flatten(&config).into_keys().collect();
        let mut names = BTreeSet::new();
        let of_values = VALUES.map(|(typed, key, _)| (typed, key));
        for (typed, key) in KEYS.into_iter().chain(of_values) {
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
