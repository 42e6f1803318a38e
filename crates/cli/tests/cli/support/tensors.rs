//! The numbers in a safetensors file, read without any code of ours.

use std::collections::BTreeMap;

use safetensors::tensor::TensorView;
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

/// Every tensor of a file in f32, by name, without the seal of a frame.
pub fn tensors(bytes: &[u8]) -> BTreeMap<String, Numbers> {
    let file = SafeTensors::deserialize(bytes).unwrap();
    let numbers = |(name, view): (&str, safetensors::tensor::TensorView<'_>)| {
        assert_eq!(view.dtype(), Dtype::F32, "{name}");
        let values = view.data().chunks_exact(4);
        let values = values.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())));
        let shape = view.shape().to_vec();
        (name.to_owned(), Numbers { shape, values: values.collect() })
    };
    file.iter().filter(|(name, _)| *name != "sha256").map(numbers).collect()
}

/// The bytes of a file with a `w_q` of four equal values in each layer.
pub fn file_of_layers(layers: &[(&str, f32)]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = layers.iter().map(|(_, value)| value.to_le_bytes().repeat(4)).collect();
    let views = layers.iter().zip(&bytes).map(|((layer, _), bytes)| {
        (format!("{layer}.w_q"), TensorView::new(Dtype::F32, vec![2, 2], bytes).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}
