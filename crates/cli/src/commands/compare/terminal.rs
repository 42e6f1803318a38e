//! The table in 80 columns: as many of its columns as fit, and the others below.

use std::io::{self, Write};
use std::path::PathBuf;

use qkv_inspect::{Comparison, LeftOut, RunRecord, Spread, counted, significant};
use qkv_run::Evaluation;

use crate::output::figures::{figures, words};
use crate::output::shell;
use crate::output::stdout::one_line;
use crate::output::table::table;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Columns up to which the values of the keys stand before the figures; wider ones are listed above, under a number.
const MOST_OF_KEYS: usize = 40;

/// A head and a cell for each row.
struct Column {
    head: String,
    cells: Vec<String>,
}

pub fn write(
    out: &mut impl Write,
    comparison: &Comparison,
    left_out: &[(PathBuf, LeftOut)],
    by_seed: bool,
) -> io::Result<()> {
    let (rows, columns) = if by_seed { runs(comparison) } else { settings(comparison) };
    let rows = match width(&rows) > MOST_OF_KEYS {
        true => vec![listed(out, &rows)?],
        false => rows,
    };
    for columns in folded(&rows, columns) {
        let all: Vec<&Column> = rows.iter().chain(&columns).collect();
        let heads: Vec<&str> = all.iter().map(|column| column.head.as_str()).collect();
        let n_rows = all.first().map_or(0, |column| column.cells.len());
        let cells = (0..n_rows).map(|row| all.iter().map(|column| column.cells[row].clone()).collect());
        writeln!(out, "{}", table(&heads, &cells.collect::<Vec<_>>()))?;
    }
    let count = |n: usize, noun: &str| counted(n as u64, noun);
    let figures = if by_seed { "figures" } else { "mean and range over seeds" };
    let (n_runs, n_settings) = (comparison.runs.len(), comparison.settings.len());
    let n_settings = count(n_settings, "setting");
    writeln!(out, "{} of {n_settings}; {figures} at the end, on test examples", count(n_runs, "run"))?;
    summary(out, comparison, left_out)
}

/// Prints what the rows are, with a number for each; the column of these numbers.
fn listed(out: &mut impl Write, rows: &[Column]) -> io::Result<Column> {
    let n_rows = rows.first().map_or(0, |column| column.cells.len());
    for row in 0..n_rows {
        writeln!(out, "  {}", row + 1)?;
        for column in rows {
            writeln!(out, "      {} = {}", column.head, column.cells[row])?;
        }
    }
    writeln!(out)?;
    Ok(Column { head: String::new(), cells: (1..=n_rows).map(|row| row.to_string()).collect() })
}

/// The columns in groups that fit beside those of the rows; those of one figure stay together.
fn folded(rows: &[Column], figures: Vec<Vec<Column>>) -> Vec<Vec<Column>> {
    let mut groups: Vec<Vec<Column>> = Vec::new();
    for columns in figures {
        let fits = groups.last().is_some_and(|group| width(rows) + width(group) + width(&columns) <= WIDTH);
        match groups.last_mut().filter(|_| fits) {
            Some(group) => group.extend(columns),
            None => groups.push(columns),
        }
    }
    groups
}

/// How wide columns are beside each other, with two spaces before each.
fn width(columns: &[Column]) -> usize {
    let widest = |column: &Column| {
        column.cells.iter().chain([&column.head]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    columns.iter().map(|column| 2 + widest(column)).sum()
}

/// The columns of the keys and those of the figures, a row for each setting.
fn settings(comparison: &Comparison) -> (Vec<Column>, Vec<Vec<Column>>) {
    let settings = &comparison.settings;
    let values: Vec<Vec<&str>> = settings.iter().map(|setting| comparison.values(setting)).collect();
    let names: Vec<&str> = comparison.keys.iter().map(|key| key.name.as_str()).collect();
    let of_key = |(index, head): (usize, String)| Column {
        head,
        cells: values.iter().map(|values| one_line(values[index])).collect(),
    };
    let keys: Vec<Column> = short(&names).into_iter().enumerate().map(of_key).collect();
    let mut columns = vec![vec![Column {
        head: "runs".to_owned(),
        cells: settings.iter().map(|setting| setting.runs.len().to_string()).collect(),
    }]];
    for (index, name) in comparison.figures.iter().enumerate() {
        let spreads: Vec<_> = settings.iter().map(|setting| setting.figures[index]).collect();
        columns.push(spread_columns(&words(name), &spreads, |value| figure(name, value)));
    }
    let passed =
        settings.iter().map(|setting| (setting.phase_change.map_or(0, |found| found.n), setting.runs.len()));
    let passed: Vec<(usize, usize)> = passed.collect();
    let whole = |step: f64| format!("{step:.0}");
    let phases: Vec<_> = settings.iter().map(|setting| setting.phase_change).collect();
    let mut phase_change = spread_columns("phase change", &phases, whole);
    if passed.iter().any(|(passed, runs)| passed != runs) {
        let cells = passed.iter().map(|(passed, runs)| format!("{passed} of {runs}")).collect();
        phase_change.push(Column { head: "passed".to_owned(), cells });
    }
    columns.push(phase_change);
    let steps: Vec<_> = settings.iter().map(|setting| Some(setting.steps)).collect();
    columns.push(spread_columns("steps", &steps, whole));
    let seconds = settings.iter().map(|setting| setting.seconds.map_or("-".to_owned(), |all| time(all.mean)));
    columns.push(vec![Column { head: "time".to_owned(), cells: seconds.collect() }]);
    (keys, columns)
}

/// The same with a row for each run.
fn runs(comparison: &Comparison) -> (Vec<Column>, Vec<Vec<Column>>) {
    let by_setting = comparison.settings.iter();
    let rows: Vec<(Vec<&str>, &RunRecord)> = by_setting
        .flat_map(|setting| {
            setting.runs.iter().map(|&run| (comparison.values(setting), &comparison.runs[run]))
        })
        .collect();
    let names: Vec<&str> = comparison.keys.iter().map(|key| key.name.as_str()).collect();
    let of_key = |(index, head): (usize, String)| Column {
        head,
        cells: rows.iter().map(|(values, _)| one_line(values[index])).collect(),
    };
    let column = |head: &str, cell: &dyn Fn(&RunRecord) -> Option<String>| Column {
        head: head.to_owned(),
        cells: rows.iter().map(|(_, run)| cell(run).unwrap_or_else(|| "-".to_owned())).collect(),
    };
    let mut keys: Vec<Column> = short(&names).into_iter().enumerate().map(of_key).collect();
    keys.push(column("seed", &|run| run.seed.map(|seed| seed.to_string())));
    let mut columns = Vec::new();
    for name in &comparison.figures {
        let cell = |run: &RunRecord| run.evaluation.figure(name).map(|value| figure(name, value));
        columns.push(vec![column(&words(name), &cell)]);
    }
    columns.push(vec![column("phase change", &|run| run.phase_change.map(|step| step.to_string()))]);
    columns.push(vec![column("steps", &|run| Some(run.step.to_string()))]);
    columns.push(vec![column("time", &|run| Some(run.seconds).filter(|time| time.is_finite()).map(time))]);
    (keys, columns)
}

/// The mean, and the range where any row has one.
fn spread_columns(head: &str, spreads: &[Option<Spread>], written: impl Fn(f64) -> String) -> Vec<Column> {
    let cell = |spread: &Option<Spread>, text: &dyn Fn(&Spread) -> String| {
        spread.as_ref().map_or("-".to_owned(), text)
    };
    let mean = spreads.iter().map(|spread| cell(spread, &|spread| written(spread.mean)));
    let mean = Column { head: head.to_owned(), cells: mean.collect() };
    let range = |spread: &Spread| match spread.has_range() {
        true => format!("{}..{}", written(spread.least), written(spread.most)),
        false => String::new(),
    };
    let has_range = spreads.iter().flatten().any(Spread::has_range);
    let ranges = has_range.then(|| Column {
        head: "range".to_owned(),
        cells: spreads.iter().map(|spread| cell(spread, &range)).collect(),
    });
    [Some(mean), ranges].into_iter().flatten().collect()
}

/// The last names of dotted paths, and more of them where two would be equal.
fn short(names: &[&str]) -> Vec<String> {
    let end = |name: &str, parts: usize| {
        let all: Vec<&str> = name.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let is_own = |name: &str, parts: usize| {
        names.iter().filter(|other| end(other, parts) == end(name, parts)).count() == 1
    };
    let shortest = |name: &&str| {
        let most = name.split('.').count();
        let parts = (1..most).find(|&parts| is_own(name, parts)).unwrap_or(most);
        end(name, parts)
    };
    names.iter().map(shortest).collect()
}

fn figure(name: &str, value: f64) -> String {
    match name {
        Evaluation::ACCURACY | Evaluation::SEQUENCE_ACCURACY => format!("{value:.4}"),
        Evaluation::LOSS => format!("{value:.2e}"),
        _ => significant(value),
    }
}

fn time(seconds: f64) -> String {
    format!("{seconds:.1} s")
}

/// What the table is of, the best run, and the runs that are not in it.
fn summary(out: &mut impl Write, comparison: &Comparison, left_out: &[(PathBuf, LeftOut)]) -> io::Result<()> {
    writeln!(out, "phase change: first step with a validation accuracy of {} or more", comparison.threshold)?;
    if !comparison.derived.is_empty() {
        writeln!(out, "these differ as well, and follow from the others:")?;
        writeln!(out, "  {}", comparison.derived.join(", "))?;
    }
    for (setting, seed) in comparison.repeated_seeds() {
        let names = comparison.keys.iter().map(|key| &key.name);
        let values = names.zip(comparison.values(&comparison.settings[setting]));
        let values: Vec<String> = values.map(|(name, value)| format!("{name}={value}")).collect();
        let line = format!("warning: more than one run has seed {seed} and {}", values.join(" "));
        writeln!(out, "{}", one_line(line.trim_end_matches(" and ")))?;
    }
    for run in comparison.best().into_iter().map(|best| &comparison.runs[best]) {
        let task = run.task.as_ref().map_or(String::new(), |task| format!(" of {task}"));
        writeln!(out, "{}", one_line(&format!("best run{task}: {}", run.path.display())))?;
        writeln!(out, "  {}", figures(&run.evaluation))?;
    }
    if !left_out.is_empty() {
        writeln!(out, "\nleft out:")?;
    }
    for (path, reason) in left_out {
        writeln!(out, "  {}", one_line(&format!("{}: {reason}", path.display())))?;
    }
    if left_out.iter().any(|(_, reason)| matches!(reason, LeftOut::Unfinished { .. })) {
        writeln!(out, "what is not finished goes on with {}", shell::command(&["train", "RUN", "--resume"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_shortest_name_that_no_other_has() {
        let names = ["model.positions", "model.d_k", "task.seq_len", "model.seq_len", "task"];
        assert_eq!(short(&names), ["positions", "d_k", "task.seq_len", "model.seq_len", "task"]);
    }

    #[test]
    fn columns_that_do_not_fit_stand_below() {
        let column = |width: usize| Column { head: "x".repeat(width), cells: vec!["1".to_owned()] };
        let figures =
            vec![vec![column(26), column(16)], vec![column(8)], vec![column(1), column(2)], vec![column(70)]];
        let groups = folded(&[column(20)], figures);
        let widths: Vec<Vec<usize>> =
            groups.iter().map(|group| group.iter().map(|column| column.head.len()).collect()).collect();
        assert_eq!(widths, [vec![26, 16, 8], vec![1, 2], vec![70]]);
    }
}
