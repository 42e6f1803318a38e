//! A layer with kept keys and values gives what it gives for whole sequences.

use burn::tensor::kind::Basic;
use burn::tensor::{DType, Device, Int, Tensor};
use qkv_model::{
    Catalog, CausalAlign, Choice, CrossAttention, Init, KeyValueCache, Mask, Mode, SelfAttention,
    SelfAttentionConfig, Softmax,
};

use crate::support::backends::places;
use crate::support::layers::{additive, dot, scaled_dot};
use crate::support::numbers::{assert_close, bools, random_tensor, tensor, values};

const BATCH: usize = 2;
const D_IN: usize = 5;
const D_SOURCE: usize = 9;
const LEN: usize = 7;
const SOURCE_LEN: usize = 11;

/// Sums of at most a hundred terms of size one, in other orders.
fn rounding(dtype: DType) -> f64 {
    crate::support::backends::tolerance(dtype, 2e-6, 1e-14)
}

/// A layer of every kind: positions, scores, groups, and what else stands between queries and weights.
fn configs() -> Vec<SelfAttentionConfig> {
    let mut all = Vec::new();
    for positions in ["none", "rope", "alibi"] {
        for score in [dot(), scaled_dot(), additive(3)] {
            for (n_heads, n_kv_heads) in [(1, None), (4, None), (4, Some(2)), (4, Some(1))] {
                for is_plain in [true, false] {
                    all.push(SelfAttentionConfig {
                        d_v: 3,
                        d_out: (!is_plain).then_some(D_IN),
                        n_heads,
                        n_kv_heads,
                        bias: !is_plain,
                        positions: Choice::new(positions),
                        score: score.clone(),
                        qk_norm: !is_plain,
                        softcap: if is_plain { 0.0 } else { 2.0 },
                        softmax: if is_plain { Softmax::Standard } else { Softmax::Quiet },
                        ..SelfAttentionConfig::new(D_IN, 2)
                    });
                }
            }
        }
    }
    all
}

fn layer((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> SelfAttention {
    config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap()
}

fn cross((device, dtype): (&Device, DType), config: &SelfAttentionConfig) -> CrossAttention {
    let init = Init::new(device, 1).with_dtype(dtype);
    CrossAttention::new(config, D_SOURCE, &init, &Catalog::default()).unwrap()
}

/// Of a tensor over queries and keys, the part of the first `len` of both.
fn first<K: Basic>(x: Tensor<4, K>, len: usize) -> Tensor<4, K> {
    let [.., q_len, k_len] = x.dims();
    x.narrow(2, 0, len.min(q_len)).narrow(3, 0, len.min(k_len))
}

/// Masks of the first `len` positions, all of which hide what comes later.
fn masks((device, dtype): (&Device, DType), n_heads: usize, len: usize) -> Vec<Mask> {
    let causal = || Mask::causal(CausalAlign::TopLeft);
    let far: Vec<bool> = (0..LEN * LEN).map(|at| at / LEN > at % LEN + 2).collect();
    let keys: Vec<bool> = (0..BATCH * LEN).map(|at| at % 5 == 0).collect();
    let bias = random_tensor((device, dtype), "bias", [1, n_heads, LEN, LEN]);
    vec![
        causal(),
        Mask::causal(CausalAlign::BottomRight),
        causal().and(Mask::hidden(first(bools(device, &far, [1, 1, LEN, LEN]), len))),
        causal().and(Mask::hidden(first(bools(device, &keys, [BATCH, 1, 1, LEN]), len))),
        causal().and(Mask::bias(first(bias, len))),
        causal().and(Mask::padding(vec![len.min(4), len])),
    ]
}

/// The pieces in which a sequence is read.
const PIECES: [&[usize]; 4] = [&[1; LEN], &[LEN], &[3, 1, 1, 2], &[1, 4, 2]];

/// The output for `x`, read in these pieces, under mask number `which`.
fn in_pieces(layer: &SelfAttention, x: &Tensor<3>, which: usize, pieces: &[usize]) -> Tensor<3> {
    let (device, dtype) = (x.device(), x.dtype());
    let mut cache = KeyValueCache::default();
    let rows = pieces.iter().map(|&n| {
        let (first, len) = (cache.len(), cache.len() + n);
        let mask = &masks((&device, dtype), layer.n_heads(), len)[which];
        layer.forward_cached(x.clone().narrow(1, first, n), &mask.last_rows(n, len), &mut cache)
    });
    Tensor::cat(rows.collect(), 1)
}

#[test]
fn every_layer_gives_with_kept_keys_what_it_gives_for_the_whole_sequence() {
    for place @ (_, dtype) in places() {
        for config in configs() {
            let layer = layer(place, &config);
            assert!(layer.keeps_keys());
            let x = random_tensor(place, "x", [BATCH, LEN, D_IN]);
            for (which, mask) in masks(place, config.n_heads, LEN).iter().enumerate() {
                let whole = values(&layer.forward(x.clone(), mask, Mode::Evaluate));
                for pieces in PIECES {
                    let got = values(&in_pieces(&layer, &x, which, pieces));
                    assert_close(
                        &format!("{config:?}, mask {which}, {pieces:?}"),
                        &got,
                        &whole,
                        rounding(dtype),
                    );
                }
            }
        }
    }
}

#[test]
fn a_cross_attention_reads_its_source_once() {
    for place @ (device, dtype) in places() {
        for config in configs() {
            let cross = cross(place, &config);
            let x = random_tensor(place, "x", [BATCH, LEN, D_IN]);
            let source = random_tensor(place, "source", [BATCH, SOURCE_LEN, D_SOURCE]);
            let cache = cross.read(source.clone());
            assert_eq!(cache.len(), SOURCE_LEN);
            let shown: Vec<bool> =
                (0..LEN * SOURCE_LEN).map(|at| at % 3 > 0 && at / SOURCE_LEN != 2).collect();
            let of_queries = bools(device, &shown, [1, 1, LEN, SOURCE_LEN]);
            let masks = [
                [Mask::none(), Mask::none()],
                [Mask::padding(vec![4, SOURCE_LEN]), Mask::padding(vec![4, SOURCE_LEN])],
                [Mask::shown(of_queries.clone()), Mask::shown(of_queries.narrow(2, 3, 2))],
            ];
            for [mask, of_rows] in masks {
                // Queries stand at the end of the keys, so a bias depends on how many there are.
                if config.positions.name == "alibi" {
                    break;
                }
                let part = cross.forward_cached(x.clone().narrow(1, 3, 2), &cache, &of_rows, 3);
                let whole = cross.forward(x.clone(), source.clone(), &mask, Mode::Evaluate);
                let what = format!("{config:?}");
                assert_close(&what, &values(&part), &values(&whole.narrow(1, 3, 2)), rounding(dtype));
            }
            let so_far = cross.forward(x.clone().narrow(1, 0, 5), source, &Mask::none(), Mode::Evaluate);
            let part = cross.forward_cached(x.narrow(1, 3, 2), &cache, &Mask::none(), 3);
            let what = format!("{config:?}");
            assert_close(&what, &values(&part), &values(&so_far.narrow(1, 3, 2)), rounding(dtype));
        }
    }
}

#[test]
fn what_is_not_finite_reaches_the_queries_that_see_it() {
    for place in places() {
        for config in configs() {
            let layer = layer(place, &config);
            let mut numbers = values(&random_tensor(place, "x", [BATCH, LEN, D_IN]));
            // Position 2 of the first entry, and position 5 of the second, which is padding.
            numbers[2 * D_IN] = f64::NAN;
            numbers[(LEN + 5) * D_IN] = f64::INFINITY;
            let x = tensor(place, &numbers, [BATCH, LEN, D_IN]);
            let mask =
                |len: usize| Mask::causal(CausalAlign::TopLeft).and(Mask::padding(vec![len, len.min(5)]));
            let whole = values(&layer.forward(x.clone(), &mask(LEN), Mode::Evaluate));
            let mut cache = KeyValueCache::default();
            let rows = (0..LEN).map(|at| {
                let row = x.clone().narrow(1, at, 1);
                values(&layer.forward_cached(row, &mask(at + 1).last_rows(1, at + 1), &mut cache))
            });
            let rows: Vec<Vec<f64>> = rows.collect();
            let d_out = layer.d_out();
            for entry in 0..BATCH {
                for (at, row) in rows.iter().enumerate() {
                    let got = &row[entry * d_out..][..d_out];
                    let want = &whole[(entry * LEN + at) * d_out..][..d_out];
                    let is_nan = |x: &[f64]| x.iter().all(|x| x.is_nan());
                    assert_eq!(is_nan(got), is_nan(want), "{config:?}, {entry}, {at}");
                    assert_eq!(is_nan(got), entry == 0 && at >= 2, "{config:?}, {entry}, {at}");
                }
            }
        }
    }
}

#[test]
fn entries_that_are_selected_go_on_alone() {
    for place @ (device, dtype) in places() {
        let config = SelfAttentionConfig {
            n_heads: 2,
            positions: Choice::new("rope"),
            ..SelfAttentionConfig::new(D_IN, 4)
        };
        let layer = layer(place, &config);
        let x = random_tensor(place, "x", [3, LEN, D_IN]);
        let causal = Mask::causal(CausalAlign::TopLeft);
        let whole = layer.forward(x.clone(), &causal, Mode::Evaluate);
        let mut cache = KeyValueCache::default();
        layer.forward_cached(x.clone().narrow(1, 0, 4), &causal.last_rows(4, 4), &mut cache);
        let entries = Tensor::<1, Int>::from_data([2, 0], device);
        cache.select(&entries);
        assert_eq!(cache.keys_values().map(|[k, v]| [k.dims(), v.dims()]), Some([[2, 2, 4, 4]; 2]));
        let rest = x.select(0, entries.clone()).narrow(1, 4, 3);
        let rest = layer.forward_cached(rest, &causal.last_rows(3, LEN), &mut cache);
        let want = whole.select(0, entries).narrow(1, 4, 3);
        assert_close("rest", &values(&rest), &values(&want), rounding(dtype));
    }
}

#[test]
fn nothing_is_kept_of_nothing() {
    let place = places()[0];
    let layer = layer(place, &SelfAttentionConfig::new(D_IN, 2));
    let mut cache = KeyValueCache::default();
    assert!(cache.is_empty() && cache.keys_values().is_none());
    let nothing = || random_tensor::<3>(place, "x", [BATCH, 0, D_IN]);
    let none = layer.forward_cached(nothing(), &Mask::none(), &mut cache);
    assert_eq!(none.dims(), [BATCH, 0, 2]);
    let row = random_tensor(place, "x", [BATCH, 1, D_IN]);
    let first = layer.forward_cached(row.clone(), &Mask::none(), &mut cache);
    assert_close("first", &values(&first), &values(&layer.forward(row, &Mask::none(), Mode::Evaluate)), 1e-6);
    let none = layer.forward_cached(nothing(), &Mask::none(), &mut cache);
    assert_eq!((none.dims(), cache.len()), ([BATCH, 0, 2], 1));
}
