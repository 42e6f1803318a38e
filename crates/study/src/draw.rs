//! A random value of a key, the same on every machine.

use std::fmt::{self, Display, Formatter};

use sha2::{Digest, Sha256};
use toml::Value;

use crate::range::{Range, Scale, rounded};

/// Significant digits of a drawn number: ten thousand draws seldom meet, the last bits of a power, which machines may
/// differ in, do not count, and the name of a folder can be read.
const DIGITS: usize = 6;

/// A key whose values are drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Drawn {
    /// Each as often as the others.
    OneOf(Vec<Value>),
    /// A number of a range; a whole one between two whole ends.
    Between(Range),
}

impl Drawn {
    /// The value of the draw of this number. It depends on the seed, the key and that number alone, so that other keys and
    /// more draws do not change it.
    pub fn value(&self, seed: u64, key: &str, draw: u64) -> Value {
        let share = share(seed, key, draw);
        match self {
            Self::OneOf(values) => values[(share * values.len() as f64) as usize].clone(),
            Self::Between(range) if range.is_whole => {
                // Every whole number has an interval of its own, the last one as long as the others.
                let number = Range { to: range.to + 1.0, ..*range }.at(share).floor();
                Value::Integer(number.min(range.to) as i64)
            }
            // Rounding may leave the range.
            Self::Between(range) => {
                Value::Float(rounded(range.at(share), DIGITS).clamp(range.from, range.to))
            }
        }
    }
}

/// As in a file.
impl Display for Drawn {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(values) => write!(f, "{{ draw = {} }}", Value::Array(values.clone())),
            Self::Between(Range { from, to, scale, is_whole }) => {
                let draw = match scale {
                    Scale::Linear => "uniform",
                    Scale::Log => "log",
                };
                match is_whole {
                    true => write!(f, "{{ from = {from}, to = {to}, draw = \"{draw}\" }}"),
                    false => write!(f, "{{ from = {from:?}, to = {to:?}, draw = \"{draw}\" }}"),
                }
            }
        }
    }
}

/// A number of at least 0 and below 1: the first 53 bits of a hash.
fn share(seed: u64, key: &str, draw: u64) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(draw.to_le_bytes());
    hash.update(key.as_bytes());
    let bytes: [u8; 32] = hash.finalize().into();
    let first = u64::from_le_bytes(bytes[..8].try_into().expect("eight of them"));
    (first >> 11) as f64 / (1_u64 << 53) as f64
}
