//! Mean cross-entropy straight from the logits.

use burn::tensor::{Int, Tensor};
use qkv_kernels::{CrossEntropySaved, cross_entropy_backward, cross_entropy_forward, zeros};

use super::apply::{Array, Forward, Gradient, Kernel, Saved, apply};
use super::host::{HostBackend, Number};

/// Mean cross-entropy of the logits with the right answers, in nats, `[1]`; `None` on a device without kernels.
///
/// ```text
/// loss = -1/n Σ log softmax(logits)[target]
/// ```
///
/// # Shapes
/// - `logits`: `[n, vocab_size]`
/// - `targets`: `[n]`
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([3, 4], &device);
/// let targets = Tensor::<1, Int>::zeros([3], &device);
/// let loss = qkv_model::fused::cross_entropy(&logits, &targets).expect("Flex computes in host memory");
/// assert!((loss.into_scalar::<f64>() - 4_f64.ln()).abs() < 1e-6);
/// ```
pub fn cross_entropy(logits: &Tensor<2>, targets: &Tensor<1, Int>) -> Option<Tensor<1>> {
    HostBackend::of(logits).map(|backend| {
        let targets = targets.to_data().iter::<i64>().collect();
        Tensor::from_dispatch(apply(backend, CrossEntropy { targets }, [logits.clone().into_dispatch()]))
    })
}

#[derive(Debug, Clone)]
struct CrossEntropy {
    targets: Vec<i64>,
}

impl Kernel<1> for CrossEntropy {
    fn forward<T: Number>(&self, [logits]: [Array<'_, T>; 1]) -> Forward<T> {
        let mut normalizer = zeros(self.targets.len() * 2);
        let loss = cross_entropy_forward(logits.values, &self.targets, &mut normalizer);
        Forward { shape: vec![1], out: vec![loss], extra: vec![normalizer] }
    }

    fn backward<T: Number>(&self, saved: Saved<'_, T, 1>) -> [Gradient<T>; 1] {
        let logits = saved.inputs[0].values;
        let mut d_logits = zeros(logits.len());
        let forward = CrossEntropySaved { logits, targets: &self.targets, normalizer: saved.extra[0] };
        cross_entropy_backward(forward, saved.d_out[0], &mut d_logits);
        [Gradient::New(d_logits)]
    }
}
