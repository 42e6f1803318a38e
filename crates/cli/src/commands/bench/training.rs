//! A full training step: batch to the device, forward, loss read back, backward, update.

use anyhow::Result;
use burn::tensor::{Device, Tensor, TensorData};
use qkv_model::random::{Purpose, stream};
use qkv_model::{Init, Parameter, Transformer, parameters};
use qkv_train::{AdamW, Batch, OptimizerConfig, OptimizerState, Parts, Recipe, State, TargetKind};
use rand::RngExt;

use super::temperature;
use super::workload::Workload;

/// Batches in turn, so that a step does not find its batch in the caches of the one before.
const POOL: usize = 8;

const SEED: u64 = 0;

/// The optimizer of the peers, too.
const ADAM_W: AdamW = AdamW { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.01 };

/// A model in training on random tokens.
pub struct Training {
    workload: Workload,
    device: Device,
    parts: Parts,
    /// Tokens and targets of each batch.
    pub pool: Vec<[Vec<i64>; 2]>,
    state: Option<State<Transformer>>,
}

impl Training {
    /// At its first step; the numbers depend on the workload alone.
    pub fn new(workload: Workload, device: &Device) -> Result<Self> {
        let device = device.clone().autodiff();
        let model = workload.config().init_with(&Init::new(&device, SEED), &temperature::catalog())?;
        let mut random = stream(SEED, Purpose::Examples, workload.label(), 0);
        let mut draw = || -> Vec<i64> {
            (0..workload.n_tokens()).map(|_| random.random_range(0..workload.vocab_size as i64)).collect()
        };
        let pool = (0..POOL).map(|_| [draw(), draw()]).collect();
        let optimizer = OptimizerConfig { lr: 1e-3, clip: 0.0, ..OptimizerConfig::new("adam-w", &ADAM_W) };
        let parts = Parts::new(Recipe { seed: SEED, optimizer, ..Recipe::default() })?;
        let state = State { step: 0, model, optimizer: OptimizerState::default() };
        Ok(Self { workload, device, parts, pool, state: Some(state) })
    }

    /// One step; returns its loss.
    pub fn step(&mut self) -> Result<f64> {
        let state = self.state.take().expect("a step that fails ends the measurement");
        let [tokens, targets] = &self.pool[state.step as usize % POOL];
        let Workload { batch, seq_len, .. } = self.workload;
        let n = tokens.len();
        let batch = Batch {
            tokens: Tensor::from_data(TensorData::new(tokens.clone(), [batch, seq_len, 1]), &self.device),
            targets: Tensor::from_data(TensorData::new(targets.clone(), [n]), &self.device),
            target_kind: TargetKind::Tokens,
            vectors: None,
            positions: Tensor::from_data(TensorData::new((0..n as i64).collect(), [n]), &self.device),
            targets_per_example: vec![seq_len; batch],
            largest_target: self.workload.vocab_size as u32 - 1,
        };
        let (state, outcome) = state.step(&self.parts, &batch, 1.0)?;
        self.state = Some(state);
        Ok(outcome.loss)
    }

    /// Every parameter as it is now.
    pub fn parameters(&self) -> Vec<Parameter> {
        parameters(&self.state.as_ref().expect("no step has failed").model)
    }
}
