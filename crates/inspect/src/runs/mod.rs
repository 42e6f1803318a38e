//! Runs beside each other: what they were set to, how they ended, and their mean and range over seeds.
//!
//! Reading of many runs belongs here, and what is computed over them; one offline document of it is in `page`. What one
//! run learned is in `film`.

pub(crate) mod comparison;
pub(crate) mod figure;
pub(crate) mod key;
pub(crate) mod key_value;
pub(crate) mod left_out;
mod meaning;
pub(crate) mod page;
pub(crate) mod record;
pub(crate) mod series;
pub(crate) mod setting;
pub(crate) mod spread;
