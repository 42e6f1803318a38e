//! Fused attention against nested loops for random shapes and masks.

use proptest::prelude::*;
use qkv_kernels::{CausalAlign, Dropout, Softmax};

use super::check;
use super::naive::Case;
use crate::numbers::{N_CASES, Random, random_cases};

fn causal() -> impl Strategy<Value = Option<CausalAlign>> {
    prop_oneof![Just(None), Just(Some(CausalAlign::TopLeft)), Just(Some(CausalAlign::BottomRight))]
}

proptest! {
    #![proptest_config(random_cases(2 * N_CASES))]

    #[test]
    fn any_shape_and_any_masks_give_the_context_and_the_gradients(
        (batch, q_len, k_len) in (1_usize..3, 1_usize..90, 1_usize..200),
        (n_kv_heads, group) in (1_usize..3, 1_usize..3),
        (d_k, d_v) in (1_usize..40, 1_usize..40),
        causal in causal(),
        masks in 0_u32..32,
        seed in any::<u64>(),
    ) {
        let n_heads = n_kv_heads * group;
        let mut case = Case::new([batch, q_len, k_len], [n_heads, n_kv_heads], [d_k, d_v], 1.0);
        let mut random = Random::new(seed);
        case.causal = causal;
        if masks & 1 != 0 {
            case.lengths = Some((0..batch).map(|_| random.below(k_len + 1)).collect());
        }
        let full = [n_heads * q_len * k_len, q_len * k_len, k_len, 1];
        let broadcast = |random: &mut Random| full.map(|stride| if random.below(2) == 0 { 0 } else { stride });
        if masks & 2 != 0 {
            let hidden = (0..batch * full[0]).map(|_| random.below(4) == 0).collect();
            case.hidden = Some((hidden, broadcast(&mut random)));
        }
        if masks & 4 != 0 {
            case.bias = Some((random.normal(batch * full[0], 1.0), broadcast(&mut random)));
        }
        if masks & 8 != 0 {
            case.dropout = Some(Dropout { probability: 0.25, seed, step: 3, layer: 4, first_example: 0 });
        }
        if masks & 16 != 0 {
            case.softmax = Softmax::Quiet;
        }
        check(&case);
    }
}
