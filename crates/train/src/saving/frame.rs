//! One frame of the film, as the bytes of its file: what the matrices are and do at a step.

use std::collections::HashMap;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use qkv_model::{Parameter, parameters};
use qkv_run::tensor_names::{
    ANSWERS, GRADIENT, MAPS, PROJECTIONS, SEAL, TABLES, TRACE_CONTEXT, TRACE_K, TRACE_Q, TRACE_SCALED,
    TRACE_SCORES, TRACE_SOURCE, TRACE_V, TRACE_X, UPDATE, split,
};
use qkv_run::{ProbeLabels, RunFolder, seal_frame};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::gradient_flow::GradientFlow;
use crate::error::TrainError;
use crate::measure::{LayerTrace, Probe};
use crate::model::{Layer, Model};
use crate::task::{Example, Task};
use crate::training::State;

/// Values of the projections, of their gradients, of the tables, of the maps, or of the traces: 1 MiB each. What is more
/// is kept with checkpoints only, so that the film of a run stays small beside the run.
pub(crate) const MAX_VALUES: usize = 1 << 18;

/// Examples with a trace: the page draws one of them.
const MAX_TRACED: usize = 1;

/// Makes frames in memory, without a run folder. [`Snapshots`](crate::Snapshots) writes them into one.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, TransformerConfig};
/// use qkv_train::{FrameMaker, Recipe, Reverse, Split, Trainer, draw};
///
/// let task = Reverse { seq_len: 4, n_symbols: 3 };
/// let device = Device::flex().autodiff();
/// let model = TransformerConfig::new(3, 4, 8).init(&Init::new(&device, 0))?;
/// let mut recipe = Recipe::default();
/// recipe.train.steps = 3;
/// let trained = Trainer::new(model, &task, recipe, &device)?.run()?;
/// let examples = vec![draw(&task, 0, Split::Test, 0)?];
/// let frame = FrameMaker::new(&task, examples, &device).frame(&trained.state)?;
/// let tensors = safetensors::SafeTensors::deserialize(&frame).expect("it is what a run folder has");
/// assert_eq!(tensors.tensor("blocks.0.attention.trace.q").expect("a trace").shape(), [1, 1, 4, 8]);
/// # Ok::<(), qkv_train::TrainError>(())
/// ```
pub struct FrameMaker<'a> {
    task: &'a dyn Task,
    examples: Vec<Example>,
    device: Device,
    /// The gradients of the update that leads to a step, and which step.
    flow: Option<(u64, GradientFlow)>,
}

/// A frame, and how many examples it has maps of.
pub(super) struct Frame {
    pub bytes: Vec<u8>,
    pub n_probes: usize,
}

impl<'a> FrameMaker<'a> {
    /// Looks at `examples` on `device`.
    pub fn new(task: &'a dyn Task, examples: Vec<Example>, device: &Device) -> Self {
        Self { task, examples, device: device.clone(), flow: None }
    }

    /// Keeps the gradients of the update of `state` for the frame after it, as an
    /// [`Observer`](crate::Observer::gradients) is given them. A frame of any other step has none.
    pub fn keep_gradients<M: Module>(&mut self, state: &State<M>, gradients: &GradientsParams) {
        self.flow = Some((state.step + 1, GradientFlow::before(&state.model, gradients, MAX_VALUES)));
    }

    /// The frame of `state`, a safetensors file; [`qkv_run`] has its format.
    ///
    /// # Errors
    /// If the model does not fit the task.
    pub fn frame<M: Model + Module>(&self, state: &State<M>) -> Result<Vec<u8>, TrainError> {
        Ok(self.frame_of(state, 1)?.bytes)
    }

    /// The same with the maps of at least so many examples, as far as a file has room for them.
    pub(super) fn frame_of<M: Model + Module>(
        &self,
        state: &State<M>,
        least_probes: usize,
    ) -> Result<Frame, TrainError> {
        let kept = Kept::of(&state.model);
        let mut flow = Vec::new();
        let of_step = self.flow.iter().filter(|(step, _)| *step == state.step);
        for watched in of_step.flat_map(|(_, flow)| &flow.matrices) {
            let Some(after) = kept.values_of(&watched.path) else { continue };
            if let Some(update) = watched.update(after) {
                flow.push(Named::vector(watched.path.clone() + UPDATE, update));
            }
            let name = watched.path.clone() + GRADIENT;
            flow.push(Named { name, shape: watched.shape.clone(), values: watched.gradient.clone() });
        }
        let mut tensors = kept.small_enough();
        tensors.extend(flow);
        let probes = self.probes(&state.model.valid(), least_probes)?;
        tensors.extend(maps(&probes));
        tensors.extend(traces(&probes));
        Ok(Frame { n_probes: probes.len(), bytes: bytes(&tensors, probes) })
    }

    fn probes<M: Model>(&self, model: &M, least_probes: usize) -> Result<Vec<Probe>, TrainError> {
        let of_layer = |layer: &Layer| {
            let sides = [layer.queries, layer.keys].map(|side| side.positions(self.task).len());
            layer.n_heads * sides[0] * sides[1]
        };
        let layers = model.layers();
        // A model that does not list its layers may have maps all the same.
        let all =
            if layers.is_empty() { self.task.seq_len().pow(2) } else { layers.iter().map(of_layer).sum() };
        let map_values = all.max(1);
        // Half of a frame is for everything else.
        let fits = (map_values * size_of::<f32>()) as u64 <= RunFolder::MAX_FRAME / 2;
        let least_probes = if fits { least_probes } else { 0 };
        let n_probes = (MAX_VALUES / map_values).max(least_probes).min(self.examples.len());
        // A trace has scores and scaled scores, of which each is as large as the maps.
        let n_traced = MAX_TRACED.min(MAX_VALUES / (2 * map_values));
        match &self.examples[..n_probes] {
            [] => Ok(Vec::new()),
            examples => Probe::several(model, self.task, examples, n_traced, &self.device),
        }
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

    /// The same tensor of several examples, one after the other; `None` where it is missing in one.
    fn stacked<const D: usize>(name: String, of_examples: &[Option<&Tensor<D>>]) -> Option<Self> {
        let shape = of_examples.first().copied().flatten()?.dims();
        let mut values = Vec::new();
        for tensor in of_examples {
            values.extend((*tensor)?.to_data().iter::<f32>());
        }
        Some(Self { name, shape: [&[of_examples.len()], shape.as_slice()].concat(), values })
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
        [self.projections, self.tables]
            .into_iter()
            .filter(|list| n_values(list) <= MAX_VALUES)
            .flatten()
            .collect()
    }
}

fn n_values(list: &[Named]) -> usize {
    list.iter().map(|tensor| tensor.values.len()).sum()
}

/// The path of a layer; a model that does not say where its layers stand has them numbered.
fn layer_path(probe: &Probe, layer: usize) -> String {
    probe.layers.get(layer).cloned().unwrap_or_else(|| format!("layers.{layer}"))
}

/// The maps of every layer, the probes one after the other.
fn maps(probes: &[Probe]) -> Vec<Named> {
    let Some(first) = probes.first() else { return Vec::new() };
    let map = |layer: usize| {
        let of_probes: Vec<_> = probes.iter().map(|probe| probe.weights.get(layer)).collect();
        Named::stacked(layer_path(first, layer) + MAPS, &of_probes)
    };
    (0..first.weights.len()).filter_map(map).collect()
}

/// The traces of every layer and the answers, the traced probes one after the other; none where they are too long for a
/// film.
fn traces(probes: &[Probe]) -> Vec<Named> {
    let traced: Vec<&Probe> = probes.iter().take_while(|probe| !probe.trace.is_empty()).collect();
    let Some(first) = traced.first() else { return Vec::new() };
    let mut all = Vec::new();
    for layer in 0..first.trace.len() {
        let path = layer_path(first, layer);
        let mut add = |name: &str, part: fn(&LayerTrace) -> Option<&Tensor<3>>| {
            let of_probes: Vec<_> = traced.iter().map(|probe| part(probe.trace.get(layer)?)).collect();
            all.extend(Named::stacked(path.clone() + name, &of_probes));
        };
        add(TRACE_Q, |trace| trace.q.as_ref());
        add(TRACE_K, |trace| trace.k.as_ref());
        add(TRACE_V, |trace| trace.v.as_ref());
        add(TRACE_SCORES, |trace| trace.scores.as_ref());
        add(TRACE_SCALED, |trace| trace.scaled.as_ref());
        add(TRACE_CONTEXT, |trace| trace.context.as_ref());
        let mut add_input = |name: &str, part: fn(&LayerTrace) -> Option<&Tensor<2>>| {
            let of_probes: Vec<_> = traced.iter().map(|probe| part(probe.trace.get(layer)?)).collect();
            all.extend(Named::stacked(path.clone() + name, &of_probes));
        };
        add_input(TRACE_X, |trace| trace.x.as_ref());
        add_input(TRACE_SOURCE, |trace| trace.source.as_ref());
    }
    let answers: Option<Vec<&[f32]>> = traced.iter().map(|probe| probe.answers.as_deref()).collect();
    if let Some(answers) = answers {
        let seq_len = first.labels.targets.len().max(1);
        let shape = vec![answers.len(), seq_len, answers[0].len() / seq_len];
        all.push(Named { name: ANSWERS.to_owned(), shape, values: answers.concat() });
    }
    if n_values(&all) <= MAX_VALUES { all } else { Vec::new() }
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
