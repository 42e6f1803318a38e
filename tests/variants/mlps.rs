//! The three MLPs by hand.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};
use qkv_model::{Activation, Init, Mlp, TransformerConfig};

use crate::support::backends::{places, tolerance};
use crate::support::numbers::{assert_close, tensor, values};
use crate::support::parameters::paths;

/// One number in, two hidden ones, one out.
fn mlp((device, dtype): (&Device, DType), activation: Activation) -> Mlp {
    let place = (device, dtype);
    let config =
        TransformerConfig { activation: activation.into(), d_mlp: 2, ..TransformerConfig::new(2, 3, 1) };
    let model = config.init(&Init::new(device, 1).with_dtype(dtype)).unwrap();
    let mut mlp = model.blocks[0].mlp.clone().unwrap();
    let matrix = |values: [f64; 2], shape| Param::from_tensor(tensor(place, &values, shape));
    mlp.w_in = matrix([1.0, -1.0], [1, 2]);
    mlp.w_out = matrix([2.0, 3.0], [2, 1]);
    mlp.w_gate = mlp.w_gate.map(|_| matrix([2.0, 5.0], [1, 2]));
    mlp.b_in = mlp.b_in.map(|_| Param::from_tensor(tensor(place, &[0.0, 1.0], [2])));
    mlp.b_out = mlp.b_out.map(|_| Param::from_tensor(tensor(place, &[0.5], [1])));
    mlp
}

#[track_caller]
fn check(activation: Activation, x: &[f64], want: &[f64]) {
    for place @ (_, dtype) in places() {
        let x: Tensor<3> = tensor(place, x, [1, x.len(), 1]);
        let got = mlp(place, activation).forward(x);
        assert_close(&format!("{activation:?}"), &values(&got), want, tolerance(dtype, 1e-6, 1e-13));
    }
}

#[test]
fn relu_passes_what_is_positive() {
    // x = 2: hidden (2, -1) is cut to (2, 0), so 2·2 + 0.5. x = -3: (-3, 4) is cut to (0, 4), so 3·4 + 0.5.
    check(Activation::Relu, &[2.0, -3.0], &[4.5, 12.5]);
}

#[test]
fn gelu_weighs_by_the_normal_distribution() {
    // Φ(1) = 0.8413447460685429 and Φ(2) = 0.9772498680518208. x = 1: hidden (1, 0), so 2 Φ(1) + 0.5.
    // x = -1: hidden (-1, 2), so -2 (1 - Φ(1)) + 3 · 2 Φ(2) + 0.5.
    let (one, two) = (0.841_344_746_068_542_9, 0.977_249_868_051_820_8);
    check(Activation::Gelu, &[1.0, -1.0], &[2.0 * one + 0.5, 2.0 * one - 2.0 + 6.0 * two + 0.5]);
}

#[test]
fn swiglu_gates_a_second_map_by_the_first() {
    // At x = ln 3, σ(x) = 3/4 and σ(-x) = 1/4: the first map, (x, -x), becomes (3x/4, -x/4), times the second, (2x,
    // 5x): (3x²/2, -5x²/4). Out of it, 2 · 3x²/2 - 3 · 5x²/4 = -3x²/4. At -x: (-x/4, 3x/4) times (-2x, -5x), so 2 ·
    // x²/2 - 3 · 15x²/4 = -41x²/4.
    let x = 3_f64.ln();
    check(Activation::Swiglu, &[x, -x], &[-0.75 * x * x, -10.25 * x * x]);
}

#[test]
fn only_swiglu_has_a_gate_and_it_has_no_biases() {
    for place in places() {
        let paths = |activation| paths(&mlp(place, activation));
        assert_eq!(paths(Activation::Gelu), ["w_in", "b_in", "w_out", "b_out"]);
        assert_eq!(paths(Activation::Relu), ["w_in", "b_in", "w_out", "b_out"]);
        assert_eq!(paths(Activation::Swiglu), ["w_in", "w_gate", "w_out"]);
    }
}
