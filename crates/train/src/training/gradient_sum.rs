//! The gradients of the shards of a batch as flat numbers, and their weighted mean.
//!
//! Every product and sum is one of double precision in the order of the shards, and the mean is rounded once. So each number
//! of it depends neither on how many processes add it up nor on which of them does. Bytes are in the order of the processor:
//! all processes run the same program.

use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};

/// The learned parameters of a model one behind the other, as numbers of one precision.
pub(super) struct Flat {
    n_parameters: usize,
    n: usize,
    /// Bytes of a number: double precision where any parameter has it.
    width: usize,
}

impl Flat {
    pub(super) fn of(model: &impl Module) -> Self {
        let mut flat = Self { n_parameters: 0, n: 0, width: size_of::<f32>() };
        model.visit(&mut flat);
        flat
    }

    /// The numbers that one of so many processes adds up.
    pub(super) fn part(&self, rank: usize, size: usize) -> Range<usize> {
        self.n * rank / size..self.n * (rank + 1) / size
    }

    /// All gradients as bytes, zeros where a parameter has none, and which have one.
    pub(super) fn bytes(&self, model: &impl Module, gradients: &GradientsParams) -> (Vec<u8>, Vec<bool>) {
        let bytes = Vec::with_capacity(self.n * self.width);
        let mut writer = Writer { gradients, width: self.width, bytes, is_there: Vec::new() };
        model.visit(&mut writer);
        (writer.bytes, writer.is_there)
    }

    /// The bytes of [`bytes`](Self::bytes), cut into what each of so many processes adds up.
    pub(super) fn cut(&self, bytes: Vec<u8>, size: usize) -> Vec<Vec<u8>> {
        if size == 1 {
            return vec![bytes];
        }
        let of_rank = |rank| {
            let Range { start, end } = self.part(rank, size);
            bytes.get(start * self.width..end * self.width).unwrap_or_default().to_vec()
        };
        (0..size).map(of_rank).collect()
    }

    /// Gradients from bytes of all of them, of the parameters that have one.
    pub(super) fn gradients(&self, model: &impl Module, bytes: &[u8], is_there: &[bool]) -> GradientsParams {
        let gradients = GradientsParams::new();
        let mut reader = Reader { width: self.width, bytes, is_there: is_there.iter(), gradients };
        model.visit(&mut reader);
        reader.gradients
    }

    /// A sum for this part of the numbers.
    pub(super) fn sum(&self, part: Range<usize>) -> GradientSum {
        GradientSum { width: self.width, numbers: vec![0.0; part.len()] }
    }

    pub(super) fn n_parameters(&self) -> usize {
        self.n_parameters
    }
}

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.n_parameters += 1;
            self.n += param.dims().iter().product::<usize>();
            self.width = self.width.max(if param.dtype() == DType::F64 { size_of::<f64>() } else { 0 });
        }
    }
}

struct Writer<'a> {
    gradients: &'a GradientsParams,
    width: usize,
    bytes: Vec<u8>,
    is_there: Vec<bool>,
}

impl ModuleVisitor for Writer<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let gradient = self.gradients.get::<D>(param.id);
        self.is_there.push(gradient.is_some());
        let Some(gradient) = gradient else {
            let n: usize = param.dims().iter().product();
            self.bytes.resize(self.bytes.len() + n * self.width, 0);
            return;
        };
        let data = gradient.into_data();
        match self.width {
            4 => self.bytes.extend_from_slice(data.convert::<f32>().as_bytes()),
            _ => self.bytes.extend_from_slice(data.convert::<f64>().as_bytes()),
        }
    }
}

struct Reader<'a> {
    width: usize,
    bytes: &'a [u8],
    is_there: std::slice::Iter<'a, bool>,
    gradients: GradientsParams,
}

impl ModuleVisitor for Reader<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !param.is_require_grad() {
            return;
        }
        let shape = param.dims();
        let (of_this, rest) = self.bytes.split_at(shape.iter().product::<usize>() * self.width);
        self.bytes = rest;
        if self.is_there.next() != Some(&true) {
            return;
        }
        let data = match self.width {
            4 => TensorData::new(singles(of_this).collect::<Vec<f32>>(), shape),
            _ => TensorData::new(doubles(of_this).collect::<Vec<f64>>(), shape),
        };
        let weights = param.val().inner();
        let (device, dtype) = (weights.device(), weights.dtype());
        let gradient = Tensor::<D>::from_data(data.convert_dtype(dtype), (&device, dtype));
        self.gradients.register(param.id, gradient);
    }
}

/// A sum of gradients, each times a weight.
pub(super) struct GradientSum {
    width: usize,
    numbers: Vec<f64>,
}

impl GradientSum {
    /// Adds the gradients in these bytes, as often as `weight` says.
    pub(super) fn add(&mut self, bytes: &[u8], weight: usize) {
        let weight = weight as f64;
        match self.width {
            4 => {
                self.numbers.iter_mut().zip(singles(bytes)).for_each(|(sum, x)| *sum += weight * f64::from(x))
            }
            _ => self.numbers.iter_mut().zip(doubles(bytes)).for_each(|(sum, x)| *sum += weight * x),
        }
    }

    /// The bytes of the sum over these weights.
    pub(super) fn mean(self, weights: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.numbers.len() * self.width];
        let means = self.numbers.into_iter().map(|sum| sum / weights as f64);
        match self.width {
            4 => means.zip(bytes.as_chunks_mut().0).for_each(|(mean, x)| *x = (mean as f32).to_ne_bytes()),
            _ => means.zip(bytes.as_chunks_mut().0).for_each(|(mean, x)| *x = mean.to_ne_bytes()),
        }
        bytes
    }
}

fn singles(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_ne_bytes(*bytes))
}

fn doubles(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from_ne_bytes(*bytes))
}
