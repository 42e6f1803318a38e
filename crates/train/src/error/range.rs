//! Numbers that lie outside their range, refused with the range in words.

use qkv_model::Number;

use super::TrainError;

impl TrainError {
    /// Refuses a value that does not fit; `expected` has its range in words.
    pub(crate) fn in_range(
        fits: bool,
        key: &'static str,
        expected: impl Into<String>,
        got: impl ToString,
    ) -> Result<(), Self> {
        let out_of_range = || Self::OutOfRange { key, expected: expected.into(), got: got.to_string() };
        if fits { Ok(()) } else { Err(out_of_range()) }
    }

    /// Refuses a number that does not fit or is not finite; `expected` has its range in words, `key` is its dotted path
    /// in a config. Of a part of a model it is [`ModelError::check_number`](qkv_model::ModelError::check_number).
    ///
    /// # Errors
    /// [`TrainError::OutOfRange`].
    ///
    /// ```
    /// use qkv_train::TrainError;
    ///
    /// let patience: i32 = -1;
    /// let checked = TrainError::check_number("optimizer.patience", patience, "at least 0", patience >= 0);
    /// assert_eq!(checked.unwrap_err().to_string(), "optimizer.patience must be at least 0, got -1");
    /// ```
    pub fn check_number(key: &'static str, got: impl Number, expected: &str, fits: bool) -> Result<(), Self> {
        let finite = if got.is_finite() { "" } else { " and finite" };
        Self::in_range(fits && got.is_finite(), key, format!("{expected}{finite}"), got)
    }

    /// Refuses a size that is not between `min` and `max`.
    pub(crate) fn between(key: &'static str, got: usize, min: usize, max: usize) -> Result<(), Self> {
        Self::in_range((min..=max).contains(&got), key, format!("between {min} and {max}"), got)
    }
}
