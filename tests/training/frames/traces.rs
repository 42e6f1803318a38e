//! The trace of a head has every product between its input and its context.

use qkv_inspect::{Film, Frame, HeadTrace, Matrix};

use super::{assert_close, experiment, films};

pub(super) fn product(left: &Matrix, right: &Matrix) -> Vec<f64> {
    let cell = |row: usize, column: usize| {
        (0..left.columns()).map(|i| left.at(row, i) * right.at(i, column)).sum::<f64>()
    };
    (0..left.rows())
        .flat_map(|row| (0..right.columns()).map(move |column| (row, column)))
        .map(|(r, c)| cell(r, c))
        .collect()
}

pub(super) fn transposed(matrix: &Matrix) -> Matrix {
    let cells = (0..matrix.columns()).flat_map(|column| (0..matrix.rows()).map(move |row| (row, column)));
    let values = cells.map(|(row, column)| matrix.at(row, column)).collect();
    Matrix::new(matrix.columns(), matrix.rows(), values).unwrap()
}

fn softmax(row: &[f64]) -> Vec<f64> {
    let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|x| (x - most).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|x| x / sum).collect()
}

/// What holds of every head, whatever the score; returns the parts of its trace.
pub(super) fn check_head(trace: &HeadTrace, map: &Matrix) -> [Matrix; 6] {
    let HeadTrace { q, k, v, scores, scaled, context } = trace.clone();
    let parts = [q, k, v, scores, scaled, context].map(Option::unwrap);
    let [_, _, v, _, scaled, context] = &parts;
    let weights: Vec<f64> = (0..scaled.rows()).flat_map(|row| softmax(scaled.row(row))).collect();
    assert_close(&weights, map.values());
    assert_close(context.values(), &product(map, v));
    parts
}

/// The traces of the first input in all frames, with the frame, the layer and the head.
fn heads(film: &Film) -> Vec<(&Frame, usize, usize, [Matrix; 6])> {
    let mut all = Vec::new();
    for frame in &film.frames {
        let probe = &frame.probes[0];
        for (layer, trace) in probe.traces.iter().enumerate() {
            for (head, parts) in trace.heads.iter().enumerate() {
                let map = probe.map(&trace.layer, head).unwrap();
                all.push((frame, layer, head, check_head(parts, &map.weights)));
            }
        }
    }
    assert!(!all.is_empty());
    all
}

#[test]
fn a_trace_has_every_product_of_a_head() {
    let cases = [
        (&["model.n_layers=2", "model.n_heads=3", "model.w_o=true"][..], 24, 2.0),
        (&["model.positions=rope", "model.d_k=6"], 4, 6.0_f64.sqrt()),
        (&["model.positions=alibi"], 4, 12.0_f64.sqrt()),
        (&["model.mask=causal", "model.score=dot"], 4, 1.0),
        (&["model.projections=none"], 4, 12.0_f64.sqrt()),
        (&["model.projections.w_q=none", "model.n_heads=2"], 8, 6.0_f64.sqrt()),
        (&["model.projections.w_k=frozen", "model.projections.w_v=none"], 4, 12.0_f64.sqrt()),
        (&["model.score=additive"], 4, 1.0),
    ];
    for (settings, n_traces, divisor) in cases {
        let (has, has_any) =
            (|setting| settings.contains(&setting), |part| settings.iter().any(|s| s.contains(part)));
        let [film, _] = films(&experiment(settings));
        let traces = heads(&film);
        assert_eq!(traces.len(), n_traces, "{settings:?}");
        for (frame, layer, head, [q, k, v, scores, scaled, _]) in &traces {
            let x = frame.probes[0].traces[*layer].x.as_ref().unwrap();
            if has("model.score=additive") {
                assert_eq!(scores, scaled);
            } else {
                assert_close(scores.values(), &product(q, &transposed(k)));
            }
            for (i, (scaled, score)) in scaled.values().iter().zip(scores.values()).enumerate() {
                let (query, key) = (i / 5, i % 5);
                let expected = match () {
                    () if has("model.mask=causal") && key > query => f64::NEG_INFINITY,
                    // One head has the slope 2⁻⁸.
                    () if has("model.positions=alibi") => {
                        score / divisor - query.abs_diff(key) as f64 / 256.0
                    }
                    () => score / divisor,
                };
                assert_close(&[*scaled], &[expected]);
            }
            match frame.layers.get(*layer).map(|layer| &layer.heads[*head]) {
                None => assert!(
                    has("model.projections=none") && [q, k, v].iter().all(|made| made.values() == x.values())
                ),
                Some(weights) => {
                    let is_there = |name| !settings.iter().any(|set| set.contains(&format!("{name}=none")));
                    let made = [("w_q", q, &weights.w_q), ("w_k", k, &weights.w_k), ("w_v", v, &weights.w_v)];
                    for (name, made, matrix) in made {
                        assert_eq!(matrix.is_some(), is_there(name), "{settings:?}: {name}");
                        let columns = *head * made.columns()..(*head + 1) * made.columns();
                        match matrix {
                            // Turned afterwards.
                            Some(_) if name != "w_v" && has_any("rope") => {}
                            Some(matrix) => assert_close(made.values(), &product(x, matrix)),
                            None => {
                                let part = |row: usize| columns.clone().map(move |column| x.at(row, column));
                                assert_eq!(made.values(), (0..x.rows()).flat_map(part).collect::<Vec<_>>());
                            }
                        }
                    }
                }
            }
        }
    }
}
