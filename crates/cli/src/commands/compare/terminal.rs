//! The table in 80 columns: as many of its columns as fit, and the others below.

use std::io::{self, Write};
use std::path::PathBuf;

use qkv_inspect::{Comparison, Figure, LeftOut, RunRecord, Setting, Spread, counted};

use crate::output::stdout::one_line;
use crate::output::text::figures::figures;
use crate::output::text::shell;
use crate::output::text::table::table;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// Columns up to which the values of the keys stand before the figures; wider ones are listed above, under the number
/// that the setting has on the page.
const MOST_OF_KEYS: usize = 40;

/// What the settings of a parent begin with.
const OF_PARENT: &str = "parent.";

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
    let of = |settings: Vec<usize>| {
        let settings: Vec<&Setting> = settings.into_iter().map(|index| &comparison.settings[index]).collect();
        if by_seed { runs(comparison, &settings) } else { self::settings(comparison, &settings) }
    };
    let (mut rows, mut columns) = of((0..comparison.settings.len()).collect());
    if width(&rows) > MOST_OF_KEYS {
        let best_first = comparison.best_first();
        let numbers = numbers(&best_first, by_seed.then_some(comparison));
        (rows, columns) = of(best_first);
        rows = vec![listed(out, &rows, numbers)?];
    }
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

/// The numbers of the rows: 2 is a setting; where the rows are the runs of a comparison, 2.3 is the third run of it.
fn numbers(settings: &[usize], by_run: Option<&Comparison>) -> Vec<String> {
    let of_setting = |(place, &index): (usize, &usize)| match by_run {
        None => vec![format!("{}", place + 1)],
        Some(comparison) => {
            let n_runs = comparison.settings[index].runs.len();
            (1..=n_runs).map(|run| format!("{}.{run}", place + 1)).collect()
        }
    };
    settings.iter().enumerate().flat_map(of_setting).collect()
}

/// Prints what the rows with these numbers are; the column of the numbers.
fn listed(out: &mut impl Write, rows: &[Column], numbers: Vec<String>) -> io::Result<Column> {
    for (row, number) in numbers.iter().enumerate() {
        writeln!(out, "  {number}")?;
        for column in rows {
            writeln!(out, "      {} = {}", column.head, column.cells[row])?;
        }
    }
    writeln!(out)?;
    Ok(Column { head: String::new(), cells: numbers })
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
fn settings(comparison: &Comparison, settings: &[&Setting]) -> (Vec<Column>, Vec<Vec<Column>>) {
    let mut columns = vec![vec![column("runs", settings, |setting| setting.runs.len().to_string())]];
    for (index, figure) in comparison.figures.iter().enumerate() {
        let spreads: Vec<_> = settings.iter().map(|setting| setting.figures[index]).collect();
        let mut of_figure = spread_columns(figure, &spreads);
        let passed = |setting: &Setting| setting.figures[index].map_or(0, |spread| spread.n);
        if *figure == Figure::PhaseChange
            && settings.iter().any(|setting| passed(setting) != setting.runs.len())
        {
            let of_all = |setting: &&Setting| format!("{} of {}", passed(setting), setting.runs.len());
            of_figure.push(column("passed", settings, of_all));
        }
        columns.push(of_figure);
    }
    (key_columns(comparison, settings), columns)
}

/// The same with a row for each run.
fn runs<'a>(comparison: &'a Comparison, settings: &[&'a Setting]) -> (Vec<Column>, Vec<Vec<Column>>) {
    let of_setting =
        |setting: &'a Setting| setting.runs.iter().map(move |&run| (setting, &comparison.runs[run]));
    let (settings, runs): (Vec<&Setting>, Vec<&RunRecord>) =
        settings.iter().copied().flat_map(of_setting).unzip();
    let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let mut keys = key_columns(comparison, &settings);
    keys.push(column("seed", &runs, |run| text(run.seed.map(|seed| seed.to_string()))));
    let of_figure = |figure: &Figure| {
        let cell = |run: &&RunRecord| text(figure.of_run(run).map(|value| figure.written(value)));
        vec![column(&figure.title(), &runs, cell)]
    };
    (keys, comparison.figures.iter().map(of_figure).collect())
}

fn column<T>(head: &str, rows: &[T], cell: impl Fn(&T) -> String) -> Column {
    Column { head: head.to_owned(), cells: rows.iter().map(cell).collect() }
}

fn key_columns(comparison: &Comparison, rows: &[&Setting]) -> Vec<Column> {
    let names: Vec<&str> = comparison.keys.iter().map(|key| key.name.as_str()).collect();
    let of_key = |(index, head): (usize, String)| {
        column(&head, rows, |setting| one_line(&comparison.values(setting)[index].to_string()))
    };
    short(&names).into_iter().enumerate().map(of_key).collect()
}

/// The mean, and the range where any row has one.
fn spread_columns(figure: &Figure, spreads: &[Option<Spread>]) -> Vec<Column> {
    let text = |spread: &Option<Spread>, text: &dyn Fn(&Spread) -> String| {
        spread.as_ref().map_or("-".to_owned(), text)
    };
    let mean = column(&figure.title(), spreads, |spread| text(spread, &|spread| figure.written(spread.mean)));
    let range = |spread: &Spread| match spread.has_range() {
        true => format!("{}..{}", figure.written(spread.least), figure.written(spread.most)),
        false => String::new(),
    };
    let has_range = spreads.iter().flatten().any(Spread::has_range);
    let ranges = has_range.then(|| column("range", spreads, |spread| text(spread, &range)));
    std::iter::once(mean).chain(ranges).collect()
}

/// The last names of dotted paths, and more of them where two would be equal; a parent's keep that they are its.
fn short(names: &[&str]) -> Vec<String> {
    let end = |name: &str, parts: usize| {
        let own = name.trim_start_matches(OF_PARENT);
        let all: Vec<&str> = own.split('.').collect();
        let n_parents = (name.len() - own.len()) / OF_PARENT.len();
        format!("{}{}", "parent ".repeat(n_parents), all[all.len().saturating_sub(parts)..].join("."))
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
        let names =
            ["parent.optimizer.lr", "parent.parent.optimizer.lr", "parent.a.steps", "parent.b.steps", "x.lr"];
        assert_eq!(
            short(&names),
            ["parent lr", "parent parent lr", "parent a.steps", "parent b.steps", "lr"]
        );
        assert_eq!(short(&["parent.optimizer.lr"]), ["parent lr"]);
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
