//! The number of this process among those that a scheduler started.

use anyhow::Result;

use crate::exit::usage;

/// The values of variables by their names.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The variables with the number of a task.
pub const NUMBERS: [&str; 3] = [SLURM_ID, KUBERNETES_INDEX, HYPER_QUEUE_ID];

const SLURM_ID: &str = "SLURM_ARRAY_TASK_ID";
const SLURM_COUNT: &str = "SLURM_ARRAY_TASK_COUNT";
const SLURM_MIN: &str = "SLURM_ARRAY_TASK_MIN";
const SLURM_MAX: &str = "SLURM_ARRAY_TASK_MAX";
const SLURM_STEP: &str = "SLURM_ARRAY_TASK_STEP";

const KUBERNETES_INDEX: &str = "JOB_COMPLETION_INDEX";
/// No variable of Kubernetes itself: the manifest sets it.
const KUBERNETES_COUNT: &str = "JOB_COMPLETIONS";

const HYPER_QUEUE_ID: &str = "HQ_TASK_ID";

/// One of the tasks of a scheduler.
#[derive(Debug)]
pub struct Task {
    /// From 0.
    pub index: usize,
    /// How many there are; or where the scheduler has no variable for that, what to do.
    pub n: Result<usize, &'static str>,
    /// The scheduler and its variable, for messages.
    pub what: String,
}

/// The task that this process is; `None` where no scheduler set a variable.
///
/// # Errors
/// If several did, or one only a part of what it sets, or what it never sets.
pub fn task(environment: &Environment) -> Result<Option<Task>> {
    let found: Vec<Task> = [slurm(environment)?, kubernetes(environment)?, hyper_queue(environment)?]
        .into_iter()
        .flatten()
        .collect();
    match &found[..] {
        [] | [_] => Ok(found.into_iter().next()),
        _ => {
            let found: Vec<&str> = found.iter().map(|task| task.what.as_str()).collect();
            Err(usage(format!(
                "{} are set at once, expected those of one scheduler; unset the others, or name the share with --shard I/N",
                found.join(" and ")
            )))
        }
    }
}

/// The tasks of an array have consecutive numbers, which need not begin at 0.
fn slurm(environment: &Environment) -> Result<Option<Task>> {
    let Some([id, count, min]) = all(environment, [SLURM_ID, SLURM_COUNT, SLURM_MIN])? else {
        return Ok(None);
    };
    let whole = |problem: String| {
        usage(format!(
            "{problem}; submit the whole array, as --array=1-N for N shares: runs that are done are not repeated; or name the \
             share with --shard I/N, and --shard 1/1 for all runs"
        ))
    };
    if let Some(step) = number(environment, SLURM_STEP)?.filter(|step| *step != 1) {
        return Err(whole(format!("the array has a step of {step} ({SLURM_STEP}), expected 1")));
    }
    if let Some(max) =
        number(environment, SLURM_MAX)?.filter(|max| max.checked_sub(min) != count.checked_sub(1))
    {
        return Err(whole(format!(
            "the array goes from {min} to {max} ({SLURM_MIN}, {SLURM_MAX}) and has {count} tasks ({SLURM_COUNT}), so that \
             there are gaps"
        )));
    }
    // As a user submits it who wants one task of a greater array again.
    if count == 1 {
        return Err(whole(format!(
            "the array has one task ({SLURM_COUNT}), {id}, expected those of all shares"
        )));
    }
    let Some(index) = id.checked_sub(min) else {
        return Err(usage(format!(
            "{SLURM_ID}={id} is less than {SLURM_MIN}={min}; unset them, or name the share with --shard I/N"
        )));
    };
    Ok(Some(Task { index, n: Ok(count), what: format!("Slurm ({SLURM_ID}={id})") }))
}

/// The index of an Indexed Job begins at 0.
fn kubernetes(environment: &Environment) -> Result<Option<Task>> {
    let index = number(environment, KUBERNETES_INDEX)?;
    let n = number(environment, KUBERNETES_COUNT)?;
    match (index, n) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(half(KUBERNETES_COUNT, KUBERNETES_INDEX)),
        (Some(index), n) => {
            let n = n.ok_or(
                "JOB_COMPLETIONS is not set: set it in the manifest, or add --shard _/N for N completions",
            );
            Ok(Some(Task { index, n, what: format!("Kubernetes ({KUBERNETES_INDEX}={index})") }))
        }
    }
}

/// Arrays are submitted as 1-N; a task of no array has the number 0.
fn hyper_queue(environment: &Environment) -> Result<Option<Task>> {
    let Some(id) = number(environment, HYPER_QUEUE_ID)? else { return Ok(None) };
    let what = format!("HyperQueue ({HYPER_QUEUE_ID}={id})");
    match id.checked_sub(1) {
        Some(index) => {
            let n = Err(
                "how many tasks there are has no variable: add --shard _/N for N tasks, or --shard 1/1 for all runs",
            );
            Ok(Some(Task { index, n, what }))
        }
        None => Err(usage(format!(
            "{what}: expected the number of a task of an array from 1; submit it with --array 1-N, or name the share with \
             --shard I/N"
        ))),
    }
}

/// Variables that are set together.
fn all<const N: usize>(environment: &Environment, names: [&str; N]) -> Result<Option<[usize; N]>> {
    let mut values = [None; N];
    for (value, name) in values.iter_mut().zip(names) {
        *value = number(environment, name)?;
    }
    let Some(set) = values.iter().position(Option::is_some) else { return Ok(None) };
    match values.iter().position(Option::is_none) {
        Some(missing) => Err(half(names[set], names[missing])),
        None => Ok(Some(values.map(|value| value.expect("no value is missing")))),
    }
}

fn half(set: &str, missing: &str) -> anyhow::Error {
    usage(format!(
        "{set} is set, and {missing} is not set: expected both or neither; set it, or name the share with --shard I/N"
    ))
}

fn number(environment: &Environment, name: &str) -> Result<Option<usize>> {
    let Some(value) = environment(name) else { return Ok(None) };
    let number = value.parse();
    number.map(Some).map_err(|_| {
        usage(format!(
            "{name} must be a whole number, got `{value}`; unset it, or name the share with --shard I/N"
        ))
    })
}
