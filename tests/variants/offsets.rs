//! Positions of a part of a sequence are those that it has in the whole one.

use burn::tensor::{DType, Device, Tensor};
use qkv_model::{AnyPositions, Catalog, Choice, HeadShape, Init, Place, Positions};

use crate::support::backends::places;
use crate::support::numbers::{random_tensor, values};
use crate::support::panics::message;

const LEN: usize = 13;
const HEADS: usize = 3;
const D: usize = 4;

fn build((device, dtype): (&Device, DType), scheme: &str, place: Place) -> AnyPositions {
    let init = Init::new(device, 1).with_dtype(dtype);
    Catalog::default().build_positions(&Choice::new(scheme), &init, place).unwrap().unwrap()
}

const INPUT: Place = Place::Input { max_len: LEN, d_model: D };
const LAYER: Place = Place::Attention(HeadShape { n_heads: HEADS, d_k: D });

#[test]
fn vectors_are_those_of_their_positions() {
    for place in places() {
        for scheme in ["learned", "sinusoidal"] {
            let positions = build(place, scheme, INPUT);
            let x: Tensor<3> = random_tensor(place, "x", [2, LEN, D]);
            let whole = positions.embed(x.clone(), 0);
            for (first, n) in [(0, LEN), (0, 1), (4, 5), (LEN - 1, 1)] {
                let part = positions.embed(x.clone().narrow(1, first, n), first);
                assert_eq!(values(&part), values(&whole.clone().narrow(1, first, n)), "{scheme}");
            }
            let too_long = message(|| {
                positions.embed(x.clone().narrow(1, 0, 2), LEN - 1);
            });
            assert_eq!(too_long, "a sequence of 14 positions, but the model was built for 13");
        }
    }
}

#[test]
fn queries_and_keys_turn_as_far_as_in_the_whole_sequence() {
    for place in places() {
        let rope = build(place, "rope", LAYER);
        let [q, k] = ["q", "k"].map(|name| random_tensor::<4>(place, name, [2, HEADS, LEN, D]));
        let whole = rope.rotate(q.clone(), k.clone(), 0);
        for (first, n) in [(0, 1), (1, 1), (2, 7), (LEN - 1, 1)] {
            let [q, k] = [&q, &k].map(|x| x.clone().narrow(2, first, n));
            let parts = rope.rotate(q, k, first);
            for (part, whole) in parts.iter().zip(&whole) {
                assert_eq!(values(part), values(&whole.clone().narrow(2, first, n)));
            }
        }
        let nothing = random_tensor(place, "none", [2, HEADS, 0, D]);
        let [none, turned] = rope.rotate(nothing, k.clone().narrow(2, 5, 1), 5);
        assert_eq!(none.dims(), [2, HEADS, 0, D]);
        assert_eq!(values(&turned), values(&whole[1].clone().narrow(2, 5, 1)));
    }
}

#[test]
fn the_bias_of_the_last_queries_is_the_last_rows() {
    for place in places() {
        let alibi = build(place, "alibi", LAYER);
        // Growing by one key, as when a model writes, and by several.
        for (q_len, k_len) in (1..=LEN).map(|k_len| (1, k_len)).chain([(3, 5), (3, 6), (5, LEN), (1, 2)]) {
            let whole = alibi.bias(k_len, k_len).unwrap().narrow(2, k_len - q_len, q_len);
            let last = alibi.bias(q_len, k_len).unwrap();
            assert_eq!(last.dims(), [1, HEADS, q_len, k_len]);
            assert_eq!(values(&last), values(&whole), "{q_len} of {k_len}");
        }
        assert_eq!(alibi.bias(2, 0).unwrap().dims(), [1, HEADS, 2, 0]);
    }
}
