//! Whether a device computes, and what it computes.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Result, anyhow};
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::random::{Purpose, stream};
use rand::RngExt;

/// Rows and columns of the matrices.
const SIZE: usize = 256;

/// A product in single precision differs by less, whatever the order in which it is added up: by about 1e-7. Numbers with
/// 10 bits after the point, which tensor cores take for TF32, differ by 3e-4.
const SINGLE: f64 = 1e-5;

/// Products after the first; the median counts, because the fastest may have found a part of its work done.
const REPEATS: usize = 11;

/// A product of two matrices on a device, beside the same on the processor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// Largest difference of a value, relative to the largest value.
    pub error: f64,
    /// What the first product took: a card compiles its kernels then.
    pub first_ms: f64,
    /// The median of some more.
    pub ms: f64,
}

impl Probe {
    /// Whether products have single precision.
    pub fn is_single(&self) -> bool {
        self.error <= SINGLE
    }

    /// # Errors
    /// With what the driver of the device reports.
    pub fn of(device: &Device) -> Result<Self, String> {
        caught(|| {
            let matrices = [0, 1].map(matrix);
            let product = |device: &Device| {
                let [a, b] = matrices.clone().map(|data| Tensor::<2>::from_data(data, device));
                let start = Instant::now();
                let product = a.matmul(b).into_data();
                (product, start.elapsed().as_secs_f64() * 1e3)
            };
            let (first, first_ms) = product(device);
            let mut ms: Vec<f64> = (0..REPEATS).map(|_| product(device).1).collect();
            ms.sort_by(f64::total_cmp);
            let (expected, _) = product(&Device::flex());
            Self { error: difference(&first, &expected), first_ms, ms: ms[REPEATS / 2] }
        })
    }
}

/// Uniform between -1 and 1.
fn matrix(which: u64) -> TensorData {
    let mut random = stream(0, Purpose::Examples, "probe", which);
    let values: Vec<f32> = (0..SIZE * SIZE).map(|_| random.random::<f32>() * 2.0 - 1.0).collect();
    TensorData::new(values, [SIZE, SIZE])
}

/// The largest difference of values that should be equal, relative to the largest of those that are expected; infinite
/// where one is no number.
pub fn difference(got: &TensorData, expected: &TensorData) -> f64 {
    let size = expected.iter::<f64>().fold(0.0, |size: f64, x| size.max(x.abs()));
    let worst = got.iter::<f64>().zip(expected.iter::<f64>()).map(|(got, expected)| (got - expected).abs());
    let worst = worst.fold(0.0, |worst: f64, x| if x.is_finite() { worst.max(x) } else { f64::INFINITY });
    if worst == 0.0 { 0.0 } else { worst / size }
}

/// What `compute` returns, or the first panic meanwhile, of whichever thread: drivers and the compilers of kernels report
/// by panics, some on threads of their own. Nothing is printed.
///
/// # Errors
/// With the message of the panic.
pub fn caught<T>(compute: impl FnOnce() -> T) -> Result<T, String> {
    static MESSAGES: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let messages = || MESSAGES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        messages().push(panic.payload_as_str().unwrap_or("a panic without a message").to_owned());
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(compute));
    panic::set_hook(hook);
    let first = std::mem::take(&mut *messages()).into_iter().next();
    result.map_err(|_| first.unwrap_or_else(|| "a panic without a message".to_owned()))
}

/// The same for what ends with an error.
///
/// # Errors
/// With that error, or with the message of the panic.
pub fn caught_result<T>(compute: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(compute).map_err(|message| anyhow!(message))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_computes_what_it_computes() {
        let probe = Probe::of(&Device::flex()).expect("it is always there");
        assert_eq!(probe.error, 0.0);
        assert!(probe.is_single());
        assert!(probe.ms > 0.0 && probe.ms <= probe.first_ms * 10.0, "{probe:?}");
    }

    #[test]
    fn factors_with_ten_bits_are_no_single_precision() {
        let rounded = |data: &TensorData| {
            let values =
                data.iter::<f32>().map(|x| f32::from_bits((x.to_bits() + (1 << 12)) & !((1 << 13) - 1)));
            TensorData::new(values.collect::<Vec<_>>(), [SIZE, SIZE])
        };
        let product = |[a, b]: [TensorData; 2]| {
            let [a, b] = [a, b].map(|data| Tensor::<2>::from_data(data, &Device::flex()));
            a.matmul(b).into_data()
        };
        let matrices = [0, 1].map(matrix);
        let error = difference(&product(matrices.each_ref().map(rounded)), &product(matrices));
        assert!(!Probe { error, first_ms: 1.0, ms: 1.0 }.is_single(), "{error}");
        assert!(error < 1e-3, "{error}");
    }

    #[test]
    fn a_difference_is_relative_to_the_largest_value_and_no_number_is_the_worst() {
        let data = |values: [f32; 3]| TensorData::new(values.to_vec(), [3]);
        assert_eq!(difference(&data([1.0, -8.0, 2.0]), &data([1.0, -8.0, 4.0])), 0.25);
        assert_eq!(difference(&data([0.0, f32::NAN, 0.0]), &data([1.0, 1.0, 1.0])), f64::INFINITY);
        assert_eq!(difference(&data([0.0; 3]), &data([0.0; 3])), 0.0);
    }
}
