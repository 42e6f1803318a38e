//! The fastest matrix product of the machine, of the size that the largest workload is made of.

use std::time::Instant;

use burn::tensor::{Device, Tensor};

/// Rows, columns of the left matrix and columns of the right one.
const SHAPE: [usize; 3] = [8192, 512, 128];

const RUNS: usize = 20;

/// The best of several products, in 10⁹ additions and multiplications a second.
pub fn peak_gflops(device: &Device) -> f64 {
    let [m, k, n] = SHAPE;
    let (a, b) = (Tensor::<2>::ones([m, k], device), Tensor::<2>::ones([k, n], device));
    let seconds = (0..RUNS).map(|_| {
        let start = Instant::now();
        let product = a.clone().matmul(b.clone());
        device.sync().expect("it has computed before");
        drop(product);
        start.elapsed().as_secs_f64()
    });
    2.0 * (m * k * n) as f64 / seconds.fold(f64::INFINITY, f64::min) / 1e9
}
