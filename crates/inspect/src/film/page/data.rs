//! What the script of a film's page draws.

use std::borrow::Cow;

use qkv_run::tensor_names::{W_K, W_O, W_Q, W_V, WATCHED};
use serde::Serialize;

use crate::error::NoGauge;
use crate::files::layers::{HeadWeights, LayerWeights};
use crate::film::frames::{Film, Frame};
use crate::film::page::budget::Room;
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
    /// The last map of the first probe of other runs, for comparison.
    variants: Vec<VariantData>,
}

#[derive(Serialize)]
struct FrameData {
    step: u64,
    loss: Option<f64>,
    accuracy: Option<f64>,
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

#[derive(Serialize)]
struct VariantData {
    title: String,
    probes: Vec<ProbeData>,
}

impl PageData {
    pub(crate) fn new(film: &Film, others: &[Film]) -> Self {
        let frame = |frame: &Frame| FrameData {
            step: frame.step,
            loss: frame.loss.filter(|loss| loss.is_finite()),
            accuracy: frame.accuracy(),
        };
        let variant =
            |other: &Film| VariantData { title: clean_label(&other.title), probes: last_probe(other) };
        let matrices = film.ends().map(drop).ok_or(NoGauge::NoCircuit);
        let room = Room::of(&film.frames);
        Self {
            title: clean_label(&film.title),
            frames: film.frames.iter().map(frame).collect(),
            log: LogData::new(film),
            vocabulary: film.config.vocabulary.iter().map(|label| clean_label(label)).collect(),
            palettes: PaletteStops::all(),
            layers: layers(film, &room),
            probes: probes(&film.frames, room.traces),
            run: RunData::of(film),
            left_out: room.left_out,
            no_gauge: film.config.gauge_is_free().and(matrices).err().map(|reason| reason.to_string()),
            variants: others.iter().map(variant).collect(),
        }
    }
}

/// The first probe of the last frame that has one.
fn last_probe(film: &Film) -> Vec<ProbeData> {
    let last = film.frames.iter().rev().find(|frame| !frame.probes.is_empty());
    let frame = last.map(|frame| Frame { probes: frame.probes[..1].to_vec(), ..Frame::default() });
    probes(frame.as_slice(), false)
}

fn layers(film: &Film, room: &Room) -> Vec<LayerData> {
    let Some([first, _]) = film.ends() else { return Vec::new() };
    let layer = |index: usize| LayerData {
        name: first.layers[index].prefix.clone(),
        heads: (0..first.layers[index].heads.len()).map(|head| head_data(film, room, index, head)).collect(),
    };
    (0..first.layers.len()).map(layer).collect()
}

fn head_data<'a>(film: &'a Film, room: &Room, layer: usize, head: usize) -> HeadData {
    let heads: Vec<Option<&HeadWeights>> =
        film.frames.iter().map(|frame| frame.layers.get(layer)?.heads.get(head)).collect();
    let balanced: Vec<Option<HeadWeights>> =
        heads.iter().map(|head| (*head)?.balanced(&film.config).ok()).collect();
    let balanced: Vec<Option<&HeadWeights>> = balanced.iter().map(Option::as_ref).collect();
    let name = film.ends().map_or("", |[first, _]| &first.layers[layer].prefix);
    let gradients = |frame: &'a Frame| -> Option<&'a HeadWeights> {
        let layer = frame.gradients.iter().filter(|_| room.gradients).find(|found| found.prefix == name);
        layer?.heads.get(head)
    };
    let gradients: Vec<Option<&HeadWeights>> = film.frames.iter().map(gradients).collect();
    HeadData {
        raw: matrices(&heads, &gradients, &[W_Q, W_K, W_V, W_O]),
        balanced: matrices(&balanced, &[], &[W_Q, W_K]),
        circuits: circuits(film, layer, head),
        flows: flows(film, layer, head),
    }
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

fn circuits(film: &Film, layer: usize, head: usize) -> Vec<MatrixData> {
    let all = |circuit: &dyn Fn(&LayerWeights, &Embeddings) -> Option<Circuit>| -> Vec<Option<Circuit>> {
        let of_frame = |frame: &Frame| {
            let layer = frame.layers.get(layer).filter(|layer| head < layer.heads.len());
            circuit(layer?, &frame.embeddings)
        };
        film.frames.iter().map(of_frame).collect()
    };
    let qk = |input| all(&|layer, embeddings| embeddings.full_qk(&layer.qk(head)?, input, input).ok()?);
    let ov = all(&|layer, embeddings| embeddings.full_ov(&layer.ov(head)?, StreamInput::Token).ok()?);
    [
        ("QK, token by token", ["query token", "key token"], qk(StreamInput::Token)),
        ("QK, position by position", ["query position", "key position"], qk(StreamInput::Position)),
        ("OV, token by token", ["seen token", "next token"], ov),
    ]
    .into_iter()
    .filter_map(|(name, axes, circuits)| MatrixData::of_circuits(name, axes, &circuits))
    .collect()
}

fn flows(film: &Film, layer: usize, head: usize) -> Vec<FlowData> {
    let Some([first, _]) = film.ends() else { return Vec::new() };
    let name = &first.layers[layer].prefix;
    let of = |matrix: &'static str| {
        let here = |flow: &&GradientFlow| (&flow.layer, flow.head, flow.matrix) == (name, head, matrix);
        let found: Vec<_> = film.frames.iter().map(|frame| frame.flows.iter().find(here)).collect();
        let is_there = first.layers[layer].matrix(head, matrix).is_some();
        // Also where no frame has one: a page that goes on may get them later.
        (is_there || found.iter().any(Option::is_some)).then(|| FlowData {
            name: matrix.to_uppercase(),
            gradient: found.iter().map(|flow| Some((*flow)?.gradient)).collect(),
            update: found.iter().map(|flow| (*flow)?.update).collect(),
        })
    };
    WATCHED.into_iter().filter_map(of).collect()
}
