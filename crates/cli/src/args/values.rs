//! Values of options.

use std::num::ParseIntError;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use qkv_train::Split;

/// The largest integer that a TOML file can hold.
pub const MAX_SEED: u64 = i64::MAX as u64;

/// A count that is not zero.
pub fn at_least_one<T: FromStr<Err = ParseIntError> + From<u8> + PartialEq>(text: &str) -> Result<T, String> {
    let count: T = text.parse().map_err(|error: ParseIntError| error.to_string())?;
    if count == T::from(0) { Err("it must be at least 1".to_owned()) } else { Ok(count) }
}

/// The name of a split.
pub fn split() -> impl TypedValueParser<Value = Split> {
    let all = [Split::Train, Split::Validation, Split::Test];
    let named = move |name: String| all.into_iter().find(|split| split.name() == name);
    PossibleValuesParser::new(all.map(Split::name))
        .map(move |name| named(name).expect("one of the possible values"))
}
