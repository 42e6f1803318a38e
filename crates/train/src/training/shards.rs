//! The batch of a step in shards: each gives its own gradient, on whichever process, and the mean of them is that of the
//! whole.

use std::collections::BTreeMap;
use std::ops::Range;

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::batch::Batch;
use super::finite::NotFinite;
use super::gradient_sum::Flat;
use super::observer::State;
use super::parts::Parts;
use super::step::{Backward, Numbers};
use crate::config::{Recipe, TrainConfig};
use crate::error::{Quantity, TrainError};
use crate::model::Model;
use crate::processes::{Alone, Processes, shared};
use crate::task::{Examples, Split, Task};

/// How the batches of a run are computed.
///
/// ```text
/// ∂L/∂w = 1/N Σ_s n_s · ∂L_s/∂w,   N = Σ_s n_s,   over the shards s with n_s targets and the loss L_s, in this order
/// ```
pub(super) struct Shards<'a> {
    pub(super) examples: Examples<'a>,
    pub(super) batch_size: usize,
    pub(super) n_shards: usize,
    pub(super) device: &'a Device,
    pub(super) processes: &'a dyn Processes,
}

impl<M: Model + Module> State<M> {
    /// Forward, loss and backward of the batch that comes next in a run on `task`, in the shards of the recipe. With
    /// [`update`](Self::update) and the factor of [`Parts::factor`] it is a step, bit for bit that of
    /// [`Trainer`](crate::Trainer), for a loop that goes on only when it is asked to.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use qkv_model::{Init, TransformerConfig};
    /// use qkv_train::{OptimizerState, Parts, Recipe, Reverse, State, Trainer};
    ///
    /// let (device, task) = (Device::flex().autodiff(), Reverse { seq_len: 4, n_symbols: 3 });
    /// let model = TransformerConfig::new(3, 4, 8).init(&Init::new(&device, 0))?;
    /// let parts = Parts::new(Recipe::default())?;
    /// let mut state = State { step: 0, model: model.clone(), optimizer: OptimizerState::default() };
    /// for _ in 0..10 {
    ///     let backward = state.backward_of_next(&task, &parts, &device)?;
    ///     let factor = parts.factor(state.step)?;
    ///     (state, _) = state.update(&parts, backward, factor)?;
    /// }
    /// let trained = Trainer::with_parts(model, &task, parts, &device)?.stop_after(Some(10)).run()?;
    /// let embedding = |state: &State<qkv_model::Transformer>| state.model.embedding.table.val().to_data();
    /// assert_eq!(embedding(&state), embedding(&trained.state));
    /// # Ok::<(), qkv_train::TrainError>(())
    /// ```
    ///
    /// # Errors
    /// As [`backward`](Self::backward), and if no example can be drawn or none has a target.
    pub fn backward_of_next(
        &self,
        task: &dyn Task,
        parts: &Parts,
        device: &Device,
    ) -> Result<Backward, TrainError> {
        let Recipe { seed, train: TrainConfig { batch_size, shards, .. }, .. } = parts.recipe;
        let examples = Examples { task, seed, split: Split::Train };
        Shards { examples, batch_size, n_shards: shards, device, processes: &Alone }.backward(self, parts)
    }
}

/// A shard without its gradient. Numbers stand as their bits.
#[derive(Default, Serialize, Deserialize)]
struct Shard {
    n_targets: usize,
    loss: u64,
    loss_parts: BTreeMap<String, u64>,
    /// Which parameters have a gradient.
    is_there: Vec<bool>,
}

impl Shards<'_> {
    /// Forward, loss and backward of the batch that `state` sees next.
    ///
    /// # Errors
    /// As [`State::backward`]; the same on every process where the loss is not finite. If a process is lost.
    pub(super) fn backward<M: Model + Module>(
        &self,
        state: &State<M>,
        parts: &Parts,
    ) -> Result<Backward, TrainError> {
        let first = state.step * self.batch_size as u64;
        if self.n_shards == 1 {
            let batch = Batch::draw(self.examples, first, self.batch_size, self.device)?;
            return state.backward(parts, &batch);
        }
        let (rank, size) = (self.processes.rank(), self.processes.size());
        let flat = Flat::of(&state.model);
        let mut sum = flat.sum(flat.part(rank, size));
        let mut total = Total { is_there: vec![false; flat.n_parameters()], ..Total::default() };
        // In each round every process has one shard, so that their order is that of the ranks, round by round.
        for round in 0..self.n_shards.div_ceil(size) {
            let (mine, bytes) = match round * size + rank {
                shard if shard < self.n_shards => {
                    self.shard(state, parts, &flat, first, self.range(shard))?
                }
                _ => (Shard::default(), Vec::new()),
            };
            let shards = shared(self.processes, mine)?;
            total.add(&shards).map_err(|loss| {
                let cause = NotFinite::search(&state.model, &state.optimizer, None);
                cause.unwrap_or(loss).after(state.step)
            })?;
            let gradients = self.processes.exchange(flat.cut(bytes, size))?;
            for (shard, gradients) in shards.iter().zip(&gradients) {
                sum.add(gradients, shard.n_targets);
            }
        }
        let n_targets = total.n_targets;
        if n_targets == 0 {
            return Err(TrainError::NoTargets { examples: self.batch_size });
        }
        let bytes = self.processes.gather(sum.mean(n_targets))?.concat();
        let gradients = flat.gradients(&state.model, &bytes, &total.is_there);
        let loss = total.loss / n_targets as f64;
        let loss_parts = total.loss_parts.into_iter();
        let loss_parts = loss_parts.map(|(name, (sum, weight))| (name, sum / weight as f64)).collect();
        Ok(Backward { loss, loss_parts, gradients })
    }

    /// Which examples of the batch a shard has: sizes differ by one at most.
    fn range(&self, shard: usize) -> Range<usize> {
        self.batch_size * shard / self.n_shards..self.batch_size * (shard + 1) / self.n_shards
    }

    /// A shard, and the bytes of its gradient; none where it asks for nothing, or its loss is not finite.
    fn shard<M: Model + Module>(
        &self,
        state: &State<M>,
        parts: &Parts,
        flat: &Flat,
        first: u64,
        range: Range<usize>,
    ) -> Result<(Shard, Vec<u8>), TrainError> {
        let first_example = range.start as u64;
        let batch = Batch::of(self.examples, first + first_example, range.len(), self.device)?;
        let n_targets = batch.n_targets();
        if n_targets == 0 {
            return Ok((Shard::default(), Vec::new()));
        }
        let numbers = Numbers::of(state.loss_of(parts, &batch, first_example)?)?;
        let loss = numbers.loss.to_bits();
        if !numbers.loss.is_finite() {
            return Ok((Shard { n_targets, loss, ..Shard::default() }, Vec::new()));
        }
        let Backward { loss_parts, gradients, .. } = numbers.backward(&state.model);
        let (bytes, is_there) = flat.bytes(&state.model, &gradients);
        let loss_parts = loss_parts.into_iter().map(|(name, number)| (name, number.to_bits())).collect();
        Ok((Shard { n_targets, loss, loss_parts, is_there }, bytes))
    }
}

/// The sums over shards, each with the weight of its number of targets.
#[derive(Default)]
struct Total {
    n_targets: usize,
    loss: f64,
    /// With the weights of the shards that have this part.
    loss_parts: BTreeMap<String, (f64, usize)>,
    is_there: Vec<bool>,
}

impl Total {
    /// # Errors
    /// The first loss that is not finite.
    fn add(&mut self, shards: &[Shard]) -> Result<(), NotFinite> {
        for Shard { n_targets, loss, loss_parts, is_there } in shards {
            let (weight, loss) = (*n_targets as f64, f64::from_bits(*loss));
            NotFinite::number(Quantity::Loss, loss).map_or(Ok(()), Err)?;
            self.n_targets += n_targets;
            self.loss += weight * loss;
            for (name, number) in loss_parts {
                let (sum, weights) = self.loss_parts.entry(name.clone()).or_default();
                *sum += weight * f64::from_bits(*number);
                *weights += n_targets;
            }
            for (all, one) in self.is_there.iter_mut().zip(is_there) {
                *all |= one;
            }
        }
        Ok(())
    }
}
