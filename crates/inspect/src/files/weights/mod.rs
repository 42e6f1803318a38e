//! A safetensors file, checked once when it is opened.

mod decode;
mod header;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use qkv_run::{Checkpoint, Disk, RunFolder, read_tensors};
use safetensors::tensor::{Metadata, TensorInfo};

use crate::error::InspectError;
use crate::files::weights::decode::decode;
use crate::files::weights::header::parse;
use crate::matrix::dense::Matrix;

/// The named tensors of a [safetensors](https://github.com/huggingface/safetensors#format) file.
///
/// ```
/// use qkv_inspect::Weights;
///
/// let header = r#"{"w_q":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#;
/// let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
/// bytes.extend(header.as_bytes());
/// bytes.extend([1.5f32, -2.0].iter().flat_map(|x| x.to_le_bytes()));
///
/// let weights = Weights::from_bytes("model.safetensors", bytes)?;
/// assert_eq!(weights.tensor("w_q")?.values, [1.5, -2.0]);
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Weights {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Metadata,
    /// Where the numbers begin.
    first: usize,
    /// Of the tensors, sorted.
    names: Vec<String>,
}

/// The numbers of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its axes' lengths.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f64>,
}

impl Weights {
    /// Reads the file, or the one that a link leads to, and checks its structure. The numbers are decoded when they are
    /// asked for.
    ///
    /// # Errors
    /// If there is no such file, if it cannot be read, is cut off, or is no safetensors file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InspectError> {
        let path = path.as_ref();
        let file = path.canonicalize().map_err(refused(path))?;
        Self::from_bytes(path, read_tensors(&Disk, &file, u64::MAX).map_err(refused(path))?)
    }

    /// A frame of a run, once it is what was saved.
    ///
    /// # Errors
    /// If it is not, cannot be read, or is no safetensors file.
    pub fn of_frame(run: &RunFolder, frame: impl AsRef<Path>) -> Result<Self, InspectError> {
        let frame = frame.as_ref();
        Self::from_bytes(frame, run.read_snapshot(frame)?)
    }

    /// The weights of a checkpoint, once they are what its manifest states.
    ///
    /// # Errors
    /// If one of its files is not what was saved, or cannot be read.
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Result<Self, InspectError> {
        Self::from_bytes(checkpoint.weights(), checkpoint.read_weights()?)
    }

    /// The same for bytes that are in memory already; `path` is only for messages.
    ///
    /// # Errors
    /// If the bytes are cut off or are no safetensors file.
    pub fn from_bytes(path: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self, InspectError> {
        let path = path.as_ref().to_owned();
        let (header, first) = parse(&path, &bytes)?;
        let mut names = header.offset_keys();
        names.sort_unstable();
        Ok(Self { path, bytes, header, first, names })
    }

    /// The file that was read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The shape of a tensor, if it is there.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.info(name).map(|info| info.shape.as_slice())
    }

    /// What the writer of the file noted under `key`.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// The numbers of one tensor.
    ///
    /// # Errors
    /// If there is no such tensor, or its numbers are not floating point numbers of 16 bits or more.
    pub fn tensor(&self, name: &str) -> Result<Tensor, InspectError> {
        let TensorInfo { dtype, shape, data_offsets: (start, end) } =
            self.header.info(name).ok_or_else(|| InspectError::NoTensor {
                name: name.to_owned(),
                path: self.path.clone(),
                known: self.first_names(),
            })?;
        // The header was checked against the file's size.
        let values = decode(*dtype, &self.bytes[self.first..][*start..*end]).ok_or_else(|| {
            InspectError::UnsupportedType {
                name: name.to_owned(),
                path: self.path.clone(),
                dtype: format!("{dtype:?}"),
            }
        })?;
        Ok(Tensor { shape: shape.clone(), values })
    }

    /// A tensor with two axes.
    ///
    /// # Errors
    /// As [`tensor`](Self::tensor), or if it has another number of axes or an empty one.
    pub fn matrix(&self, name: &str) -> Result<Matrix, InspectError> {
        let Tensor { shape, values } = self.tensor(name)?;
        match shape[..] {
            [rows, columns] if rows > 0 && columns > 0 => Matrix::new(rows, columns, values),
            _ => {
                Err(InspectError::WrongShape { name: name.to_owned(), shape, expected: "2 axes, [in, out]" })
            }
        }
    }

    /// All values of a tensor in one row.
    pub(crate) fn row(&self, name: &str) -> Result<Matrix, InspectError> {
        let values = self.tensor(name)?.values;
        Matrix::new(1, values.len(), values)
    }

    fn first_names(&self) -> String {
        const SHOWN: usize = 8;
        let names: Vec<&str> = self.names().take(SHOWN).collect();
        match self.names.len() {
            0 => "no tensor".to_owned(),
            n if n > SHOWN => format!("{} and {} more", names.join(", "), n - SHOWN),
            _ => names.join(", "),
        }
    }
}

/// Why a file could not be read.
pub(crate) fn refused(path: &Path) -> impl FnOnce(std::io::Error) -> InspectError {
    let path = path.to_owned();
    move |source| match source.kind() {
        ErrorKind::NotFound => InspectError::NotFound { path },
        _ => InspectError::Read { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{file, tensors, weights};

    fn error(bytes: Vec<u8>) -> String {
        Weights::from_bytes("x", bytes).expect_err("not a safetensors file").to_string()
    }

    #[test]
    fn a_file_gives_back_what_was_written() -> Result<(), InspectError> {
        let bytes = tensors(
            &[("b", &[3], vec![1.0, 2.0, 3.0]), ("a", &[1, 2], vec![0.5, f32::NAN])],
            &[("format", "pt")],
        );
        let weights = Weights::from_bytes("x", bytes)?;
        assert_eq!(weights.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(weights.shape("b"), Some(&[3][..]));
        assert_eq!(weights.tensor("b")?.values, [1.0, 2.0, 3.0]);
        assert!(weights.matrix("a")?.at(0, 1).is_nan());
        assert_eq!(weights.metadata("format"), Some("pt"));
        Ok(())
    }

    #[test]
    fn errors_say_what_was_found() {
        let message = error(b"PK\x03\x04 a zip archive".to_vec());
        assert!(
            message.contains(r#"it holds 18 bytes and begins with "PK\x03\x04 a zip archi""#),
            "{message}"
        );
        assert!(error(Vec::new()).contains("it holds 0 bytes and begins with nothing"));
        assert!(error(file("{}", &[1])).contains("1 bytes follow the last tensor"));
        assert!(error(file("{\"a\": 1}", &[])).contains("its header does not describe tensors"));
        let message = Weights::open("no/such/file").expect_err("missing").to_string();
        assert!(message.starts_with("no/such/file does not exist"), "{message}");
        let known = weights(&[("b", &[1], vec![1.0])]).tensor("a").expect_err("unknown");
        assert_eq!(known.to_string(), "there is no tensor a in test.safetensors; it holds b");
    }

    #[test]
    fn a_type_that_is_no_float_fails_when_it_is_asked_for() -> Result<(), InspectError> {
        let header = r#"{"mask":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#;
        let weights = Weights::from_bytes("x", file(header, &[0, 1]))?;
        let message = weights.tensor("mask").expect_err("bytes").to_string();
        assert!(
            message.starts_with("tensor mask in x holds U8, expected F64, F32, F16 or BF16"),
            "{message}"
        );
        Ok(())
    }

    #[test]
    fn a_file_that_was_cut_off_says_how_much_is_missing() {
        let whole = tensors(&[("w_q", &[2, 3], vec![1.0; 6])], &[]);
        for size in 9..whole.len() {
            match Weights::from_bytes("x", whole[..size].to_vec()) {
                Err(InspectError::Truncated { expected, size: found, .. }) => {
                    assert!(found == size && expected > size as u64 && expected <= whole.len() as u64);
                }
                other => panic!("{size} of {} bytes gave {other:?}", whole.len()),
            }
        }
    }

    #[test]
    fn no_bytes_panic() {
        let whole = tensors(&[("w_q", &[2, 3], vec![1.0; 6])], &[("tokens", "[]")]);
        for at in 0..whole.len() {
            for byte in 0..=255 {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                if let Ok(weights) = Weights::from_bytes("x", bytes) {
                    let names: Vec<String> = weights.names().map(str::to_owned).collect();
                    for name in names {
                        let _ = weights.tensor(&name);
                    }
                    let _ = crate::layers(&weights, 1);
                }
            }
        }
    }
}
