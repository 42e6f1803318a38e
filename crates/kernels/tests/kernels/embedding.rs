//! Embedding against its definition, which it meets exactly.

use qkv_kernels::{embedding_backward, embedding_forward};

use crate::numbers::{Random, assert_independent_of_threads, at_every_level, convert, panic_message};

fn data(n: usize, vocab: usize, d: usize) -> (Vec<f32>, Vec<i64>, Vec<f32>) {
    let mut random = Random::new((n + vocab + d) as u64);
    let table = convert(&random.normal(vocab * d, 1.0));
    let ids = (0..n).map(|_| random.below(vocab) as i64).collect();
    (table, ids, convert(&random.normal(n * d, 1.0)))
}

#[test]
fn rows_are_picked_and_gradients_added_in_order() {
    for (n, vocab, d) in [(1, 1, 1), (7, 3, 5), (100, 65, 32), (1000, 10, 17), (33, 1000, 64), (0, 3, 4)] {
        let (table, ids, d_out) = data(n, vocab, d);
        let mut expected = vec![0.0; vocab * d];
        for (i, &id) in ids.iter().enumerate() {
            for c in 0..d {
                expected[id as usize * d + c] += d_out[i * d + c];
            }
        }
        at_every_level(|level| {
            let out = embedding_forward(&table, d, &ids);
            assert_eq!(out.len(), n * d);
            for (i, &id) in ids.iter().enumerate() {
                assert_eq!(out[i * d..][..d], table[id as usize * d..][..d]);
            }
            assert_eq!(
                embedding_backward(&ids, &d_out, [vocab, d]),
                expected,
                "{n} × {vocab} × {d} at {level:?}"
            );
        });
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for n in [53, 5003] {
        let (_, ids, d_out) = data(n, 65, 128);
        assert_independent_of_threads(|| embedding_backward(&ids, &d_out, [65, 128]));
    }
}

#[test]
fn an_id_outside_the_table_is_named_with_its_place() {
    for (id, expected) in [(-1, "ids[1] is -1, expected 0..3"), (6, "ids[1] is 6, expected 0..3")] {
        assert_eq!(panic_message(|| embedding_backward(&[0, id], &[0.0; 4], [3, 2])), expected);
        assert_eq!(panic_message(|| embedding_forward(&[0.0; 6], 2, &[0, id])), expected);
    }
}
