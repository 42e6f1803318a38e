//! `{ from, to, … }`: numbers between two ends, in steps, by a factor, a count of them, or drawn.

use toml::{Table, Value};

use crate::StudyError;
use crate::axis::{Axis, list};
use crate::draw::Drawn;

/// Most values of one range.
const MAX_VALUES: usize = 10_000;

/// Whole numbers up to here are exact in a float.
const MAX_WHOLE: f64 = 1e15;

/// Significant digits of a value; further ones are rounding errors, such as those of 0.1 + 0.2.
const DIGITS: usize = 12;

/// The ways from one end to the other, of which a range has one.
const WAYS: [&str; 4] = ["step", "times", "n", "draw"];

/// Two ends, and how numbers lie between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub from: f64,
    pub to: f64,
    pub scale: Scale,
    /// Whether both ends are whole numbers, and so are all values.
    pub is_whole: bool,
}

/// How numbers lie between two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// `from + share · (to - from)`
    Linear,
    /// `from · (to / from)^share`
    Log,
}

impl Range {
    /// The number at a share of the way.
    pub fn at(&self, share: f64) -> f64 {
        let Self { from, to, scale, .. } = *self;
        match scale {
            _ if share == 1.0 => to,
            Scale::Linear => from + share * (to - from),
            Scale::Log => from * (to / from).powf(share),
        }
    }
}

/// Whether a table of `[sweep]` is a range or a draw, and not a table of keys: no part has a setting `from` or `draw`.
pub fn is_range(table: &Table) -> bool {
    table.contains_key("from") || table.contains_key("draw")
}

/// The values of a range, or what draws them.
pub fn axis(key: &str, table: &Table) -> Result<Axis, StudyError> {
    let wrong = |problem: String| StudyError::Range {
        key: key.to_owned(),
        problem,
        found: Value::Table(table.clone()).to_string(),
    };
    if let (Some(Value::Array(values)), 1) = (table.get("draw"), table.len()) {
        return Ok(Axis::Drawn(Drawn::OneOf(list(key, values)?)));
    }
    if let Some(name) = table
        .keys()
        .find(|name| !["from", "to", "scale"].contains(&name.as_str()) && !WAYS.contains(&name.as_str()))
    {
        return Err(wrong(format!(
            "that may have step, times, n with scale, or draw beside from and to, not `{name}`"
        )));
    }
    let number = |name: &str| match table.get(name) {
        Some(Value::Integer(whole)) if (*whole as f64).abs() <= MAX_WHOLE => Ok(*whole as f64),
        Some(Value::Float(number)) if number.is_finite() => Ok(*number),
        Some(_) => Err(wrong(format!("whose `{name}` must be a finite number of at most 15 digits"))),
        None => Err(wrong(format!("that needs `{name}`"))),
    };
    let (from, to) = (number("from")?, number("to")?);
    if from > to {
        return Err(wrong("whose `from` must not be above `to`".to_owned()));
    }
    let ways: Vec<&str> = WAYS.into_iter().filter(|way| table.contains_key(*way)).collect();
    let [way] = ways[..] else {
        return Err(wrong("that needs exactly one of step, times, n and draw".to_owned()));
    };
    let scale = match (way, table.get("scale"), table[way].as_str()) {
        ("n", Some(scale), _) => match scale.as_str() {
            Some("log") => Scale::Log,
            Some("linear") => Scale::Linear,
            _ => return Err(wrong("whose `scale` must be \"linear\" or \"log\"".to_owned())),
        },
        (_, Some(_), _) => return Err(wrong("whose `scale` belongs to n".to_owned())),
        ("draw", None, Some("log")) => Scale::Log,
        ("draw", None, Some("uniform")) => Scale::Linear,
        ("draw", None, _) => return Err(wrong("whose `draw` must be \"uniform\" or \"log\"".to_owned())),
        ("times", None, _) => Scale::Log,
        _ => Scale::Linear,
    };
    if scale == Scale::Log && from <= 0.0 {
        return Err(wrong("that must begin above 0 to be logarithmic".to_owned()));
    }
    let is_whole = table["from"].is_integer() && table["to"].is_integer();
    let range = Range { from, to, scale, is_whole };
    // A little more than the end, so that a rounding error does not cost the last value.
    let n_values = |gaps: f64| (gaps * (1.0 + 1e-12)).floor() + 1.0;
    let n = match way {
        "draw" => return Ok(Axis::Drawn(Drawn::Between(range))),
        "step" => match number("step")? {
            step if step > 0.0 => n_values((to - from) / step),
            _ => return Err(wrong("whose `step` must be above 0".to_owned())),
        },
        "times" => match number("times")? {
            times if times > 1.0 => n_values((to / from).ln() / times.ln()),
            _ => return Err(wrong("whose `times` must be above 1".to_owned())),
        },
        _ => match table["n"].as_integer() {
            Some(n) if n >= 2 => n as f64,
            _ => return Err(wrong("whose `n` must be a whole number of at least 2".to_owned())),
        },
    };
    if n > MAX_VALUES as f64 {
        return Err(wrong(format!("of {n} values, of which at most {MAX_VALUES} are possible")));
    }
    if way == "n" && is_whole && n > to - from + 1.0 {
        let n_whole = to - from + 1.0;
        return Err(wrong(format!(
            "with {n_whole} whole numbers, fewer than its n; write `from = {from:?}` for fractions"
        )));
    }
    let numbers = (0..n as usize).map(|index| match way {
        "step" => from + index as f64 * number("step").expect("checked above"),
        "times" => from * number("times").expect("checked above").powi(index as i32),
        _ => range.at(index as f64 / (n - 1.0)),
    });
    let is_whole = is_whole && (way == "n" || table[way].is_integer());
    Ok(Axis::Listed(values(numbers, is_whole)))
}

/// Numbers as values; whole ones that are rounded alike count once.
fn values(numbers: impl Iterator<Item = f64>, is_whole: bool) -> Vec<Value> {
    let value = |number: f64| match is_whole {
        true => Value::Integer(number.round() as i64),
        false => Value::Float(rounded(number, DIGITS)),
    };
    let mut values: Vec<Value> = numbers.map(value).collect();
    values.dedup();
    values
}

/// A number with so many significant digits.
pub fn rounded(number: f64, digits: usize) -> f64 {
    format!("{number:.*e}", digits - 1).parse().expect("a number that was printed")
}
