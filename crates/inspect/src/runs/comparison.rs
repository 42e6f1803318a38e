//! Runs by what they were set to.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use qkv_run::Evaluation;

use crate::runs::figure::Figure;
use crate::runs::key::{Key, name_texts};
use crate::runs::key_value::KeyValue;
use crate::runs::record::RunRecord;
use crate::runs::series::Series;
use crate::runs::setting::Setting;
use crate::runs::spread::Spread;

/// Runs beside each other. Those that differ in nothing but their seeds are one [`Setting`].
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What differs, apart from seeds and from what follows from other keys.
    pub keys: Vec<Key>,
    /// Keys that differ as well, and follow from those.
    pub derived: Vec<String>,
    /// What is compared.
    pub figures: Vec<Figure>,
    /// By setting, then by seed.
    pub runs: Vec<RunRecord>,
    /// In the order of the values of their keys.
    pub settings: Vec<Setting>,
    /// The accuracy at which the phase changes.
    pub threshold: f64,
}

impl Comparison {
    /// Of finished runs, read with this threshold. `derived` are keys whose values follow from others, so that they make
    /// no difference of their own.
    pub fn new(mut runs: Vec<RunRecord>, derived: &BTreeSet<String>, threshold: f64) -> Self {
        let (derived, mut keys): (Vec<Key>, Vec<Key>) =
            Key::of(&runs).into_iter().partition(|key| derived.contains(&key.name));
        // What follows from other keys keeps settings apart, too, if those do not.
        let values = Key::indices(&keys, &runs).into_iter().zip(Key::indices(&derived, &runs));
        let mut indexed: Vec<_> = values.zip(runs.drain(..)).collect();
        indexed.sort_by(|(one_values, one), (other_values, other)| {
            (one_values, one.seed, &one.path).cmp(&(other_values, other.seed, &other.path))
        });
        let mut by_values: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (index, (values, run)) in indexed.into_iter().enumerate() {
            by_values.entry(values).or_default().push(index);
            runs.push(run);
        }
        name_texts(&mut keys, &runs);
        let figures = Figure::all(&runs);
        let setting = |((values, _), indices)| Setting::new(values, indices, &figures, &runs);
        let settings = by_values.into_iter().map(setting).collect();
        let derived = derived.into_iter().map(|key| key.name).collect();
        Self { keys, derived, figures, runs, settings, threshold }
    }

    /// The best run of every task, by its index: that with the highest accuracy at the end, of equal ones that with the
    /// lowest loss, and of these the first. Losses and accuracies of different tasks are not compared.
    pub fn best(&self) -> Vec<usize> {
        let mut best: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        for (index, run) in self.runs.iter().enumerate() {
            let known = best.entry(run.task.as_deref()).or_insert(index);
            if is_better(&run.evaluation, &self.runs[*known].evaluation) {
                *known = index;
            }
        }
        best.into_values().collect()
    }

    /// The values of a setting's keys, in their order.
    pub fn values(&self, setting: &Setting) -> Vec<&KeyValue> {
        self.keys.iter().zip(&setting.values).map(|(key, &index)| &key.values[index]).collect()
    }

    /// Mean and range of a setting's training loss at the steps that all of its runs have.
    pub fn losses(&self, setting: &Setting) -> Vec<(u64, Spread)> {
        Series::together(&setting.runs.iter().map(|&run| &self.runs[run].losses).collect::<Vec<_>>())
    }

    /// The same of a figure on validation examples; empty where a run has never measured it.
    pub fn held_out(&self, setting: &Setting, figure: &str) -> Vec<(u64, Spread)> {
        let series = setting.runs.iter().map(|&run| self.runs[run].held_out.get(figure));
        series.collect::<Option<Vec<_>>>().map_or(Vec::new(), |series| Series::together(&series))
    }

    /// The settings by their indices: the best of every task, then the second of every task, and so on, with the tasks in
    /// the order of their names.
    pub fn best_first(&self) -> Vec<usize> {
        let mut by_task: BTreeMap<Option<&str>, Vec<usize>> = BTreeMap::new();
        for (index, setting) in self.settings.iter().enumerate() {
            let task = setting.runs.first().and_then(|&run| self.runs[run].task.as_deref());
            by_task.entry(task).or_default().push(index);
        }
        let ranked = |mut settings: Vec<usize>| {
            settings.sort_by(|&one, &other| self.order(one, other));
            settings.into_iter().enumerate()
        };
        let mut ranked: Vec<(usize, usize)> = by_task.into_values().flat_map(ranked).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, index)| index).collect()
    }

    /// The better of two settings of a task comes first: by the mean of their accuracy at the end, then of their loss.
    fn order(&self, one: usize, other: usize) -> Ordering {
        let mean = |setting: usize, name: &str, unknown: f64| {
            let figure = self.figures.iter().position(|known| known.name() == name);
            let found = figure.and_then(|figure| self.settings[setting].figures[figure]);
            found.map_or(unknown, |spread| spread.mean)
        };
        let accuracy = |setting| mean(setting, Evaluation::ACCURACY, f64::NEG_INFINITY);
        let loss = |setting| mean(setting, Evaluation::LOSS, f64::INFINITY);
        let by_accuracy = accuracy(other).total_cmp(&accuracy(one));
        by_accuracy.then_with(|| loss(one).total_cmp(&loss(other)))
    }

    /// Seeds that more than one run of a setting has: the setting's index and the seed.
    pub fn repeated_seeds(&self) -> Vec<(usize, i64)> {
        let mut repeated = Vec::new();
        for (index, setting) in self.settings.iter().enumerate() {
            let mut seen = BTreeSet::new();
            let seeds = setting.runs.iter().filter_map(|&run| self.runs[run].seed);
            let twice: BTreeSet<i64> = seeds.filter(|seed| !seen.insert(*seed)).collect();
            repeated.extend(twice.into_iter().map(|seed| (index, seed)));
        }
        repeated
    }
}

/// Whether an evaluation is better than another, which was there before.
fn is_better(one: &Evaluation, other: &Evaluation) -> bool {
    // What was not measured is worse than anything.
    let accuracy =
        |evaluation: &Evaluation| evaluation.figure(Evaluation::ACCURACY).unwrap_or(f64::NEG_INFINITY);
    let loss = |evaluation: &Evaluation| evaluation.figure(Evaluation::LOSS).unwrap_or(f64::INFINITY);
    let by_accuracy = accuracy(one).total_cmp(&accuracy(other));
    by_accuracy.then_with(|| loss(other).total_cmp(&loss(one))).is_gt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::record;

    fn run(name: &str, seed: u64, heads: u64, figures: &[(&str, f64)]) -> RunRecord {
        let config = format!(
            "seed = {seed}\ntask.name = \"sort\"\nmodel.n_heads = {heads}\nmodel.d_k = {}",
            32 / heads
        );
        record(name, &config, figures)
    }

    fn derived() -> BTreeSet<String> {
        BTreeSet::from(["model.d_k".to_owned()])
    }

    #[test]
    fn seeds_of_a_setting_are_averaged_and_their_range_is_kept() {
        let mut runs = vec![
            run("d", 1, 2, &[("accuracy", 0.5), ("loss", 2.0)]),
            run("a", 0, 4, &[("accuracy", 1.0), ("loss", 0.25)]),
            run("c", 0, 2, &[("accuracy", 0.75), ("loss", 1.0), ("top_3", 0.875)]),
            run("b", 2, 2, &[("accuracy", 0.25), ("loss", 6.0)]),
        ];
        (runs[0].phase_change, runs[3].phase_change) = (Some(40), Some(10));
        runs[3].seconds = f64::NAN;
        let found = Comparison::new(runs, &derived(), 0.9);
        let names: Vec<String> = found.keys.iter().map(|key| key.name.clone()).collect();
        assert_eq!(
            (names, &found.derived),
            (vec!["model.n_heads".to_owned()], &vec!["model.d_k".to_owned()])
        );
        let figures: Vec<&str> = found.figures.iter().map(Figure::name).collect();
        assert_eq!(figures, ["accuracy", "loss", "top_3", "phase_change", "steps", "seconds"]);
        let paths: Vec<_> = found.runs.iter().map(|run| run.path.to_string_lossy()).collect();
        assert_eq!(paths, ["c", "d", "b", "a"]);
        let [two, four] = &found.settings[..] else { panic!("two settings") };
        let values = [two, four].map(|setting| found.values(setting)[0].to_string());
        assert_eq!(values, ["2", "4"]);
        assert_eq!(two.figures[0], Some(Spread { n: 3, mean: 0.5, least: 0.25, most: 0.75 }));
        assert_eq!(two.figures[1], Some(Spread { n: 3, mean: 3.0, least: 1.0, most: 6.0 }));
        assert_eq!(two.figures[2], Some(Spread { n: 1, mean: 0.875, least: 0.875, most: 0.875 }));
        assert_eq!(two.figures[3], Some(Spread { n: 2, mean: 25.0, least: 10.0, most: 40.0 }));
        assert_eq!(
            [4, 5].map(|figure: usize| two.figures[figure].map(|spread| spread.n)),
            [Some(3), Some(2)]
        );
        assert_eq!((four.figures[2], four.figures[3], four.runs.len()), (None, None, 1));
    }

    #[test]
    fn the_best_run_has_the_highest_accuracy_and_then_the_lowest_loss() {
        let best = |figures: [&[(&str, f64)]; 3]| {
            let runs = figures.iter().enumerate().map(|(seed, figures)| run("x", seed as u64, 2, figures));
            Comparison::new(runs.collect(), &derived(), 0.9).best()
        };
        assert_eq!(
            best([
                &[("accuracy", 0.5), ("loss", 0.1)],
                &[("accuracy", 0.75), ("loss", 2.0)],
                &[("loss", 0.0)]
            ]),
            [1]
        );
        assert_eq!(
            best([
                &[("accuracy", 0.5), ("loss", 0.5)],
                &[("accuracy", 0.5), ("loss", 0.25)],
                &[("accuracy", 0.5)]
            ]),
            [1]
        );
        assert_eq!(best([&[("accuracy", 0.5), ("loss", 0.5)]; 3]), [0]);
        let other = record("y", "task.name = \"copy\"", &[("accuracy", 0.125)]);
        let of_two = Comparison::new(vec![run("x", 0, 2, &[("accuracy", 1.0)]), other], &derived(), 0.9);
        assert_eq!(of_two.best().len(), 2, "one of each task");
    }

    #[test]
    fn settings_of_different_tasks_are_not_compared() {
        let of = |task: &str, heads: u64, loss: f64| {
            let config = format!("task.name = \"{task}\"\nmodel.n_heads = {heads}");
            record("x", &config, &[("loss", loss)])
        };
        // Every loss of `sort` is below those of `copy`.
        let runs = [
            of("copy", 1, 5.0),
            of("copy", 2, 3.0),
            of("sort", 1, 0.25),
            of("sort", 2, 0.5),
            of("sort", 4, 0.1),
        ];
        let found = Comparison::new(runs.to_vec(), &BTreeSet::new(), 0.9);
        let losses = found.best_first().into_iter().map(|index| found.settings[index].figures[0]);
        assert_eq!(losses.flatten().map(|loss| loss.mean).collect::<Vec<_>>(), [3.0, 0.1, 5.0, 0.25, 0.5]);
    }

    #[test]
    fn texts_are_named_by_their_paths_and_are_one_where_they_are_equal() {
        let run = |path: &str, fingerprint: &str| {
            let config = format!("[task]\ntext = \"{path}\"\nfingerprint = \"{fingerprint}\"");
            record("x", &config, &[("loss", 1.0)])
        };
        let settings = |runs: &[RunRecord]| {
            let found = Comparison::new(runs.to_vec(), &BTreeSet::new(), 0.9);
            let values = |setting: &Setting| format!("{} {}", found.values(setting)[0], setting.runs.len());
            (found.keys[0].name.clone(), found.settings.iter().map(values).collect::<Vec<_>>().join(", "))
        };
        let moved = [run("/b", "01"), run("/a", "02"), run("/c", "01")];
        assert_eq!(settings(&moved), ("task.text".to_owned(), "/b 2, /a 1".to_owned()));
        let edited = [run("/a", "01"), run("/a", "02")];
        assert_eq!(settings(&edited), ("task.fingerprint".to_owned(), "01 1, 02 1".to_owned()));
    }

    #[test]
    fn a_seed_that_counts_twice_is_named() {
        let runs = ["a", "b", "c"].map(|name| run(name, u64::from(name == "c"), 2, &[("loss", 1.0)]));
        let found = Comparison::new(runs.to_vec(), &BTreeSet::new(), 0.9);
        assert_eq!(found.repeated_seeds(), [(0, 0)]);
        assert_eq!(Comparison::new(Vec::new(), &BTreeSet::new(), 0.9).settings, []);
    }
}
