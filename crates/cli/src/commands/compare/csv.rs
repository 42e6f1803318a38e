//! The table as [RFC 4180](https://www.rfc-editor.org/rfc/rfc4180) has it, with every digit.

use std::io::{self, Write};

use qkv_inspect::{Comparison, Figure, KeyValue, Spread};

/// A head and the rows below it.
pub fn write(out: &mut impl Write, comparison: &Comparison, by_seed: bool) -> io::Result<()> {
    let keys = comparison.keys.iter().map(|key| key.name.clone());
    let figures = comparison.figures.iter().map(Figure::name);
    if by_seed {
        let others = ["seed", "path"].into_iter().chain(figures).map(str::to_owned);
        row(out, &keys.chain(others).collect::<Vec<_>>())?;
    } else {
        let spreads =
            figures.flat_map(|name| ["runs", "mean", "least", "most"].map(|part| format!("{name}_{part}")));
        row(out, &keys.chain(["runs".to_owned()]).chain(spreads).collect::<Vec<_>>())?;
    }
    for setting in &comparison.settings {
        let values = || comparison.values(setting).into_iter().map(KeyValue::to_string);
        if by_seed {
            for run in setting.runs.iter().map(|&run| &comparison.runs[run]) {
                let seed = run.seed.map_or(String::new(), |seed| seed.to_string());
                let figure = |figure: &Figure| figure.of_run(run).map_or(String::new(), |x| x.to_string());
                let figures = comparison.figures.iter().map(figure);
                let cells = values().chain([seed, run.path.display().to_string()]).chain(figures);
                row(out, &cells.collect::<Vec<_>>())?;
            }
        } else {
            let spreads = setting.figures.iter().copied().flat_map(spread);
            let cells = values().chain([setting.runs.len().to_string()]).chain(spreads);
            row(out, &cells.collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn spread(spread: Option<Spread>) -> [String; 4] {
    match spread {
        Some(Spread { n, mean, least, most }) => {
            [n.to_string(), mean.to_string(), least.to_string(), most.to_string()]
        }
        None => ["0".to_owned(), String::new(), String::new(), String::new()],
    }
}

/// The cells between commas, with the line end of the standard.
fn row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    write!(out, "{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_cell_is_quoted() -> io::Result<()> {
        let mut out = Vec::new();
        row(&mut out, &["a", "b,c", "d\"e\"", "f\ng", ""].map(str::to_owned))?;
        assert_eq!(String::from_utf8_lossy(&out), "a,\"b,c\",\"d\"\"e\"\"\",\"f\ng\",\r\n");
        Ok(())
    }

    #[test]
    fn numbers_have_every_digit() {
        let third = Spread::of([1.0 / 3.0]).expect("a value");
        assert_eq!(spread(Some(third))[1].parse(), Ok(1.0 / 3.0));
        assert_eq!(spread(None), ["0", "", "", ""]);
    }
}
