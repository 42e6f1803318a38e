//! Texts on disk: which files are texts, and how their bytes become characters.

use std::fs::{self, FileType};
use std::path::{Path, PathBuf};

use qkv_model::random::fnv1a;

use crate::error::{TextFault, TrainError};

/// A text, read once.
pub(super) struct TextFile {
    /// The characters, without a byte-order mark.
    pub text: String,
    /// FNV-1a hash of the file's bytes in 16 hexadecimal digits.
    pub fingerprint: String,
    /// Whether a byte-order mark was left out.
    pub had_mark: bool,
}

/// What some editors put before a text in UTF-8.
const MARK: char = '\u{feff}';

impl TextFile {
    /// Reads a regular file.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        Self::of_bytes(path, bytes(path)?)
    }

    /// The text that the bytes of the file at `path` are.
    pub fn of_bytes(path: &Path, bytes: Vec<u8>) -> Result<Self, TrainError> {
        let fingerprint = format!("{:016x}", fnv1a(&bytes));
        if let Some(encoding) = wide_encoding(&bytes) {
            return Err(TrainError::text(path, TextFault::OtherEncoding { encoding }));
        }
        let mut text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            TrainError::text(path, TextFault::NotUtf8 { offset })
        })?;
        let had_mark = text.starts_with(MARK);
        if had_mark {
            text.remove(0);
        }
        Ok(Self { text, fingerprint, had_mark })
    }

    /// What is wrong if this is not the file of the run; an empty fingerprint fits any.
    pub fn changed(&self, expected: &str) -> Option<TextFault> {
        let (expected, got) = (expected.to_owned(), self.fingerprint.clone());
        (!expected.is_empty() && expected != got).then_some(TextFault::Changed { expected, got })
    }
}

/// The bytes of a regular file; anything else is refused before it is opened, because a pipe would wait and a device may
/// never end.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, TrainError> {
    let unread = |source| TrainError::TextUnread { path: path.to_owned(), source };
    let metadata = fs::metadata(path).map_err(unread)?;
    if !metadata.is_file() {
        let found = kind(metadata.file_type());
        return Err(TrainError::text(path, TextFault::NotARegularFile { found }));
    }
    fs::read(path).map_err(unread)
}

/// The same file for a process that runs in another folder, where the path can be written into a config file.
pub(super) fn from_anywhere(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).ok().filter(|absolute| absolute.to_str().is_some());
    absolute.unwrap_or_else(|| path.to_owned())
}

fn kind(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if file_type.is_fifo() {
            return "a pipe";
        }
        if file_type.is_socket() {
            return "a socket";
        }
    }
    "a device"
}

/// The encoding of a text in units of two or four bytes: by its byte-order mark, and without one by the bytes of zero
/// in one half of every unit, which a text in a Latin alphabet has and no text in UTF-8.
fn wide_encoding(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) || bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some("UTF-32");
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Some("UTF-16");
    }
    let n_units = bytes.len() / 2;
    let zeros = |half: usize| bytes.iter().skip(half).step_by(2).filter(|&&byte| byte == 0).count();
    match [zeros(0), zeros(1)] {
        [0, high] if high > n_units / 2 => Some("UTF-16LE"),
        [high, 0] if high > n_units / 2 => Some("UTF-16BE"),
        _ => None,
    }
}
