//! A study: its tables `[sweep]`, `[[case]]` and `[study]`, and the runs that they multiply to.
//!
//! Whether a run can be trained is not decided here: the registry reads its settings.

use std::collections::HashSet;

use toml::{Table, Value};

use crate::axis::{Axes, Axis, Place, check_nesting, has};
use crate::settings::Settings;
use crate::{Combination, StudyError};

/// The tables that a study has beside those of a config.
pub const TABLES: [&str; 3] = [SWEEP, CASE, STUDY];

const SWEEP: &str = "sweep";
const CASE: &str = "case";
const STUDY: &str = "study";

/// What the cases have to be.
const CASES: &str = "tables, each after [[case]] in double brackets";

/// Most runs of one study; more would be a mistake.
const MAX_RUNS: u64 = 10_000;

/// A config with lists in it.
#[derive(Debug)]
pub struct Study {
    /// What all runs have in common.
    pub(crate) config: Table,
    /// The keys of every case, each with those of `[sweep]`; one case where the file has none.
    pub(crate) cases: Vec<Axes>,
    pub(crate) settings: Settings,
}

impl Study {
    /// Reads a study. It has the tables of a config, and three of its own:
    ///
    /// ```toml
    /// [sweep]                 # every combination of these values
    /// seed = [0, 1, 2]                                               # a list
    /// model.d_k = { from = 4, to = 512, times = 2 }                  # 4, 8, 16, … 512
    /// model.n_heads = { from = 1, to = 4, step = 1 }                 # 1, 2, 3, 4
    /// optimizer.lr = { from = 1e-4, to = 1e-1, n = 4, scale = "log" }    # 1e-4, 1e-3, 1e-2, 1e-1; linear without
    /// optimizer.weight_decay = { from = 1e-3, to = 0.1, draw = "log" }   # at random, once a draw; or "uniform"
    /// model.positions = { draw = ["rope", "alibi"] }                     # one of these, once a draw
    ///
    /// [[case]]                # with each of them, one case after the other
    /// model.score = "additive"
    /// [[case]]
    /// model.score = "scaled-dot"
    /// model.softcap = [10.0, 30.0]                                   # a list of this case alone
    ///
    /// [study]
    /// draws = 20
    /// draw_seed = 0
    /// only = ["model.d_k * model.n_heads <= 512"]                    # where one does not hold, the run is left out
    /// ```
    ///
    /// Between two whole ends, by a whole step or factor, all numbers are whole: `1.0` instead of `1` gives fractions. A key
    /// has the same value in a draw beside every value of the other keys, whatever these are.
    ///
    /// # Errors
    /// If the text is not TOML, nothing varies in it, or one of the three tables is wrong.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let mut config: Table = text.parse().map_err(|error| not_toml(text, &error))?;
        let swept = match config.remove(SWEEP) {
            None => Axes::new(),
            Some(Value::Table(sweep)) => Place::Sweep.axes(&sweep)?,
            Some(found) => {
                return Err(wrong_table(
                    SWEEP,
                    "a table, [sweep], with a list for each key that varies",
                    &found,
                ));
            }
        };
        let cases = match config.remove(CASE) {
            None => vec![swept],
            Some(Value::Array(cases)) if !cases.is_empty() => {
                cases.iter().map(|case| with_case(&swept, case)).collect::<Result<_, _>>()?
            }
            Some(found) => return Err(wrong_table(CASE, CASES, &found)),
        };
        cases.iter().try_for_each(check_nesting)?;
        if cases.iter().all(Axes::is_empty) {
            return Err(StudyError::NothingVaries);
        }
        let settings = Settings::read(config.remove(STUDY))?;
        let drawn = cases.iter().flatten().find(|(_, axis)| axis.is_drawn());
        match (settings.draws, drawn) {
            (None, Some((key, _))) => Err(StudyError::NoDraws { key: key.clone() }),
            (Some(draws), None) => Err(StudyError::NothingIsDrawn { draws }),
            _ => Ok(Self { config, cases, settings }),
        }
    }

    /// A key that varies, and would overwrite a value of these settings in what the runs have in common.
    pub fn varies(&self, settings: &Table) -> Option<&str> {
        self.cases.iter().flat_map(Axes::keys).find(|key| has(settings, key)).map(String::as_str)
    }

    /// What all runs have in common: a config without the tables of the study.
    pub fn config(&self) -> &Table {
        &self.config
    }

    /// The runs in their order, which is part of what a study is: draw after draw, case after case, and in each the keys
    /// in alphabetical order, the last of which changes fastest. A combination that comes up again, as where a number of few
    /// values is drawn often, is left out.
    ///
    /// # Errors
    /// If there are more than ten thousand; none of them is made then.
    pub fn runs(&self) -> Result<Vec<Combination>, StudyError> {
        self.n_combinations()?;
        let mut runs = Vec::new();
        for draw in 0..self.settings.draws.unwrap_or(1) {
            // A case without a drawn key has the same runs in every draw.
            for case in self.cases.iter().filter(|case| draw == 0 || case.values().any(Axis::is_drawn)) {
                let n: usize = case.values().map(Axis::len).product();
                runs.extend((0..n).map(|index| self.combination(case, index, draw)));
            }
        }
        let mut seen = HashSet::new();
        runs.retain(|run| seen.insert(run.labels()));
        Ok(runs)
    }

    /// Whether all conditions hold for a run, by its config. A choice with settings counts as its name, and
    /// `model.projections.w_q` as `model.projections` where that is one word. The order of the
    /// conditions, and of the comparisons in each, does not matter.
    ///
    /// # Errors
    /// If a condition has a key that the config lacks, or compares what cannot be compared, and no other one leaves out the
    /// run.
    pub fn admits(&self, config: &Table) -> Result<bool, StudyError> {
        let mut admits = Ok(true);
        for condition in &self.settings.only {
            match condition.holds(config) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => admits = admits.and(Err(error)),
            }
        }
        admits
    }

    /// The conditions, as they stand in the file.
    pub fn conditions(&self) -> impl Iterator<Item = &str> {
        self.settings.only.iter().map(|condition| condition.text())
    }

    /// How many combinations there are, with those that come up again.
    ///
    /// # Errors
    /// If there are more than ten thousand.
    pub fn n_combinations(&self) -> Result<usize, StudyError> {
        let draws = self.settings.draws.unwrap_or(1);
        let of_case = |case: &Axes| {
            let draws = if case.values().any(Axis::is_drawn) { draws } else { 1 };
            case.values().fold(u128::from(draws), |n, axis| n.saturating_mul(axis.len() as u128))
        };
        let n_runs = self.cases.iter().map(of_case).fold(0, u128::saturating_add);
        if n_runs <= u128::from(MAX_RUNS) {
            return Ok(n_runs as usize);
        }
        let axes = self.cases.iter().flatten().map(|(key, axis)| (axis.len() as u64, key.as_str()));
        let own = [(draws, "draws"), (self.cases.len() as u64, CASE)];
        let (n_values, key) = axes.chain(own).max_by_key(|(n, _)| *n).expect("two of them at least");
        Err(StudyError::TooManyRuns { n_runs, max: MAX_RUNS, key: key.to_owned(), n_values })
    }

    fn combination(&self, case: &Axes, mut index: usize, draw: u64) -> Combination {
        let mut settings = Vec::with_capacity(case.len());
        for (key, axis) in case.iter().rev() {
            let value = match axis {
                Axis::Listed(values) => values[index % values.len()].clone(),
                Axis::Drawn(drawn) => drawn.value(self.settings.draw_seed, key, draw),
            };
            index /= axis.len();
            settings.push((key.clone(), value));
        }
        settings.reverse();
        Combination { settings }
    }
}

/// The keys of `[sweep]`, and with them those of a case.
fn with_case(swept: &Axes, case: &Value) -> Result<Axes, StudyError> {
    let Value::Table(case) = case else { return Err(wrong_table(CASE, CASES, case)) };
    let case = Place::Case.axes(case)?;
    if let Some(key) = case.keys().find(|key| swept.contains_key(*key)) {
        let place = ", in [sweep] and in a [[case]]";
        return Err(StudyError::KeyTwice { key: key.clone(), place });
    }
    Ok(swept.clone().into_iter().chain(case).collect())
}

fn wrong_table(key: &'static str, expected: &'static str, found: &Value) -> StudyError {
    StudyError::WrongTable { key, expected, found: found.to_string() }
}

fn not_toml(text: &str, error: &toml::de::Error) -> StudyError {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or(text);
    StudyError::NotToml { line: before.matches('\n').count() + 1, problem: error.message().to_owned() }
}
