//! The film of a run: what the matrices are and do, every few steps, one small file each.

use std::collections::HashMap;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use qkv_model::{Parameter, parameters};
use qkv_run::tensor_names::{GRADIENT, MAPS, PROJECTIONS, SEAL, TABLES, UPDATE, split};
use qkv_run::{ProbeLabels, RunError, RunFolder, StepReport, seal_frame};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::gradient_flow::GradientFlow;
use crate::error::TrainError;
use crate::measure::Probe;
use crate::model::Model;
use crate::task::{Example, Task};
use crate::training::{Costs, Next, Observer, State};

/// Values of the projections, of the tables, or of the maps: 1 MiB each. What is more is kept with checkpoints only, so
/// that the film of a run stays small beside the run.
pub(crate) const MAX_VALUES: usize = 1 << 18;

/// Saves a frame of the film every few steps and at every checkpoint. The page of [`qkv_run`] has its format. A frame
/// that cannot be written ends the film, not the training.
pub struct Snapshots<'a> {
    task: &'a dyn Task,
    examples: Vec<Example>,
    every: u64,
    device: Device,
    run: RunFolder,
    /// The gradients of one step, and which.
    flow: (u64, GradientFlow),
    /// Step of the newest frame that has maps.
    mapped_at: Option<u64>,
    seconds: f64,
    /// Called with the first frame that cannot be written.
    warn: Box<dyn FnMut(&FilmEnd) + 'a>,
    end: Option<FilmEnd>,
}

/// A film that could not be written on; the training goes on without it.
#[derive(Debug)]
pub struct FilmEnd {
    /// Step of the first frame that is missing.
    pub step: u64,
    /// Why it could not be written.
    pub reason: RunError,
}

impl<'a> Snapshots<'a> {
    /// Looks at `examples`, at least one, on `device` every `every` steps; never if that is 0.
    pub fn new(
        task: &'a dyn Task,
        examples: Vec<Example>,
        every: u64,
        device: &Device,
        run: &RunFolder,
    ) -> Self {
        Self {
            task,
            examples,
            every,
            device: device.clone(),
            run: run.clone(),
            flow: Default::default(),
            mapped_at: None,
            seconds: 0.0,
            warn: Box::new(|_| {}),
            end: None,
        }
    }

    /// Calls `warn` once, where a frame cannot be written; the film ends before it.
    pub fn when_it_ends(self, warn: impl FnMut(&FilmEnd) + 'a) -> Self {
        Self { warn: Box::new(warn), ..self }
    }

    /// Where the film ended before the training, and why.
    pub fn end(&self) -> Option<&FilmEnd> {
        self.end.as_ref()
    }

    /// Time that was spent in it so far.
    pub fn seconds(&self) -> f64 {
        self.seconds
    }

    fn is_due(&self, step: u64) -> bool {
        self.end.is_none() && self.every > 0 && step.is_multiple_of(self.every)
    }

    fn take<M: Model + Module>(&mut self, state: &State<M>, least_probes: usize) -> Result<(), TrainError> {
        let kept = Kept::of(&state.model);
        let mut flow = Vec::new();
        let (of_step, gradients) = &self.flow;
        for watched in gradients.matrices.iter().filter(|_| *of_step == state.step) {
            let Some(after) = kept.values_of(&watched.path) else { continue };
            flow.push(Named::vector(watched.path.clone() + UPDATE, watched.update(after)));
            flow.push(Named::vector(watched.path.clone() + GRADIENT, watched.gradient.clone()));
        }
        let mut tensors = kept.small_enough();
        tensors.extend(flow);
        let n_heads: usize = state.model.layers().iter().map(|layer| layer.n_heads).sum();
        let map_values = n_heads.max(1) * self.task.seq_len().pow(2);
        // Half of a frame is for everything else.
        let fits = (map_values * size_of::<f32>()) as u64 <= RunFolder::MAX_FRAME / 2;
        let least_probes = if fits { least_probes } else { 0 };
        let n_probes = (MAX_VALUES / map_values).max(least_probes).min(self.examples.len());
        let probes = match &self.examples[..n_probes] {
            [] => Vec::new(),
            examples => Probe::several(&state.model.valid(), self.task, examples, &self.device)?,
        };
        tensors.extend(maps(&probes));
        if n_probes > 0 {
            self.mapped_at = Some(state.step);
        }
        if let Err(reason) = self.run.write_snapshot(state.step, &bytes(&tensors, probes)) {
            let end = self.end.insert(FilmEnd { step: state.step, reason });
            (self.warn)(end);
        }
        Ok(())
    }

    /// Runs `what` and counts its time.
    fn timed<T>(&mut self, what: impl FnOnce(&mut Self) -> T) -> T {
        let started = Instant::now();
        let result = what(self);
        self.seconds += started.elapsed().as_secs_f64();
        result
    }
}

impl<M: Model + Module> Observer<M> for Snapshots<'_> {
    /// The frame of a resumed step has what the update before it did, which no later process can see.
    fn start(&mut self, state: &State<M>) -> Result<(), TrainError> {
        let has_frame = self.run.snapshots().is_ok_and(|frames| frames.contains_key(&state.step));
        self.mapped_at = Some(state.step).filter(|&step| step > 0 && has_frame);
        Ok(())
    }

    fn gradients(&mut self, state: &State<M>, gradients: &GradientsParams) -> Result<(), TrainError> {
        if self.is_due(state.step + 1) {
            self.timed(|this| this.flow = (state.step + 1, GradientFlow::before(&state.model, gradients)));
        }
        Ok(())
    }

    fn step(&mut self, state: &State<M>, _report: &StepReport) -> Result<Next, TrainError> {
        if self.is_due(state.step) {
            self.timed(|this| this.take(state, 0))?;
        }
        Ok(Next::Continue)
    }

    fn checkpoint(&mut self, state: &State<M>) -> Result<(), TrainError> {
        if self.end.is_some() || self.every == 0 || self.mapped_at == Some(state.step) {
            return Ok(());
        }
        self.timed(|this| this.take(state, 1))
    }

    fn add_costs(&self, costs: &mut Costs) {
        costs.film_ended_at = self.end().map(|end| end.step);
        costs.snapshot_seconds = self.seconds;
    }
}

/// One tensor of the file.
struct Named {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Named {
    fn vector(name: String, values: Vec<f32>) -> Self {
        Self { name, shape: vec![values.len()], values }
    }
}

/// The parameters that a film shows.
#[derive(Default)]
struct Kept {
    projections: Vec<Named>,
    tables: Vec<Named>,
}

impl Kept {
    fn of<M: Module>(model: &M) -> Self {
        let mut kept = Self::default();
        for Parameter { path: name, shape, data, .. } in parameters(model) {
            let is_projection = PROJECTIONS.contains(&split(&name).1);
            let list = match is_projection {
                true => &mut kept.projections,
                false if TABLES.contains(&name.as_str()) => &mut kept.tables,
                false => continue,
            };
            list.push(Named { name, shape, values: data.iter().collect() });
        }
        kept
    }

    fn values_of(&self, path: &str) -> Option<&[f32]> {
        self.projections.iter().find(|tensor| tensor.name == path).map(|tensor| tensor.values.as_slice())
    }

    /// Of the two lists those that are not too long for a film.
    fn small_enough(self) -> Vec<Named> {
        let n_values = |list: &[Named]| list.iter().map(|tensor| tensor.values.len()).sum::<usize>();
        [self.projections, self.tables]
            .into_iter()
            .filter(|list| n_values(list) <= MAX_VALUES)
            .flatten()
            .collect()
    }
}

/// The maps of every layer, the probes one after the other.
fn maps(probes: &[Probe]) -> Vec<Named> {
    let Some(first) = probes.first() else { return Vec::new() };
    let map = |(layer, weights): (usize, &Tensor<3>)| {
        // A model that does not say where its layers stand has them numbered.
        let path = first.layers.get(layer).cloned().unwrap_or_else(|| format!("layers.{layer}"));
        let values =
            probes.iter().flat_map(|probe| probe.weights[layer].to_data().iter::<f32>().collect::<Vec<_>>());
        let shape = [&[probes.len()], weights.dims().as_slice()].concat();
        Named { name: path + MAPS, shape, values: values.collect() }
    };
    first.weights.iter().enumerate().map(map).collect()
}

/// The frame as a safetensors file.
fn bytes(tensors: &[Named], probes: Vec<Probe>) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|tensor| tensor.values.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(tensor, bytes)| {
        let view = TensorView::new(Dtype::F32, tensor.shape.clone(), bytes).expect("four bytes a value");
        (tensor.name.as_str(), view)
    });
    let seal = TensorView::new(Dtype::U8, vec![32], &[0; 32]).expect("a byte a value");
    let views = views.chain([(SEAL, seal)]);
    let labels: Vec<ProbeLabels> = probes.into_iter().map(|probe| probe.labels).collect();
    let metadata = HashMap::from([(ProbeLabels::KEY.to_owned(), ProbeLabels::to_metadata(&labels))]);
    let mut frame = safetensors::serialize(views, Some(metadata)).expect("a frame has few tensors");
    seal_frame(&mut frame);
    frame
}
