//! What a run was set to, as the script of a page writes shapes and formulas with it.

use std::collections::BTreeMap;

use qkv_run::tensor_names::{W_K, W_Q, W_V, WATCHED};
use serde::Serialize;

use crate::files::config::CheckpointConfig;
use crate::files::frames::trace::{HeadTrace, LayerTrace};
use crate::files::layer_kind::{LayerKey, LayerKind, block};
use crate::files::layers::LayerWeights;
use crate::film::frames::Film;
use crate::matrix::dense::Matrix;
use crate::picture::label::clean_label;

/// The only score whose scale is known from its name and its settings.
const SCALED_DOT: &str = "scaled-dot";

/// The run. What its files lack is `null`.
#[derive(Serialize)]
pub(crate) struct RunData {
    /// Name of the task.
    task: Option<String>,
    /// What the task asks for, in one line.
    sentence: Option<String>,
    /// The whole config, as TOML, but for the folder of a parent.
    config: String,
    d_model: Option<usize>,
    seq_len: Option<usize>,
    layers: Vec<RunLayer>,
    /// Scalars in the model, and those of them that are learned.
    n_parameters: Option<u64>,
    n_learned: Option<u64>,
}

/// An attention layer.
#[derive(Serialize)]
struct RunLayer {
    name: String,
    /// `encoder`, `decoder` or `cross` in a model of two sequences, and the number of its block there.
    kind: Option<&'static str>,
    block: Option<usize>,
    n_heads: usize,
    /// Width of queries and keys, and of values, of one head.
    d_k: Option<usize>,
    d_v: Option<usize>,
    /// The factor of a scaled dot product; `null` for any other score.
    scale: Option<f64>,
    score: Option<String>,
    positions: Option<String>,
    mask: Option<String>,
    /// What W_Q, W_K and W_V are, by their words in the config.
    projections: Option<[String; 3]>,
    /// Whether queries and keys are normalised before they meet.
    qk_norm: bool,
    /// Whether the projections have biases, as far as they are there.
    bias: bool,
    /// What the weights of a query add up to, by its name in the config.
    softmax: Option<String>,
}

/// What the frames of a film have of one layer.
#[derive(Clone, Copy, Default)]
struct Found<'a> {
    name: &'a str,
    weights: Option<&'a LayerWeights>,
    trace: Option<&'a LayerTrace>,
    n_heads: usize,
}

impl RunData {
    pub(crate) fn of(film: &Film) -> Self {
        let config = &film.config;
        let found = found(film);
        let width = |found: &Found| {
            let x = found.trace.and_then(|trace| trace.x.as_ref()).map(Matrix::columns);
            let of_layer = |layer: &LayerWeights| {
                WATCHED.into_iter().find_map(|name| layer.matrix(0, name).map(Matrix::rows))
            };
            x.or(found.weights.and_then(of_layer))
        };
        Self {
            task: config.task.as_deref().map(clean_label),
            sentence: film.task.as_ref().map(|task| clean_label(&task.summary)),
            config: config.handed_out(),
            d_model: config.setting("d_model").or_else(|| found.values().find_map(width)),
            seq_len: config.seq_len,
            layers: found.into_values().map(|found| found.layer(film)).collect(),
            n_parameters: film.metrics.parameters,
            n_learned: film.metrics.learned,
        }
    }
}

/// Every layer that has matrices, maps or a trace, as it is in the last frame with it.
fn found(film: &Film) -> BTreeMap<LayerKey, Found<'_>> {
    let mut all: BTreeMap<LayerKey, Found> = BTreeMap::new();
    for frame in &film.frames {
        for layer in &frame.layers {
            let found = all.entry(LayerKey::of(&layer.prefix)).or_default();
            *found =
                Found { name: &layer.prefix, weights: Some(layer), n_heads: layer.heads.len(), ..*found };
        }
        for map in frame.probes.iter().flat_map(|probe| &probe.maps) {
            let found = all.entry(LayerKey::of(&map.layer)).or_default();
            *found = Found { name: &map.layer, n_heads: found.n_heads.max(map.head + 1), ..*found };
        }
        for trace in frame.probes.iter().flat_map(|probe| &probe.traces) {
            let found = all.entry(LayerKey::of(&trace.layer)).or_default();
            let n_heads = found.n_heads.max(trace.heads.len());
            *found = Found { name: &trace.layer, trace: Some(trace), n_heads, ..*found };
        }
    }
    all
}

impl Found<'_> {
    fn layer(&self, film: &Film) -> RunLayer {
        let config = &film.config;
        let matrix = |name: &str| self.weights.and_then(|layer| layer.matrix(0, name)).map(Matrix::columns);
        let trace = |part: fn(&HeadTrace) -> Option<&Matrix>| {
            self.trace.and_then(|trace| trace.heads.first()).and_then(part).map(Matrix::columns)
        };
        let keys = matrix(W_Q).or_else(|| matrix(W_K)).or_else(|| trace(|head| head.q.as_ref()));
        let d_k = keys.or_else(|| config.setting("d_k"));
        let values = matrix(W_V).or_else(|| trace(|head| head.v.as_ref()));
        RunLayer {
            name: self.name.to_owned(),
            kind: LayerKind::of(self.name).name(),
            block: block(self.name),
            n_heads: self.n_heads,
            d_k,
            d_v: values.or_else(|| config.setting("d_v")),
            scale: match config.score.as_deref() {
                Some(SCALED_DOT) => config.scale().or(d_k.map(|d_k| 1.0 / (d_k as f64).sqrt())),
                _ => None,
            },
            score: config.score.as_deref().map(clean_label),
            positions: config.positions.as_deref().map(clean_label),
            mask: config.setting_name("mask"),
            projections: config.projections().map(|words| words.map(clean_label)),
            qk_norm: config.qk_norm,
            bias: config.settings.get("model.bias").is_some_and(|bias| bias == "true"),
            softmax: config.setting_name("softmax"),
        }
    }
}

impl CheckpointConfig {
    /// A number of the model.
    fn setting(&self, key: &str) -> Option<usize> {
        self.settings.get(&format!("model.{key}"))?.parse().ok()
    }

    /// The factor that was set for a scaled dot product; `None` where it follows from the width of the queries.
    pub(crate) fn scale(&self) -> Option<f64> {
        self.settings.get("model.score.scale")?.parse().ok()
    }

    /// The whole config, without places on the machine of the training: no folder of a parent, of a text its name alone.
    fn handed_out(&self) -> String {
        let Ok(mut config) = self.toml.parse::<toml::Table>() else { return self.toml.clone() };
        match without_places(&mut config) {
            true => toml::to_string(&config).expect("it was read from a table"),
            false => self.toml.clone(),
        }
    }

    /// The name of a part of the model, with or without settings of its own.
    fn setting_name(&self, key: &str) -> Option<String> {
        let of = |key: String| self.settings.get(&key).map(|name| clean_label(name));
        of(format!("model.{key}")).or_else(|| of(format!("model.{key}.name")))
    }
}

/// Takes the places on a machine out of a config, and out of those of its parents; whether there were any.
fn without_places(config: &mut toml::Table) -> bool {
    let text =
        config.get_mut("task").and_then(toml::Value::as_table_mut).and_then(|task| task.get_mut("text"));
    let named = text.is_some_and(|text| {
        // A run may come from another system.
        let name = text.as_str().and_then(|path| path.rsplit(['/', '\\']).next()).map(str::to_owned);
        let is_place = name.as_deref() != text.as_str();
        if let Some(name) = name {
            *text = toml::Value::String(name);
        }
        is_place
    });
    let parent = config.get_mut("parent").and_then(toml::Value::as_table_mut);
    let of_parent = parent.is_some_and(|parent| parent.remove("path").is_some() | without_places(parent));
    named || of_parent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::metrics::Metrics;
    use crate::fixtures::tensors;

    #[test]
    fn shapes_come_from_matrices_or_from_a_trace() -> Result<(), crate::InspectError> {
        let toml = "[task]\nname = \"sort\"\n[model]\nd_model = 3\nseq_len = 5\nn_heads = 2\nscore = \"scaled-dot\"\n\
                    mask = \"causal\"\npositions = {name = \"rope\", base = 7.0}\nprojections = \"none\"";
        let list = [
            ("b.10.w_v", &[3, 14][..], vec![1.0; 42]),
            ("b.2.trace.q", &[1, 2, 5, 4], vec![0.0; 40]),
            ("b.2.weights", &[1, 2, 5, 5], vec![0.2; 50]),
        ];
        let config = CheckpointConfig::of_toml(toml, &[])?;
        let film = Film::of_frames("x", config, Metrics::default(), [(0, tensors(&list, &[]))])?;
        let run = RunData::of(&film);
        assert_eq!((run.task.as_deref(), run.d_model, run.seq_len), (Some("sort"), Some(3), Some(5)));
        assert_eq!(run.config, toml);
        let layers: Vec<_> =
            run.layers.iter().map(|l| (l.name.as_str(), l.n_heads, l.d_k, l.d_v, l.scale)).collect();
        assert_eq!(layers, [("b.2", 2, Some(4), None, Some(0.5)), ("b.10", 2, None, Some(7), None)]);
        let named = run.layers[0].positions.as_deref().zip(run.layers[0].mask.as_deref());
        assert_eq!(named, Some(("rope", "causal")));
        assert_eq!(run.layers[1].projections, Some(["none"; 3].map(str::to_owned)));
        Ok(())
    }

    fn run_of(toml: &str) -> Result<RunData, crate::InspectError> {
        let list = [("b.w_q", &[3, 4][..], vec![1.0; 12]), ("b.w_k", &[3, 4], vec![1.0; 12])];
        let config = CheckpointConfig::of_toml(toml, &[])?;
        Ok(RunData::of(&Film::of_frames("x", config, Metrics::default(), [(0, tensors(&list, &[]))])?))
    }

    #[test]
    fn the_scale_is_that_of_the_config_and_only_a_scaled_dot_product_has_one()
    -> Result<(), crate::InspectError> {
        let scale = |score: &str| {
            Ok::<_, crate::InspectError>(run_of(&format!("[model]\nscore = {score}"))?.layers[0].scale)
        };
        assert_eq!(scale("\"scaled-dot\"")?, Some(0.5));
        assert_eq!(scale("{name = \"scaled-dot\", scale = 2.5}")?, Some(2.5));
        for other in ["\"dot\"", "\"additive\"", "{name = \"mine\", scale = 2.5}"] {
            assert_eq!(scale(other)?, None, "{other}");
        }
        Ok(())
    }

    #[test]
    fn a_layer_has_what_stands_between_its_matrices_and_its_weights() -> Result<(), crate::InspectError> {
        let facts = |toml: &str| {
            let layer = run_of(toml)?.layers.remove(0);
            Ok::<_, crate::InspectError>((layer.qk_norm, layer.bias, layer.softmax))
        };
        let all = facts("[model]\nqk_norm = true\nbias = true\nsoftmax = \"quiet\"")?;
        assert_eq!(all, (true, true, Some("quiet".to_owned())));
        assert_eq!(facts("[model]\nbias = false")?, (false, false, None));
        Ok(())
    }

    #[test]
    fn of_a_text_the_page_has_the_name_alone() -> Result<(), crate::InspectError> {
        for path in ["/home/me/texts/mine.txt", "C:\\\\me\\\\mine.txt"] {
            let toml = format!("[task]\nname = \"chars\"\ntext = \"{path}\"\n");
            let config = run_of(&toml)?.config;
            assert_eq!(config, "[task]\nname = \"chars\"\ntext = \"mine.txt\"\n");
        }
        let named = "[task]\ntext = \"mine.txt\" # here\n";
        assert_eq!(run_of(named)?.config, named);
        Ok(())
    }

    #[test]
    fn the_folder_of_a_parent_stays_where_it_is() -> Result<(), crate::InspectError> {
        let toml = "seed = 1\n[parent]\npath = \"/home/me/runs/a\"\nstep = 7\n";
        assert_eq!(run_of(toml)?.config, "seed = 1\n\n[parent]\nstep = 7\n");
        assert_eq!(run_of("seed = 1 # mine\n")?.config, "seed = 1 # mine\n");
        Ok(())
    }
}
