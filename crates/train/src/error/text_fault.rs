//! Why a file cannot serve as a text; [`TrainError::Text`](crate::TrainError::Text) adds the path.

use std::path::Path;

use thiserror::Error;

use super::counted;

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextFault {
    /// Something that may never end.
    #[error("is {found}, but a text must be a regular file; copy it into one")]
    NotARegularFile {
        /// Kind of file.
        found: &'static str,
    },
    /// Bytes that are no characters.
    #[error("is not UTF-8 from byte {offset} on; convert it with its own encoding after -f, such as: ")]
    NotUtf8 {
        /// The first byte that is wrong, counted from 0.
        offset: usize,
    },
    /// Another encoding.
    #[error("is {encoding}, but a text must be UTF-8; convert it: ")]
    OtherEncoding {
        /// Its name for `iconv`.
        encoding: &'static str,
    },
    /// Too few characters for windows of this length.
    #[error(
        "has {}, but task.seq_len = {seq_len} needs at least {needed}; take a longer text or a shorter task.seq_len",
        counted(*n_chars, "character")
    )]
    TooShort {
        /// Length of the text.
        n_chars: usize,
        /// Length of a window.
        seq_len: usize,
        /// Least length of a text for it.
        needed: usize,
    },
    /// More different characters than a model can learn.
    #[error("has {found} different characters, at most {most} are possible; is it a text?")]
    TooManyChars {
        /// Number of different characters.
        found: usize,
        /// Largest number possible.
        most: usize,
    },
    /// Another text than that of the run.
    #[error(
        "has changed: the run was made with the text of fingerprint {expected}, this one has {got}; put the old text \
         back, or leave task.fingerprint empty in a new run"
    )]
    Changed {
        /// Fingerprint in the config.
        expected: String,
        /// Fingerprint of the file.
        got: String,
    },
}

impl TextFault {
    /// For a text of another encoding, the command that writes it in UTF-8 beside the file.
    pub(crate) fn conversion(&self, path: &Path) -> String {
        let encoding = match self {
            Self::NotUtf8 { .. } => "ISO-8859-1",
            Self::OtherEncoding { encoding } => encoding,
            _ => return String::new(),
        };
        let path = path.display().to_string().replace('\'', r"'\''");
        format!("iconv -f {encoding} -t UTF-8 '{path}' > '{path}.utf8'")
    }
}
