//! A condition between keys, such as `model.d_k * model.n_heads <= 512 or model.score == "additive"`.
//!
//! ```text
//! condition  := comparison { "or" comparison }
//! comparison := product ( "==" | "!=" | "<=" | ">=" | "<" | ">" ) product
//! product    := operand { "*" operand }
//! operand    := dotted key | number | "text" | true | false
//! ```

use std::cmp::Ordering;

use toml::{Table, Value};

use crate::StudyError;

/// A condition, read.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    /// One of these has to hold.
    any: Vec<Comparison>,
}

#[derive(Debug, Clone)]
struct Comparison {
    left: Vec<Operand>,
    operator: &'static str,
    right: Vec<Operand>,
}

#[derive(Debug, Clone)]
enum Operand {
    Key(String),
    Value(Value),
}

/// Longer ones first, since the others begin them.
const OPERATORS: [&str; 6] = ["==", "!=", "<=", ">=", "<", ">"];

impl Condition {
    /// Reads a condition.
    pub fn parse(text: &str) -> Result<Self, StudyError> {
        let wrong = |problem: String| StudyError::Condition { condition: text.to_owned(), problem };
        let words = words(text).map_err(wrong)?;
        if words.iter().any(|word| word == "and") {
            let each = "has `and`; make it two conditions of the list, all of which have to hold";
            return Err(wrong(each.to_owned()));
        }
        let any = words
            .split(|word| word == "or")
            .map(|words| {
                let at = words.iter().position(|word| OPERATORS.contains(&word.as_str()));
                let at = at.ok_or_else(|| wrong(format!("needs one of {}", OPERATORS.join(" "))))?;
                let operator =
                    OPERATORS.into_iter().find(|operator| *operator == words[at]).expect("just found");
                let left = product(&words[..at]).map_err(wrong)?;
                let right = product(&words[at + 1..]).map_err(wrong)?;
                Ok(Comparison { left, operator, right })
            })
            .collect::<Result<_, StudyError>>()?;
        Ok(Self { text: text.to_owned(), any })
    }

    /// As it stands in the file.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for a config: one of its comparisons does, whatever is wrong with the others, such as a key that
    /// only another choice has.
    ///
    /// # Errors
    /// If none holds, and one of them cannot be made.
    pub fn holds(&self, config: &Table) -> Result<bool, StudyError> {
        let mut problem = None;
        for comparison in &self.any {
            match comparison.holds(config) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(found) => problem = problem.or(Some(found)),
            }
        }
        match problem {
            None => Ok(false),
            Some(problem) => Err(StudyError::Condition { condition: self.text.clone(), problem }),
        }
    }
}

impl Comparison {
    fn holds(&self, config: &Table) -> Result<bool, String> {
        let (left, right) = (value(&self.left, config)?, value(&self.right, config)?);
        let order = compare(&left, &right)
            .ok_or_else(|| format!("compares {left} with {right}, which are of different kinds"))?;
        Ok(match self.operator {
            "==" => order == Ordering::Equal,
            "!=" => order != Ordering::Equal,
            _ if !is_ordered(&left) => {
                return Err(format!("orders {left} and {right}, which have no order; use == or !="));
            }
            "<=" => order != Ordering::Greater,
            ">=" => order != Ordering::Less,
            "<" => order == Ordering::Less,
            _ => order == Ordering::Greater,
        })
    }
}

/// Cuts a condition into operands, operators, `*` and `or`.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let len = if let Some(operator) = OPERATORS.into_iter().find(|operator| rest.starts_with(operator)) {
            operator.len()
        } else if rest.starts_with('*') {
            1
        } else if let Some(quoted) = rest.strip_prefix('"') {
            2 + quoted.find('"').ok_or("has a text without its closing quotation mark")?
        } else {
            rest.find(|c: char| c.is_whitespace() || "<>=!*\"".contains(c)).unwrap_or(rest.len())
        };
        match rest {
            _ if len > 0 => {}
            _ if rest.starts_with('=') => return Err("compares with `=`, expected `==`".to_owned()),
            _ => return Err(format!("cannot be read from `{rest}` on")),
        }
        words.push(rest[..len].to_owned());
        rest = rest[len..].trim_start();
    }
    Ok(words)
}

/// The operands of a product.
fn product(words: &[String]) -> Result<Vec<Operand>, String> {
    let mut operands = Vec::new();
    for (index, word) in words.iter().enumerate() {
        match (index % 2, word == "*") {
            (0, false) => operands.push(operand(word)?),
            (1, true) => {}
            _ => {
                return Err(format!("has `{word}` where {} belongs", ["a key or a value", "`*`"][index % 2]));
            }
        }
    }
    if words.len().is_multiple_of(2) {
        return Err("lacks a key or a value on one side".to_owned());
    }
    Ok(operands)
}

fn operand(word: &str) -> Result<Operand, String> {
    let value = format!("value = {word}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match value {
        Some(value @ (Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::String(_))) => {
            Ok(Operand::Value(value))
        }
        None if word.starts_with(char::is_alphabetic) && word.split('.').all(is_key) => {
            Ok(Operand::Key(word.to_owned()))
        }
        _ => Err(format!("has `{word}`, which is neither a key nor a number nor a text in quotes")),
    }
}

fn is_key(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// The value of a product; a text or a truth value only alone.
fn value(operands: &[Operand], config: &Table) -> Result<Value, String> {
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        values.push(match operand {
            Operand::Value(value) => value,
            Operand::Key(key) => find(config, key).ok_or_else(|| {
                let text = if key.contains('.') { "" } else { "; a text needs double quotes" };
                format!("has `{key}`, which the config of a run lacks{text}")
            })?,
        });
    }
    if let [value] = values[..] {
        return Ok(value.clone());
    }
    let factors = values
        .iter()
        .map(|value| number(value).ok_or_else(|| format!("multiplies {value}, which is no number")));
    Ok(Value::Float(factors.product::<Result<f64, String>>()?))
}

/// What `model.projections` has a word for each of, or one word for all.
const MATRICES: [&str; 3] = ["w_q", "w_k", "w_v"];

/// The value under a dotted key; of a choice that is a table, its name, and of a matrix the word for all.
fn find<'a>(config: &'a Table, key: &str) -> Option<&'a Value> {
    let mut keys = key.split('.');
    let mut value = config.get(keys.next()?)?;
    for key in keys {
        value = match value {
            Value::String(_) if MATRICES.contains(&key) => value,
            value => value.get(key)?,
        };
    }
    value.get("name").or_else(|| value.get("kind")).or(Some(value))
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|whole| whole as f64))
}

fn is_for_each(table: &Table) -> bool {
    table.keys().all(|key| MATRICES.contains(&key.as_str()))
}

fn is_ordered(value: &Value) -> bool {
    number(value).is_some()
}

/// `None` for values of different kinds.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return left.partial_cmp(&right);
    }
    match (left, right) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Boolean(left), Value::Boolean(right)) => Some(left.cmp(right)),
        // Three words, which are not all this one.
        (Value::Table(each), Value::String(_)) if is_for_each(each) => Some(Ordering::Greater),
        (Value::String(_), Value::Table(each)) if is_for_each(each) => Some(Ordering::Less),
        _ => None,
    }
}
