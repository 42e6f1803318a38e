//! How long each kind of file may be: one bound each, checked before it is written and before it is read, so that a run
//! is never written that cannot be read, and a hostile file costs little.
//!
//! | file | bound | what has as much |
//! |---|---|---|
//! | `config.toml` | [`CONFIG`] | fifty pages of settings |
//! | `config.json` | [`DESCRIPTION`], [`DESCRIPTION_VALUES`], [`SETTINGS`] and [`SETTINGS_BYTES`] | the labels of 60,000 tokens |
//! | `MANIFEST.json` | [`MANIFEST`] | a hundred files; a checkpoint has three |
//! | a line of `metrics.jsonl` | [`LINE`] and [`LINE_VALUES`]; any number of lines | a sample whose tokens are pages |
//! | the header of any file of tensors | [`HEADER`] and [`HEADER_VALUES`] | what AdamW remembers of 600 layers |
//! | a frame | [`FRAME`] | eight heads over 2,800 positions |
//!
//! Weights and moments have no bound of their own: `MANIFEST.json` states their lengths, and the model what it needs.

use std::path::Path;

use crate::error::RunError;

/// Bytes of `config.toml`: the table that is made of it may take a hundred times as much.
pub(crate) const CONFIG: u64 = 1 << 16;

/// Bytes of `config.json`, which has what `config.toml` has, more widely, and the vocabulary.
pub(crate) const DESCRIPTION: u64 = 1 << 22;

/// Numbers and texts in `config.json`.
pub(crate) const DESCRIPTION_VALUES: usize = 1 << 16;

/// Those that are no labels of tokens.
pub(crate) const SETTINGS: usize = 1 << 11;

/// Bytes of what is no label, without spaces: `config.toml` in JSON, whose escapes may be six times as long.
pub(crate) const SETTINGS_BYTES: usize = 1 << 20;

/// Bytes of `MANIFEST.json`.
pub(crate) const MANIFEST: u64 = 1 << 16;

/// Bytes of a line of `metrics.jsonl`.
pub(crate) const LINE: u64 = 1 << 20;

/// Numbers and texts in a line of `metrics.jsonl`.
pub(crate) const LINE_VALUES: usize = 1 << 12;

/// Bytes of the header of a safetensors file: a tensor has about a hundred, and the labels of a frame are in it.
pub(crate) const HEADER: u64 = 1 << 21;

/// Numbers and texts in that header: a tensor has seven.
pub(crate) const HEADER_VALUES: usize = 1 << 17;

/// Bytes of a frame.
pub(crate) const FRAME: u64 = 1 << 28;

/// Refuses to write a file that would be too long to be read.
pub(crate) fn check(file: &Path, bytes: usize, most: u64) -> Result<(), RunError> {
    match bytes as u64 {
        bytes if bytes > most => {
            Err(RunError::not_readable(file, format!("it would have {bytes} bytes, expected at most {most}")))
        }
        _ => Ok(()),
    }
}
