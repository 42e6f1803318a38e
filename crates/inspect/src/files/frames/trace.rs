//! What each attention layer computed of a probe input, as a frame of a run holds it.

use std::collections::BTreeMap;

use qkv_run::tensor_names::{
    ANSWERS, TRACE_CONTEXT, TRACE_K, TRACE_Q, TRACE_SCALED, TRACE_SCORES, TRACE_SOURCE, TRACE_V, TRACE_X,
};

use crate::error::InspectError;
use crate::files::config::Heads;
use crate::files::layer_kind::LayerKey;
use crate::files::layers::MAX_SHARED;
use crate::files::weights::Weights;
use crate::matrix::dense::Matrix;

/// What one attention layer computed of one input. What the layer did not show is `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerTrace {
    /// Name of the layer, such as `blocks.0.attention`.
    pub layer: String,
    /// The input of W_Q, W_K and W_V, `[q_len, d_model]`.
    pub x: Option<Matrix>,
    /// The input of W_K and W_V where that is another one, `[k_len, d_source]`.
    pub source: Option<Matrix>,
    /// Head by head.
    pub heads: Vec<HeadTrace>,
}

/// What one head computed of one input, named as in the paper.
///
/// ```text
/// scaled = scale · scores(q, k) + bias      weights = softmax(scaled)      context = weights v
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HeadTrace {
    /// Queries as they are compared, `[q_len, d_k]`.
    pub q: Option<Matrix>,
    /// Keys as they are compared, `[k_len, d_k]`.
    pub k: Option<Matrix>,
    /// Values, `[k_len, d_v]`.
    pub v: Option<Matrix>,
    /// Before scaling, `[q_len, k_len]`.
    pub scores: Option<Matrix>,
    /// After scaling, with what is added to them; minus infinity at hidden keys, `[q_len, k_len]`.
    pub scaled: Option<Matrix>,
    /// The values mixed by the weights, before W_O, `[q_len, d_v]`.
    pub context: Option<Matrix>,
}

/// A part of a head's trace: what stands behind the path of its layer, its axes, and its place.
struct Part {
    suffix: &'static str,
    axes: [&'static str; 2],
    is_shared: bool,
    place: fn(&mut HeadTrace) -> &mut Option<Matrix>,
}

/// Where the input of queries, or that of keys and values, stands in a trace.
type InputPlace = fn(&mut LayerTrace) -> &mut Option<Matrix>;

const PARTS: [Part; 6] = [
    Part { suffix: TRACE_Q, axes: ["query", "d_k"], is_shared: false, place: |head| &mut head.q },
    Part { suffix: TRACE_K, axes: ["key", "d_k"], is_shared: true, place: |head| &mut head.k },
    Part { suffix: TRACE_V, axes: ["key", "d_v"], is_shared: true, place: |head| &mut head.v },
    Part { suffix: TRACE_SCORES, axes: ["query", "key"], is_shared: false, place: |head| &mut head.scores },
    Part { suffix: TRACE_SCALED, axes: ["query", "key"], is_shared: false, place: |head| &mut head.scaled },
    Part { suffix: TRACE_CONTEXT, axes: ["query", "d_v"], is_shared: false, place: |head| &mut head.context },
];

/// The traces of a frame, for every traced example those of every layer in the order of computation.
///
/// # Errors
/// If such a tensor has other axes, or numbers of heads that do not fit.
pub(crate) fn traces(file: &Weights) -> Result<Vec<Vec<LayerTrace>>, InspectError> {
    let suffixes = || PARTS.iter().map(|part| part.suffix).chain([TRACE_X, TRACE_SOURCE]);
    let layers = file.names().filter_map(|name| suffixes().find_map(|suffix| name.strip_suffix(suffix)));
    let layers: BTreeMap<LayerKey, &str> = layers.map(|layer| (LayerKey::of(layer), layer)).collect();
    let mut examples: Vec<Vec<LayerTrace>> = Vec::new();
    for layer in layers.into_values() {
        for (index, trace) in of_layer(file, layer)?.into_iter().enumerate() {
            if index == examples.len() {
                examples.push(Vec::new());
            }
            examples[index].push(trace);
        }
    }
    Ok(examples)
}

/// The probability of each token as the answer at each position, for every traced example `[seq_len, vocab_size]`.
///
/// # Errors
/// If the tensor has other axes.
pub(crate) fn answers(file: &Weights) -> Result<Vec<Matrix>, InspectError> {
    match file.shape(ANSWERS) {
        Some(_) => matrices(file, ANSWERS, ["position", "answer"]),
        None => Ok(Vec::new()),
    }
}

/// One layer of every example.
fn of_layer(file: &Weights, layer: &str) -> Result<Vec<LayerTrace>, InspectError> {
    let mut traces: Vec<LayerTrace> = Vec::new();
    let make_room = |traces: &mut Vec<LayerTrace>, n_examples: usize| {
        let empty = || LayerTrace { layer: layer.to_owned(), ..LayerTrace::default() };
        traces.resize_with(traces.len().max(n_examples), empty);
    };
    let of_inputs: [(&str, InputPlace); 2] =
        [(TRACE_X, |trace| &mut trace.x), (TRACE_SOURCE, |trace| &mut trace.source)];
    for (suffix, place) in of_inputs {
        let name = format!("{layer}{suffix}");
        if file.shape(&name).is_none() {
            continue;
        }
        let inputs = matrices(file, &name, ["position", "d_model"])?;
        make_room(&mut traces, inputs.len());
        for (trace, input) in traces.iter_mut().zip(inputs) {
            *place(trace) = Some(input);
        }
    }
    let n_heads = PARTS.iter().filter(|part| !part.is_shared).find_map(|part| {
        let shape = file.shape(&format!("{layer}{}", part.suffix))?;
        Some(if let [_, n_heads, _, _] = *shape { n_heads } else { 0 })
    });
    for part in &PARTS {
        let name = format!("{layer}{}", part.suffix);
        if file.shape(&name).is_none() {
            continue;
        }
        let of_examples = of_heads(file, &name, part, n_heads)?;
        make_room(&mut traces, of_examples.len());
        for (LayerTrace { heads: found, .. }, heads) in traces.iter_mut().zip(of_examples) {
            found.resize_with(found.len().max(heads.len()), HeadTrace::default);
            for (head, matrix) in found.iter_mut().zip(heads) {
                *(part.place)(head) = Some(matrix);
            }
        }
    }
    Ok(traces)
}

/// Of every example the matrix of every query head.
fn of_heads(
    file: &Weights,
    name: &str,
    part: &Part,
    n_heads: Option<usize>,
) -> Result<Vec<Vec<Matrix>>, InspectError> {
    let tensor = file.tensor(name)?;
    let [_, n_found, rows, columns] = tensor.shape[..] else { return Err(wrong_shape(name, tensor.shape)) };
    if tensor.values.is_empty() {
        return Err(wrong_shape(name, tensor.shape));
    }
    let n_heads = n_heads.filter(|_| part.is_shared).unwrap_or(n_found);
    let heads = Heads { n_heads, n_kv_heads: n_found }.check()?;
    if (n_heads / n_found).saturating_mul(tensor.values.len()) > MAX_SHARED {
        return Err(InspectError::TooManyHeads { name: name.to_owned(), n_heads });
    }
    let of_example = |values: &[f64]| {
        let of_head = |head: usize| {
            let first = heads.kv_head(head) * rows * columns;
            let values = values[first..first + rows * columns].to_vec();
            Ok(Matrix::new(rows, columns, values)?.with_axes(part.axes[0], part.axes[1]))
        };
        (0..n_heads).map(of_head).collect()
    };
    tensor.values.chunks_exact(n_found * rows * columns).map(of_example).collect()
}

/// A tensor `[traced, rows, columns]`, example by example.
fn matrices(file: &Weights, name: &str, axes: [&'static str; 2]) -> Result<Vec<Matrix>, InspectError> {
    let tensor = file.tensor(name)?;
    let [_, rows, columns] = tensor.shape[..] else { return Err(wrong_shape(name, tensor.shape)) };
    if tensor.values.is_empty() {
        return Err(wrong_shape(name, tensor.shape));
    }
    let of_example =
        |values: &[f64]| Ok(Matrix::new(rows, columns, values.to_vec())?.with_axes(axes[0], axes[1]));
    tensor.values.chunks_exact(rows * columns).map(of_example).collect()
}

fn wrong_shape(name: &str, shape: Vec<usize>) -> InspectError {
    let expected = "4 axes of a trace, [traced, heads, rows, columns], 3 of its input and of answers";
    InspectError::WrongShape { name: name.to_owned(), shape, expected }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::weights;

    fn counted(shape: &[usize]) -> Vec<f32> {
        (0..shape.iter().product()).map(|i| i as f32).collect()
    }

    #[test]
    fn query_heads_of_a_group_share_keys_and_values() -> Result<(), InspectError> {
        let list = [
            ("b.10.trace.x", &[1, 3, 7][..]),
            ("b.2.trace.q", &[1, 4, 3, 2]),
            ("b.2.trace.k", &[1, 2, 5, 2]),
            ("b.2.trace.v", &[1, 2, 5, 3]),
            ("b.2.trace.scores", &[1, 4, 3, 5]),
            ("answers", &[1, 3, 11]),
        ];
        let list = list.map(|(name, shape)| (name, shape, counted(shape)));
        let file = weights(&list);
        let all = traces(&file)?;
        let [ref grouped, ref input] = all[0][..] else { panic!("two layers, got {all:?}") };
        assert_eq!((all.len(), grouped.layer.as_str(), input.layer.as_str()), (1, "b.2", "b.10"));
        assert_eq!(input.x.as_ref().map(Matrix::size), Some([3, 7]));
        let sizes = |of: fn(&HeadTrace) -> &Option<Matrix>| -> Vec<_> {
            grouped.heads.iter().map(|head| of(head).as_ref().map(|m| (m.size(), m.at(0, 1)))).collect()
        };
        // The tensors count their entries, 6, 10, 15 and 15 a head.
        assert_eq!(sizes(|head| &head.q), [1.0, 7.0, 13.0, 19.0].map(|first| Some(([3, 2], first))));
        assert_eq!(sizes(|head| &head.k), [1.0, 1.0, 11.0, 11.0].map(|first| Some(([5, 2], first))));
        assert_eq!(sizes(|head| &head.v), [1.0, 1.0, 16.0, 16.0].map(|first| Some(([5, 3], first))));
        assert_eq!(sizes(|head| &head.scores), [1.0, 16.0, 31.0, 46.0].map(|first| Some(([3, 5], first))));
        assert_eq!(sizes(|head| &head.context), [None; 4]);
        assert_eq!(answers(&file)?.iter().map(Matrix::size).collect::<Vec<_>>(), [[3, 11]]);
        Ok(())
    }

    #[test]
    fn a_trace_that_is_none_is_refused_before_it_costs_memory() {
        for (name, shape) in [
            ("a.trace.q", &[1, 2, 2][..]),
            ("a.trace.x", &[1, 0, 2]),
            ("a.trace.k", &[0, 1, 2, 2]),
            ("answers", &[2, 2]),
        ] {
            let file = weights(&[(name, shape, counted(shape))]);
            let error = traces(&file).err().or(answers(&file).err());
            assert!(matches!(error, Some(InspectError::WrongShape { .. })), "{name} {shape:?} {error:?}");
        }
        let (many, long) = (&[1, 20_000, 1, 1][..], &[1, 1, 1, 20_000][..]);
        let file = weights(&[("a.trace.q", many, counted(many)), ("a.trace.k", long, counted(long))]);
        assert!(matches!(traces(&file), Err(InspectError::TooManyHeads { .. })));
        let uneven = &[1, 3, 1, 1][..];
        let file =
            weights(&[("a.trace.q", &[1, 2, 1, 1], vec![0.0; 2]), ("a.trace.k", uneven, counted(uneven))]);
        assert!(matches!(traces(&file), Err(InspectError::GroupsDoNotDivide { .. })));
    }
}
