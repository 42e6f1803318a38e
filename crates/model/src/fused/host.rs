//! Tensors of the backends that compute in host memory, as slices and back.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, Flex};
use burn::tensor::{Bytes, DType, Element, Tensor};
use burn_flex::{FlexTensor, Layout};
use qkv_kernels::Float;

/// A number type of both the kernels and Burn.
pub(crate) trait Number: Float + Element + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// The backends whose tensors lie in host memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostBackend {
    Flex,
    #[cfg(feature = "ndarray")]
    NdArray,
}

/// Burn's ndarray backend.
#[cfg(feature = "ndarray")]
#[expect(deprecated, reason = "deprecated upstream in 0.22; as long as it can be chosen it has to be right")]
pub(crate) type NdArray = burn::backend::NdArray;

impl HostBackend {
    /// Where a tensor lies that the kernels can take: in host memory, in single or double precision.
    pub(crate) fn of<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if !matches!(tensor.dtype(), DType::F32 | DType::F64) {
            return None;
        }
        match tensor.device().without_autodiff().as_dispatch() {
            DispatchDevice::Flex(_) => Some(Self::Flex),
            #[cfg(feature = "ndarray")]
            DispatchDevice::NdArray(_) => Some(Self::NdArray),
            #[allow(unreachable_patterns, reason = "which devices there are depends on features")]
            _ => None,
        }
    }

    /// The values of a tensor, with which they share their memory where they are row-major.
    pub(crate) fn constant<const D: usize>(self, tensor: Tensor<D>) -> Values {
        let tensor = if tensor.device().is_autodiff() { tensor.inner() } else { tensor };
        self.values(tensor.into_dispatch())
    }

    /// The values of a tensor without autodiff.
    pub(crate) fn values(self, tensor: DispatchTensor) -> Values {
        match self {
            Self::Flex => Flex::values(primitive::<Flex>(tensor)),
            #[cfg(feature = "ndarray")]
            Self::NdArray => NdArray::values(primitive::<NdArray>(tensor)),
        }
    }

    /// A tensor of these values, without autodiff.
    pub(crate) fn tensor(self, values: Values) -> DispatchTensor {
        match self {
            Self::Flex => wrap::<Flex>(Flex::tensor(values)),
            #[cfg(feature = "ndarray")]
            Self::NdArray => wrap::<NdArray>(NdArray::tensor(values)),
        }
    }
}

pub(crate) fn primitive<B: Backend>(tensor: DispatchTensor) -> FloatTensor<B>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    match DispatchTensor::try_into_backend(tensor) {
        Ok(BackendTensor::Float(tensor)) => tensor,
        Ok(_) => unreachable!("kernels take tensors of floats"),
        Err(error) => unreachable!("the backend was looked up before: {error}"),
    }
}

pub(crate) fn wrap<B: Backend>(tensor: FloatTensor<B>) -> DispatchTensor
where
    DispatchTensor: DispatchKindConversion<B>,
{
    DispatchTensor::from_backend(BackendTensor::Float(tensor))
}

/// A backend whose tensors lie in host memory.
pub(crate) trait Host: Backend {
    /// The tensor's values, row-major; without a copy where the backend can.
    fn values(tensor: FloatTensor<Self>) -> Values;
    /// A tensor of these values.
    fn tensor(values: Values) -> FloatTensor<Self>;
}

/// Row-major values with their shape. They share the memory of a tensor of Flex, and own that of any other.
#[derive(Debug, Clone)]
pub(crate) struct Values(FlexTensor);

impl Values {
    pub(crate) fn new<T: Number>(values: Vec<T>, shape: &[usize]) -> Self {
        let layout = Layout::contiguous(shape.to_vec().into());
        Self(FlexTensor::new(Bytes::from_elems(values), layout, T::dtype()))
    }

    pub(crate) fn dtype(&self) -> DType {
        self.0.dtype()
    }

    pub(crate) fn shape(&self) -> &[usize] {
        self.0.layout().shape()
    }

    /// The values.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn slice<T: Number>(&self) -> &[T] {
        self.0.as_slice().expect("row-major, of the type that was asked for")
    }

    /// The values for writing; copies them first if they are shared.
    ///
    /// # Panics
    /// If they are of another type.
    pub(crate) fn slice_mut<T: Number>(&mut self) -> &mut [T] {
        let (start, end) = self.0.layout().contiguous_offsets().expect("row-major");
        &mut self.0.storage_mut()[start..end]
    }
}

impl Host for Flex {
    fn values(tensor: FloatTensor<Self>) -> Values {
        Values(tensor.to_contiguous())
    }

    fn tensor(values: Values) -> FloatTensor<Self> {
        values.0
    }
}

#[cfg(feature = "ndarray")]
impl Host for NdArray {
    fn values(tensor: FloatTensor<Self>) -> Values {
        // Of whatever rank: only the values and their shape leave this line.
        Values(FlexTensor::from_data(Tensor::<1>::from_primitive::<Self>(tensor).into_data()))
    }

    fn tensor(values: Values) -> FloatTensor<Self> {
        let data = values.0.into_data();
        <Self as burn::backend::ops::FloatTensorOps<Self>>::float_from_data(data, &Default::default())
    }
}
