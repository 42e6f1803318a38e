//! The numbers in a safetensors file, read without any code of ours.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};

/// Shape and values, row by row.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Numbers {
    /// Square root of the sum of squares.
    pub fn norm(&self) -> f64 {
        self.values.iter().map(|value| value * value).sum::<f64>().sqrt()
    }

    pub fn minus(&self, other: &Self) -> Self {
        assert_eq!(self.shape, other.shape);
        let pairs = self.values.iter().zip(&other.values);
        Self { shape: self.shape.clone(), values: pairs.map(|(a, b)| a - b).collect() }
    }
}

/// Every tensor of a file in f32, by name.
pub fn tensors(bytes: &[u8]) -> BTreeMap<String, Numbers> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let numbers = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let values = view.data().chunks_exact(4);
        let values = values.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
        let shape = view.shape().to_vec();
        (name.to_owned(), Numbers { shape, values: values.collect() })
    };
    file.iter().map(numbers).collect()
}
