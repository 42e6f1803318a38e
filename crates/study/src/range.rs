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

/// The way from one end to the other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Step(f64),
    Times(f64),
    Count(u64, Scale),
    Draw(Scale),
}

impl Way {
    /// In a range, which has one of them.
    const NAMES: [&str; 4] = ["step", "times", "n", "draw"];

    /// Reads it. An error is the end of a sentence about the range.
    fn read(table: &Table) -> Result<Self, String> {
        let names: Vec<&str> = Self::NAMES.into_iter().filter(|name| table.contains_key(*name)).collect();
        let [name] = names[..] else {
            return Err("that needs exactly one of step, times, n and draw".to_owned());
        };
        let scale = match table.get("scale").map(Value::as_str) {
            Some(_) if name != "n" => return Err("whose `scale` belongs to n".to_owned()),
            None | Some(Some("linear")) => Scale::Linear,
            Some(Some("log")) => Scale::Log,
            Some(_) => return Err("whose `scale` must be \"linear\" or \"log\"".to_owned()),
        };
        match name {
            "step" => number(table, name).and_then(|step| match step > 0.0 {
                true => Ok(Self::Step(step)),
                false => Err("whose `step` must be above 0".to_owned()),
            }),
            "times" => number(table, name).and_then(|times| match times > 1.0 {
                true => Ok(Self::Times(times)),
                false => Err("whose `times` must be above 1".to_owned()),
            }),
            "n" => match table[name].as_integer() {
                Some(n @ 2..) => Ok(Self::Count(n.unsigned_abs(), scale)),
                _ => Err("whose `n` must be a whole number of at least 2".to_owned()),
            },
            _ => match table[name].as_str() {
                Some("uniform") => Ok(Self::Draw(Scale::Linear)),
                Some("log") => Ok(Self::Draw(Scale::Log)),
                _ => Err("whose `draw` must be \"uniform\" or \"log\"".to_owned()),
            },
        }
    }

    fn scale(self) -> Scale {
        match self {
            Self::Step(_) => Scale::Linear,
            Self::Times(_) => Scale::Log,
            Self::Count(_, scale) | Self::Draw(scale) => scale,
        }
    }
}

/// The values of a range, or what draws them.
pub fn axis(key: &str, table: &Table) -> Result<Axis, StudyError> {
    if let (Some(Value::Array(values)), 1) = (table.get("draw"), table.len()) {
        return Ok(Axis::Drawn(Drawn::OneOf(list(key, values)?)));
    }
    between(table).map_err(|problem| StudyError::Range {
        key: key.to_owned(),
        problem,
        found: Value::Table(table.clone()).to_string(),
    })
}

/// An error is the end of a sentence about the range.
fn between(table: &Table) -> Result<Axis, String> {
    let is_known = |name: &str| ["from", "to", "scale"].contains(&name) || Way::NAMES.contains(&name);
    match table.keys().find(|name| !is_known(name)) {
        None => {}
        Some(name) if name == "draws" => {
            return Err("beside which `draws` does not belong; it is one for all keys, in [study]".to_owned());
        }
        Some(name) => {
            return Err(format!(
                "that may have step, times, n with scale, or draw beside from and to, not `{name}`"
            ));
        }
    }
    let (from, to) = (number(table, "from")?, number(table, "to")?);
    if from > to {
        return Err("whose `from` must not be above `to`".to_owned());
    }
    let way = Way::read(table)?;
    if way.scale() == Scale::Log && from <= 0.0 {
        return Err("that must begin above 0 to be logarithmic".to_owned());
    }
    let is_whole = table["from"].is_integer() && table["to"].is_integer();
    let range = Range { from, to, scale: way.scale(), is_whole };
    // A little more than the end, so that a rounding error does not cost the last value.
    let n_values = |gaps: f64| (gaps * (1.0 + 1e-12)).floor() + 1.0;
    let n = match way {
        Way::Draw(_) => return Ok(Axis::Drawn(Drawn::Between(range))),
        Way::Step(step) => n_values((to - from) / step),
        Way::Times(times) => n_values((to / from).ln() / times.ln()),
        Way::Count(n, _) => n as f64,
    };
    if n > MAX_VALUES as f64 {
        let n = if n > MAX_WHOLE { format!("{n:.0e}") } else { n.to_string() };
        return Err(format!("of {n} values, of which at most {MAX_VALUES} are possible"));
    }
    let numbers = (0..n as usize).map(|index| match way {
        Way::Step(step) => from + index as f64 * step,
        Way::Times(times) => from * times.powi(index as i32),
        Way::Count(..) | Way::Draw(_) => range.at(index as f64 / (n - 1.0)),
    });
    let is_fraction = |name: &str| table.get(name).is_some_and(Value::is_float);
    let values = values(numbers, is_whole && !is_fraction("step") && !is_fraction("times"));
    match (values.len(), way) {
        (found, Way::Count(n, _)) if (found as u64) < n => {
            let numbers = if found == 1 { "number" } else { "numbers" };
            Err(match is_whole {
                true => format!(
                    "with {found} whole {numbers}, fewer than its n; write `from = {from:?}` for fractions"
                ),
                false => format!("with {found} different {numbers}, fewer than its n"),
            })
        }
        _ => Ok(Axis::Listed(values)),
    }
}

fn number(table: &Table, name: &str) -> Result<f64, String> {
    match table.get(name) {
        Some(Value::Integer(whole)) if (*whole as f64).abs() <= MAX_WHOLE => Ok(*whole as f64),
        Some(Value::Float(number)) if number.is_finite() => Ok(*number),
        Some(_) => Err(format!("whose `{name}` must be a finite number of at most 15 digits")),
        None => Err(format!("that needs `{name}`")),
    }
}

/// Numbers as values; those that are rounded alike count once.
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
