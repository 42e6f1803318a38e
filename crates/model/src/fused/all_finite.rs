//! Whether tensors are finite.

use burn::tensor::{DType, Tensor};

use super::host::HostBackend;

/// Tensors that are tested together. Those in host memory are read where they lie; of all others the answers are read
/// back at once, because a card stands still while a program waits for one.
#[derive(Debug, Default)]
pub struct AllFinite {
    found: bool,
    /// 1 for a tensor that is not finite, else 0, `[1]` each.
    on_devices: Vec<Tensor<1>>,
}

impl AllFinite {
    /// One more tensor.
    pub fn and<const D: usize>(mut self, tensor: &Tensor<D>) -> Self {
        self.add(tensor);
        self
    }

    /// The same in place.
    pub fn add<const D: usize>(&mut self, tensor: &Tensor<D>) {
        let Some(backend) = HostBackend::of(tensor) else {
            let tensor = if tensor.device().is_autodiff() { tensor.clone().inner() } else { tensor.clone() };
            self.on_devices.push(tensor.is_finite().bool_not().any().float());
            return;
        };
        if self.found {
            return;
        }
        let values = backend.constant(tensor.clone());
        self.found = !match values.dtype() {
            DType::F64 => all_in_blocks(values.slice::<f64>(), |x| x.is_finite()),
            _ => all_in_blocks(values.slice::<f32>(), |x| x.is_finite()),
        };
    }

    /// Whether no value is NaN or infinite.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use qkv_model::fused::AllFinite;
    ///
    /// let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &Device::flex());
    /// assert!(AllFinite::default().and(&tensor([0.0, 1.0])).and(&tensor([2.0, 3.0])).value());
    /// assert!(!AllFinite::default().and(&tensor([0.0, f32::NAN])).and(&tensor([2.0, 3.0])).value());
    /// ```
    pub fn value(self) -> bool {
        if self.found || self.on_devices.is_empty() {
            return !self.found;
        }
        Tensor::cat(self.on_devices, 0).into_data().iter::<f64>().all(|not_finite| not_finite == 0.0)
    }
}

/// Whether no value is NaN or infinite.
pub fn all_finite<const D: usize>(tensor: &Tensor<D>) -> bool {
    AllFinite::default().and(tensor).value()
}

/// Whether `test` holds for all values. Within a block there is no branch for each of them, so that vectors can be
/// used; a sum of floats would have to keep its order.
fn all_in_blocks<T: Copy>(values: &[T], test: impl Fn(T) -> bool) -> bool {
    values.chunks(1024).all(|block| block.iter().fold(true, |all, &x| all & test(x)))
}
