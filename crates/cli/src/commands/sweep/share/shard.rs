//! One of N shares of equal size.

use std::fmt;

use anyhow::Result;

use super::scheduler::{self, Environment, Task};
use crate::exit::usage;
use crate::output::stdout::print_error;

/// In place of a number: the one that the scheduler gave.
const OF_THE_SCHEDULER: &str = "_";

/// The share that begins with run `index`, counted from 0, and has every `n`-th run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    n: usize,
}

impl Shard {
    /// All runs.
    pub const WHOLE: Self = Self { index: 0, n: 1 };

    /// What `--shard` names, or else what the scheduler set for this process; all runs without either. A share that the
    /// scheduler decided is printed.
    pub fn find(option: Option<&str>) -> Result<Self> {
        let environment =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let (shard, task) = Self::of(option, &environment)?;
        if let Some(Task { what, .. }) = task {
            print_error(&format!("shard {shard} of the study, by {what}"));
        }
        Ok(shard)
    }

    /// The share, and the task of a scheduler that decided it.
    fn of(option: Option<&str>, environment: &Environment) -> Result<(Self, Option<Task>)> {
        let n = match option {
            None => None,
            Some(text) => match Self::parse(text)? {
                (Some(index), n) => return Ok((Self { index, n }, None)),
                (None, n) => Some(n),
            },
        };
        match (scheduler::task(environment)?, n) {
            (None, None) => Ok((Self::WHOLE, None)),
            (None, Some(n)) => Err(usage(format!(
                "--shard {OF_THE_SCHEDULER}/{n} takes the number of this process from a scheduler, and no scheduler has set \
                 one ({}); name it, as in --shard 1/{n}",
                scheduler::NUMBERS.join(", ")
            ))),
            (Some(task), n) => {
                let n = match n {
                    Some(n) => n,
                    None => task.n.map_err(|advice| usage(format!("{}: {advice}", task.what)))?,
                };
                if task.index >= n {
                    return Err(usage(format!(
                        "{} is none of {n} tasks; give the number of all of them",
                        task.what
                    )));
                }
                Ok((Self { index: task.index, n }, Some(task)))
            }
        }
    }

    /// `I/N`, where `I` may be left to the scheduler.
    fn parse(text: &str) -> Result<(Option<usize>, usize)> {
        let parsed = text.split_once('/').and_then(|(i, n)| {
            let n: usize = n.parse().ok().filter(|n| *n > 0)?;
            match i {
                OF_THE_SCHEDULER => Some((None, n)),
                _ => Some((Some(i.parse::<usize>().ok()?.checked_sub(1).filter(|i| *i < n)?), n)),
            }
        });
        parsed.ok_or_else(|| {
            usage(format!("--shard must be I/N with I between 1 and N, for example 1/2, got `{text}`"))
        })
    }

    /// The runs of this share.
    pub fn take<T>(self, runs: Vec<T>) -> Vec<T> {
        runs.into_iter().skip(self.index).step_by(self.n).collect()
    }
}

/// `I/N`, as the option has it.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The variables of a process.
    type Set = Vec<(&'static str, String)>;

    fn find(option: Option<&str>, set: &Set) -> Result<Shard> {
        let environment =
            |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
        Shard::of(option, &environment).map(|(shard, _)| shard)
    }

    fn slurm(id: usize, first: usize, n: usize) -> Set {
        vec![
            ("SLURM_ARRAY_TASK_ID", id.to_string()),
            ("SLURM_ARRAY_TASK_MIN", first.to_string()),
            ("SLURM_ARRAY_TASK_MAX", (first + n - 1).to_string()),
            ("SLURM_ARRAY_TASK_STEP", "1".to_owned()),
            ("SLURM_ARRAY_TASK_COUNT", n.to_string()),
        ]
    }

    proptest! {
        #[test]
        fn the_shares_of_all_tasks_have_every_run_once(n in 2..40_usize, n_runs in 0..200_usize, first in 0..9_usize) {
            let with_all = |index: usize| -> [Shard; 5] {
                let kubernetes = |name, value: usize| (name, value.to_string());
                let index_of_kubernetes = kubernetes("JOB_COMPLETION_INDEX", index);
                let by_hand = format!("{}/{n}", index + 1);
                let left = format!("_/{n}");
                [
                    find(Some(&by_hand), &slurm(0, 0, 1)),
                    find(None, &slurm(first + index, first, n)),
                    find(None, &vec![index_of_kubernetes.clone(), kubernetes("JOB_COMPLETIONS", n)]),
                    find(Some(&left), &vec![index_of_kubernetes]),
                    find(Some(&left), &vec![("HQ_TASK_ID", (index + 1).to_string())]),
                ]
                .map(|shard| shard.expect("a task of a scheduler"))
            };
            let mut all = Vec::new();
            for index in 0..n {
                let shards = with_all(index);
                prop_assert!(shards.iter().all(|shard| *shard == shards[0]), "{shards:?}");
                let share = shards[0].take((0..n_runs).collect());
                prop_assert!(share.len().abs_diff(n_runs / n) <= 1);
                all.extend(share);
            }
            all.sort_unstable();
            prop_assert_eq!(all, (0..n_runs).collect::<Vec<_>>());
        }
    }

    #[track_caller]
    fn check(option: Option<&str>, set: &Set, fragments: &[&str]) {
        let message = find(option, set).expect_err("impossible").to_string();
        for fragment in fragments {
            assert!(message.contains(fragment), "no `{fragment}` in {message}");
        }
    }

    #[test]
    fn without_a_scheduler_it_is_the_whole_study() {
        assert_eq!(find(None, &vec![]).expect("no variable"), Shard::WHOLE);
        // A job that is no array.
        assert_eq!(find(None, &vec![("SLURM_JOB_ID", "7".to_owned())]).expect("no array").n, 1);
    }

    #[test]
    fn what_no_array_can_have_is_refused_with_the_variable() {
        let without =
            |name: &str| -> Set { slurm(5, 4, 3).into_iter().filter(|(set, _)| *set != name).collect() };
        let with = |name: &'static str, value: &str| -> Set {
            let mut set = without(name);
            set.push((name, value.to_owned()));
            set
        };
        for name in ["SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"] {
            check(None, &without(name), &[name, "is not set", "--shard I/N"]);
            for value in ["", "x", "-1", "1.5"] {
                check(None, &with(name, value), &[name, "whole number", value]);
            }
        }
        check(
            None,
            &with("SLURM_ARRAY_TASK_STEP", "2"),
            &["SLURM_ARRAY_TASK_STEP", "step of 2", "--array=1-N"],
        );
        check(
            None,
            &with("SLURM_ARRAY_TASK_MAX", "9"),
            &["4 to 9", "has 3 tasks", "gaps", "--array=1-N", "--shard I/N"],
        );
        // `--array=3`, to have one share of an earlier array again.
        check(
            None,
            &slurm(3, 3, 1),
            &["has one task (SLURM_ARRAY_TASK_COUNT), 3", "--array=1-N", "--shard 1/1"],
        );
        let alone = find(Some("2/3"), &slurm(3, 3, 1)).expect("it is named");
        assert_eq!(alone, Shard { index: 1, n: 3 });
        check(None, &slurm(3, 4, 3), &["SLURM_ARRAY_TASK_ID=3"]);
        check(None, &slurm(7, 4, 3), &["SLURM_ARRAY_TASK_ID=7", "none of 3"]);
        check(None, &with("SLURM_ARRAY_TASK_COUNT", "0"), &["SLURM_ARRAY_TASK_COUNT"]);
        let of = |name: &'static str, value: &str| (name, value.to_owned());
        let (index, n) = (of("JOB_COMPLETION_INDEX", "4"), of("JOB_COMPLETIONS", "4"));
        check(None, &vec![index.clone()], &["JOB_COMPLETIONS is not set", "JOB_COMPLETION_INDEX"]);
        check(None, &vec![n.clone()], &["JOB_COMPLETION_INDEX is not set"]);
        check(None, &vec![index, n], &["JOB_COMPLETION_INDEX=4", "none of 4"]);
        check(None, &vec![of("HQ_TASK_ID", "1")], &["HQ_TASK_ID=1", "--shard _/N", "--shard 1/1"]);
        check(Some("_/2"), &vec![of("HQ_TASK_ID", "0")], &["HQ_TASK_ID=0", "1-N"]);
        check(Some("_/2"), &vec![of("HQ_TASK_ID", "3")], &["HQ_TASK_ID=3", "none of 2"]);
        let mut two = slurm(4, 4, 3);
        two.push(of("HQ_TASK_ID", "1"));
        check(None, &two, &["SLURM_ARRAY_TASK_ID", "HQ_TASK_ID", "--shard I/N"]);
        check(Some("_/2"), &vec![], &["no scheduler", "--shard 1/2"]);
        for text in ["", "1", "0/2", "3/2", "1/0", "_/0", "a/b", "/2", "1/2/3"] {
            check(Some(text), &slurm(4, 4, 3), &["I/N", text]);
        }
    }
}
