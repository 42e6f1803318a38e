//! The start of a run: its task, the shapes of W_Q, W_K and W_V, the number of parameters, and the slower layers.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use qkv_inspect::{counted, grouped};
use qkv_model::{Parameter, parameters};
use qkv_run::tensor_names::{W_K, W_Q, W_V};
use qkv_train::{AnyModel, Config, Layer, SettingsLeftOut, Task};

use crate::output::ink::{Ink, Inked};
use crate::output::text::format::shape;
use crate::output::text::wrap::{COLUMNS, wrapped};

/// A training before its first step.
pub struct Start<'a> {
    pub task: &'a dyn Task,
    pub model: &'a AnyModel,
    /// Its attention layers, each with what keeps its training from the fused kernels.
    pub layers: &'a [Layer],
    pub config: &'a Config,
    /// See [`Experiment::left_out`](qkv_train::Experiment::left_out).
    pub left_out: &'a [SettingsLeftOut],
    /// The run's folder.
    pub run: &'a Path,
}

/// Prints the task, the three matrices of every layer, and the number of parameters.
pub fn describe(out: &mut impl Inked, start: &Start) -> io::Result<()> {
    let Start { task, model, layers, config, left_out, run } = start;
    let parameters = parameters(*model);
    for (index, line) in
        wrapped(&task.summary(), COLUMNS - MARGIN - config.task.name.len() - 2).iter().enumerate()
    {
        let name = if index == 0 { format!("{}: ", config.task.name) } else { String::new() };
        heading(out, if index == 0 { "task" } else { "" })?;
        writeln!(out, "{name}{line}")?;
    }
    let titles = titles(layers);
    let widest = titles.iter().map(|title| title.chars().count() + 1).max().unwrap_or(0).max(MARGIN);
    for (title, place) in titles.iter().zip(*layers) {
        let of_layer = [(W_Q, Ink::Query), (W_K, Ink::Key), (W_V, Ink::Value)].map(|(name, ink)| {
            let path = format!("{}.{name}", place.path);
            let matrix = parameters.iter().find(|parameter| parameter.path == path);
            let matrix = matrix.map_or("identity".to_owned(), size);
            (ink, format!("{} {matrix}", name.to_uppercase()))
        });
        let n_heads = (Ink::Plain, counted(place.n_heads as u64, "head"));
        out.ink(Ink::Title, &format!("{title:<widest$}"))?;
        in_lines(out, widest, &[&of_layer[..], &[n_heads]].concat())?;
    }
    let all: usize = parameters.iter().map(n_values).sum();
    let learned: usize = parameters.iter().filter(|parameter| parameter.learned).map(n_values).sum();
    heading(out, "model")?;
    writeln!(out, "{}, {} of them learned", counted(all as u64, "parameter"), grouped(learned))?;
    for settings in *left_out {
        writeln!(out, "left out {settings}")?;
    }
    reference_layers(out, layers)?;
    if let Some(parent) = &config.parent {
        writeln!(out, "parent   {parent}")?;
    }
    heading(out, "run")?;
    writeln!(out, "{}, seed {}\n", run.display(), config.seed)
}

/// Columns of what a line is about.
const MARGIN: usize = 9;

fn heading(out: &mut impl Inked, what: &str) -> io::Result<()> {
    out.ink(Ink::Title, &format!("{what:<MARGIN$}"))
}

/// "layer 0", or "decoder.0.cross" where the model reads more than one sequence.
fn titles(layers: &[Layer]) -> Vec<String> {
    let title = |title: String| if title.parse::<usize>().is_ok() { format!("layer {title}") } else { title };
    Layer::titles(layers).into_iter().map(title).collect()
}

/// Pieces beside each other, in as many lines as they need, behind a margin.
fn in_lines(out: &mut impl Inked, margin: usize, pieces: &[(Ink, String)]) -> io::Result<()> {
    const GAP: usize = 3;
    let mut column = 0;
    for (ink, piece) in pieces {
        let width = piece.chars().count();
        if column > 0 && margin + column + GAP + width > COLUMNS {
            write!(out, "\n{:margin$}", "")?;
            column = 0;
        }
        let gap = if column > 0 { GAP } else { 0 };
        write!(out, "{:gap$}", "")?;
        out.ink(*ink, piece)?;
        column += gap + width;
    }
    writeln!(out)
}

/// The layers that the fused kernels do not compute, a line for each reason: at long sequences they are many times
/// slower.
fn reference_layers(out: &mut impl Write, layers: &[Layer]) -> io::Result<()> {
    let mut of_reason: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (title, layer) in Layer::titles(layers).into_iter().zip(layers) {
        if let Some(reason) = layer.reference_reason {
            of_reason.entry(reason).or_default().push(title);
        }
    }
    for (reason, titles) in of_reason {
        let noun = if titles.len() == 1 { "layer" } else { "layers" };
        let layers = format!("{noun} {}", titles.join(", "));
        writeln!(out, "slower   {layers}: the reference implementation of attention, because {reason}")?;
    }
    Ok(())
}

fn size(matrix: &Parameter) -> String {
    let frozen = if matrix.learned { "" } else { " frozen" };
    format!("{} = {}{frozen}", shape(&matrix.shape), grouped(n_values(matrix)))
}

fn n_values(parameter: &Parameter) -> usize {
    parameter.shape.iter().product()
}

#[cfg(test)]
mod tests {
    use super::*;

    use burn::tensor::Device;
    use qkv_train::{ConfigSource, Model, Registry, TrainError};

    #[test]
    fn what_was_set_for_other_names_is_shown_before_a_training() -> Result<(), TrainError> {
        let experiment = Registry::new().read(ConfigSource::Task("reverse"), &[] as &[&str])?;
        let (task, config) = (&*experiment.task, &experiment.config);
        let (model, run) = (&experiment.model(&Device::flex())?, Path::new("runs/reverse-1"));
        let text = |left_out: &[SettingsLeftOut]| {
            let mut out = Vec::new();
            describe(&mut out, &Start { task, model, layers: &model.layers(), config, left_out, run })
                .expect("a vector takes every write");
            String::from_utf8(out).expect("it is text")
        };
        let of = |place: &str, name: &str, settings: &[&str]| SettingsLeftOut {
            place: place.to_owned(),
            name: name.to_owned(),
            settings: settings.iter().map(|setting| (*setting).to_owned()).collect(),
        };
        let left_out = [
            of("model", "mine", &["model.d_model = 64", "model.mask = \"causal\""]),
            of("model.score", "dot", &["model.score.d_hidden = 3"]),
        ];
        let line = "\nleft out model.d_model = 64, model.mask = \"causal\": set for another model than `mine`\
                    \nleft out model.score.d_hidden = 3: set for another score than `dot`\n";
        assert!(text(&left_out).contains(line), "{}", text(&left_out));
        assert_eq!(text(&left_out).replace(line, "\n"), text(&[]));
        Ok(())
    }
}
