//! AdamW over all parameters at once, each number read and written once.
//!
//! The first of its two passes, the norm of all gradients, is [`global_norm`](crate::global_norm); what clipping makes
//! of it is a factor here, so no clipped gradient is ever written.

use std::sync::atomic::{AtomicBool, Ordering};

use pulp::{Simd, WithSimd};

use crate::parallel::{self, CHUNK};
use crate::simd::{Float, Level, Vector, width};

/// The numbers of AdamW for one step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// The rate that the schedule gives for this step.
    pub learning_rate: f64,
    /// Decay of the mean gradient; 0.9 as a rule.
    pub beta_1: f64,
    /// Decay of the mean squared gradient; 0.999 as a rule.
    pub beta_2: f64,
    /// Added to the root of the mean square; 1e-8 as a rule.
    pub epsilon: f64,
    /// Decay of the weights of those parameters that decay.
    pub weight_decay: f64,
    /// Number of this step; the first is 1.
    pub step: u64,
    /// What gradients are multiplied by before anything else: 1, or less where they are clipped.
    pub gradient_factor: f64,
}

/// One parameter with its gradient and its state, all of one length.
#[derive(Debug)]
pub struct AdamWParameter<'a, T> {
    /// What is trained.
    pub weights: &'a mut [T],
    /// Its gradient.
    pub gradient: &'a [T],
    /// Mean gradient; zeros before the first step.
    pub mean: &'a mut [T],
    /// Mean squared gradient; zeros before the first step.
    pub mean_square: &'a mut [T],
    /// Whether its weights decay.
    pub decay: Decay,
}

/// Whether the weights of a parameter decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// They shrink by `learning_rate · weight_decay` a step.
    On,
    /// They do not; usual for biases, norms and embeddings.
    Off,
}

/// Measured: nanoseconds for a number.
const NS_PER_NUMBER: f64 = 0.8;

impl AdamW {
    /// Updates all parameters ([Loshchilov and Hutter 2019](https://arxiv.org/abs/1711.05101), as PyTorch computes it).
    ///
    /// ```text
    /// g = gradient_factor · gradient
    /// w = w (1 - learning_rate · weight_decay)
    /// m = beta_1 m + (1 - beta_1) g            v = beta_2 v + (1 - beta_2) g²
    /// w = w - learning_rate / (1 - beta_1^step) · m / (√v / √(1 - beta_2^step) + epsilon)
    /// ```
    ///
    /// Returns whether every `w`, `m` and `v` is finite afterwards; they are tested in the registers that hold them.
    ///
    /// # Panics
    ///
    /// If the slices of a parameter differ in length, or the step is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use qkv_kernels::{AdamW, AdamWParameter, Decay};
    ///
    /// let adam_w = AdamW {
    ///     learning_rate: 0.1,
    ///     beta_1: 0.9,
    ///     beta_2: 0.999,
    ///     epsilon: 0.0,
    ///     weight_decay: 0.5,
    ///     step: 1,
    ///     gradient_factor: 1.0,
    /// };
    /// let (mut weights, gradient) = ([1.0_f64], [-3.0]);
    /// let (mut mean, mut mean_square) = ([0.0], [0.0]);
    /// let is_finite = adam_w.update([AdamWParameter {
    ///     weights: &mut weights,
    ///     gradient: &gradient,
    ///     mean: &mut mean,
    ///     mean_square: &mut mean_square,
    ///     decay: Decay::On,
    /// }]);
    /// assert!(is_finite);
    /// // The first step goes by the sign of the gradient alone: 1 · (1 - 0.05) + 0.1.
    /// assert!((weights[0] - 1.05).abs() < 1e-15);
    /// ```
    #[track_caller]
    pub fn update<'a, T: Float>(&self, parameters: impl IntoIterator<Item = AdamWParameter<'a, T>>) -> bool {
        assert!(self.step > 0, "the first step is number 1");
        let mut n_numbers = 0;
        let parameters: Vec<_> = parameters.into_iter().collect();
        for AdamWParameter { weights, gradient, mean, mean_square, .. } in &parameters {
            let lens = [gradient.len(), mean.len(), mean_square.len()];
            assert_eq!(
                lens,
                [weights.len(); 3],
                "gradient, mean and mean square are of the parameter's size"
            );
            n_numbers += weights.len();
        }
        let level = Level::current();
        let chunks = parameters.into_iter().flat_map(|parameter| {
            let AdamWParameter { weights, gradient, mean, mean_square, decay } = parameter;
            let chunks = weights.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
            let chunks = chunks.zip(mean.chunks_mut(CHUNK)).zip(mean_square.chunks_mut(CHUNK));
            chunks.map(move |(((weights, gradient), mean), mean_square)| AdamWParameter {
                weights,
                gradient,
                mean,
                mean_square,
                decay,
            })
        });
        let is_finite = AtomicBool::new(true);
        parallel::for_each(chunks, NS_PER_NUMBER * n_numbers as f64, |chunk| {
            if !level.dispatch(Chunk { adam_w: self, chunk }) {
                is_finite.store(false, Ordering::Relaxed);
            }
        });
        is_finite.into_inner()
    }
}

struct Chunk<'a, T> {
    adam_w: &'a AdamW,
    chunk: AdamWParameter<'a, T>,
}

impl<T: Float> WithSimd for Chunk<'_, T> {
    /// Whether all numbers that it has written are finite.
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let AdamW { learning_rate, beta_1, beta_2, epsilon, weight_decay, step, gradient_factor } =
            *self.adam_w;
        let AdamWParameter { weights, gradient, mean, mean_square, decay } = self.chunk;
        let step = step as f64;
        // What the formula multiplies by, computed in `f64` as PyTorch does.
        let splat = |value| Vector::<S, T>::splat(simd, T::from_f64(value));
        let gradient_factor = splat(gradient_factor);
        let keep = splat(match decay {
            Decay::On => 1.0 - learning_rate * weight_decay,
            Decay::Off => 1.0,
        });
        let [one_minus_beta_1, one_minus_beta_2] = [1.0 - beta_1, 1.0 - beta_2].map(splat);
        let step_size = splat(-learning_rate / (1.0 - beta_1.powf(step)));
        let root_correction = splat((1.0 - beta_2.powf(step)).sqrt());
        let [beta_2, epsilon] = [beta_2, epsilon].map(splat);
        let lanes = width::<S, T>();
        let vectors = weights.chunks_mut(lanes).zip(gradient.chunks(lanes));
        let vectors = vectors.zip(mean.chunks_mut(lanes)).zip(mean_square.chunks_mut(lanes));
        // Zero times a number is zero, but NaN if that is NaN or infinite, and NaN stays in a sum.
        let zero = splat(0.0);
        let mut zero_or_nan = zero;
        for (((weights, gradient), mean), mean_square) in vectors {
            let g = Vector::load(simd, gradient) * gradient_factor;
            let w = Vector::load(simd, weights) * keep;
            let m = Vector::load(simd, mean);
            // PyTorch's `lerp`: nothing is lost where the mean is large beside the gradient.
            let m = (g - m).mul_add(one_minus_beta_1, m);
            let v = Vector::load(simd, mean_square) * beta_2;
            let v = (g * g).mul_add(one_minus_beta_2, v);
            let denominator = v.sqrt() / root_correction + epsilon;
            (m / denominator).mul_add(step_size, w).store(weights);
            m.store(mean);
            v.store(mean_square);
            // Read back, because lanes beyond the end of a slice, 0 / epsilon, are no numbers of it.
            for x in [Vector::load(simd, weights), m, v] {
                zero_or_nan = x.mul_add(zero, zero_or_nan);
            }
        }
        zero_or_nan.sum() == T::ZERO
    }
}
