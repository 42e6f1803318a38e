//! What the script of a film's page draws.

use std::borrow::Cow;
use std::collections::BTreeMap;

use qkv_run::tensor_names::{W_K, W_O, W_Q, W_V, WATCHED};
use serde::Serialize;

use crate::error::NoGauge;
use crate::files::config::CheckpointConfig;
use crate::files::layer_kind::{LayerKey, LayerKind};
use crate::files::layers::{HeadWeights, LayerWeights};
use crate::film::frame::Frame;
use crate::film::frames::Film;
use crate::film::page::budget::{MAX_VALUES, Room};
use crate::film::page::log_data::LogData;
use crate::film::page::map_data::{ProbeData, probes};
use crate::film::page::matrix_data::MatrixData;
use crate::film::page::run_data::RunData;
use crate::heads::circuit::Circuit;
use crate::heads::embeddings::{Embeddings, StreamInput};
use crate::heads::gradients::GradientFlow;
use crate::matrix::dense::Matrix;
use crate::picture::label::clean_label;
use crate::picture::palette::PaletteStops;

#[derive(Serialize)]
pub(crate) struct PageData {
    title: String,
    frames: Vec<FrameData>,
    log: LogData,
    vocabulary: Vec<String>,
    palettes: PaletteStops,
    layers: Vec<LayerData>,
    probes: Vec<ProbeData>,
    run: RunData,
    /// What the page has no room for, in sentences.
    pub(crate) left_out: Vec<String>,
    /// Why there is no balanced gauge; none where there is one.
    no_gauge: Option<String>,
    /// Other runs beside this one.
    variants: Vec<VariantData>,
}

#[derive(Serialize)]
struct FrameData {
    step: u64,
    loss: Option<f64>,
    /// On held-out examples, when it was last measured.
    accuracy: Option<f64>,
    /// Right answers to the probe inputs at this very step, and how many are asked for.
    probe_answers: Option<[usize; 2]>,
}

#[derive(Serialize)]
struct LayerData {
    name: String,
    heads: Vec<HeadData>,
}

#[derive(Serialize)]
struct HeadData {
    /// As they were trained.
    raw: Vec<MatrixData>,
    /// W_Q and W_K in the balanced gauge, where there is one.
    balanced: Vec<MatrixData>,
    /// QK and OV through the embeddings.
    circuits: Vec<MatrixData>,
    flows: Vec<FlowData>,
}

/// What the updates asked of one matrix, frame by frame.
#[derive(Serialize)]
struct FlowData {
    name: String,
    gradient: Vec<Option<f64>>,
    update: Vec<Option<f64>>,
}

/// Another run: its frames, and the maps of its first probe input through all of them.
#[derive(Serialize)]
struct VariantData {
    title: String,
    frames: Vec<FrameData>,
    probes: Vec<ProbeData>,
}

impl PageData {
    pub(crate) fn new(film: &Film, others: &[Film]) -> Self {
        let variant = |other: &Film| VariantData {
            title: clean_label(&other.title),
            frames: frames(other),
            probes: first_probe(other, MAX_VALUES / others.len()),
        };
        let matrices = film.ends().map(drop).ok_or(NoGauge::NoCircuit);
        let room = Room::of(&film.frames);
        Self {
            title: clean_label(&film.title),
            frames: frames(film),
            log: LogData::new(film),
            vocabulary: film.config.vocabulary.iter().map(|label| clean_label(label)).collect(),
            palettes: PaletteStops::all(),
            layers: layers(film, &room),
            probes: probes(&film.frames, MAX_VALUES, room.traces),
            run: RunData::of(film),
            left_out: room.left_out,
            no_gauge: film.config.gauge_is_free().and(matrices).err().map(|reason| reason.to_string()),
            variants: others.iter().map(variant).collect(),
        }
    }
}

fn frames(film: &Film) -> Vec<FrameData> {
    let frame = |frame: &Frame| FrameData {
        step: frame.step,
        loss: frame.loss.filter(|loss| loss.is_finite()),
        accuracy: frame.accuracy(),
        probe_answers: frame.probe_answers(),
    };
    film.frames.iter().map(frame).collect()
}

/// The maps of the first probe input in all frames, in `max_values` cells.
fn first_probe(film: &Film, max_values: usize) -> Vec<ProbeData> {
    let frame =
        |frame: &Frame| Frame { probes: frame.probes.iter().take(1).cloned().collect(), ..Frame::default() };
    probes(&film.frames.iter().map(frame).collect::<Vec<_>>(), max_values, false)
}

/// Every layer with matrices or, where the run has no projections, with a map.
fn layers(film: &Film, room: &Room) -> Vec<LayerData> {
    let with_matrices = film.ends().map_or(&[][..], |[first, _]| &first.layers);
    let mut all: BTreeMap<LayerKey, (&str, usize)> = BTreeMap::new();
    for layer in with_matrices {
        all.insert(LayerKey::of(&layer.prefix), (&layer.prefix, layer.heads.len()));
    }
    let maps = film.frames.iter().flat_map(|frame| &frame.probes).flat_map(|probe| &probe.maps);
    for map in maps.filter(|_| film.config.has_no_projections()) {
        let (_, n_heads) = all.entry(LayerKey::of(&map.layer)).or_insert((&map.layer, 0));
        *n_heads = (*n_heads).max(map.head + 1);
    }
    let layer = |(name, n_heads): (&str, usize)| LayerData {
        name: name.to_owned(),
        heads: (0..n_heads).map(|head| head_data(film, room, name, [head, n_heads])).collect(),
    };
    all.into_values().map(layer).collect()
}

fn head_data<'a>(film: &'a Film, room: &Room, layer: &str, [head, n_heads]: [usize; 2]) -> HeadData {
    let find = |layers: &'a [LayerWeights]| -> Option<&'a HeadWeights> {
        layers.iter().find(|found| found.prefix == layer)?.heads.get(head)
    };
    let heads: Vec<Option<&HeadWeights>> = film.frames.iter().map(|frame| find(&frame.layers)).collect();
    let gradients: Vec<Option<&HeadWeights>> =
        film.frames.iter().map(|frame| find(&frame.gradients).filter(|_| room.gradients)).collect();
    let balanced = balanced(&heads, &film.config);
    let of_gauge = |name: &str| {
        let frames: Vec<Option<Cow<Matrix>>> =
            balanced.iter().map(|head| head.as_ref()?.matrix(name).map(Cow::Borrowed)).collect();
        MatrixData::of_matrices(&name.to_uppercase(), &frames, &[])
    };
    HeadData {
        raw: matrices(&heads, &gradients, &[W_Q, W_K, W_V, W_O]),
        balanced: [W_Q, W_K].into_iter().filter_map(of_gauge).collect(),
        circuits: circuits(film, layer, [head, n_heads]),
        flows: flows(film, layer, head, &heads),
    }
}

/// The balanced pairs, each aligned with that of the frame before.
fn balanced(heads: &[Option<&HeadWeights>], config: &CheckpointConfig) -> Vec<Option<HeadWeights>> {
    let mut all: Vec<Option<HeadWeights>> = Vec::new();
    for head in heads {
        let balanced = head.and_then(|head| head.balanced(config).ok());
        let before = all.iter().rev().flatten().next();
        let aligned = balanced.map(|head| before.map_or(head.clone(), |before| head.aligned_with(before)));
        all.push(aligned);
    }
    all
}

fn matrices(
    heads: &[Option<&HeadWeights>],
    gradients: &[Option<&HeadWeights>],
    names: &[&str],
) -> Vec<MatrixData> {
    let through_frames = |name: &&str| {
        let frames: Vec<Option<Cow<Matrix>>> =
            heads.iter().map(|head| head.as_ref()?.matrix(name).map(Cow::Borrowed)).collect();
        let gradients: Vec<Option<&Matrix>> =
            gradients.iter().map(|head| head.as_ref()?.matrix(name)).collect();
        MatrixData::of_matrices(&name.to_uppercase(), &frames, &gradients)
    };
    names.iter().filter_map(through_frames).collect()
}

fn circuits(film: &Film, layer: &str, [head, n_heads]: [usize; 2]) -> Vec<MatrixData> {
    let kind = LayerKind::of(layer);
    // What cross-attention reads is what the encoder made, not the vectors of tokens and positions.
    if !kind.reads_its_own_stream() {
        return Vec::new();
    }
    let all = |circuit: &dyn Fn(&LayerWeights, &Embeddings) -> Option<Circuit>| -> Vec<Option<Circuit>> {
        let of_frame = |frame: &Frame| {
            let layer = frame.layers.iter().find(|found| found.prefix == layer);
            let layer = layer.filter(|layer| head < layer.heads.len())?.with_identities(&film.config);
            circuit(&layer, &film.embeddings_of(kind, frame))
        };
        film.frames.iter().map(of_frame).collect()
    };
    let is_bare = matches!(film.config.absent(), [true, true, _]);
    // A constant in a row changes no attention.
    let qk = |input| {
        all(&|layer, embeddings| {
            let qk = layer.qk(head).filter(|_| !is_bare)?;
            Some(embeddings.full_qk(&qk, input, input).ok()??.centred())
        })
    };
    let without_projections = |input| -> Vec<Option<Circuit>> {
        let of_frame = |frame: &Frame| {
            let circuit = film.embeddings_of(kind, frame).without_projections(input, head, n_heads)?;
            is_bare.then(|| circuit.centred())
        };
        film.frames.iter().map(of_frame).collect()
    };
    let answers = answers(film);
    let ov = all(&|layer, embeddings| {
        let ov = layer.ov(head).filter(|_| kind.reaches_the_answer())?;
        let circuit = embeddings.full_ov(&ov, StreamInput::Token).ok()??;
        let fits = answers.last().is_some_and(|last| *last < circuit.columns());
        Some(if fits { circuit.with_columns(&answers) } else { circuit })
    });
    let (token, position) = (["query token", "key token"], ["query position", "key position"]);
    let of_circuits =
        |name, axes, circuits: Vec<Option<Circuit>>| MatrixData::of_circuits(name, axes, &circuits);
    let looks = [
        of_circuits("QK, token by token", token, qk(StreamInput::Token)),
        of_circuits("QK, position by position", position, qk(StreamInput::Position)),
        of_circuits("x xᵀ, token by token", token, without_projections(StreamInput::Token)),
        of_circuits("x xᵀ, position by position", position, without_projections(StreamInput::Position)),
    ];
    let writes = of_circuits("OV, token by token", ["seen token", "next token"], ov);
    looks.into_iter().flatten().chain(writes.map(|writes| writes.of_tokens(answers))).collect()
}

/// The tokens that are answers, where that is known and they are not all.
fn answers(film: &Film) -> Vec<usize> {
    let answers = film.task.iter().flat_map(|task| &task.answers).map(|token| *token as usize);
    let answers: Vec<usize> = answers.collect();
    if answers.len() < film.config.vocabulary.len() { answers } else { Vec::new() }
}

fn flows(film: &Film, layer: &str, head: usize, heads: &[Option<&HeadWeights>]) -> Vec<FlowData> {
    let of = |matrix: &'static str| {
        let here =
            |flow: &&GradientFlow| (flow.layer.as_str(), flow.head, flow.matrix) == (layer, head, matrix);
        let found: Vec<_> = film.frames.iter().map(|frame| frame.flows.iter().find(here)).collect();
        let is_there = heads.iter().flatten().any(|head| head.matrix(matrix).is_some());
        // Also where no frame has one: a page that goes on may get them later.
        (is_there || found.iter().any(Option::is_some)).then(|| FlowData {
            name: matrix.to_uppercase(),
            gradient: found.iter().map(|flow| Some((*flow)?.gradient)).collect(),
            update: found.iter().map(|flow| (*flow)?.update).collect(),
        })
    };
    WATCHED.into_iter().filter_map(of).collect()
}
