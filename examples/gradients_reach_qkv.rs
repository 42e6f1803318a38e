//! Back-propagation sends a gradient into W_Q, W_K and W_V, and it is the slope that nudging a weight shows.
//!
//! ```text
//! cargo run --release --example gradients_reach_qkv
//! ```
//! ends with `every slope agrees, and frozen matrices receive none`.

use anyhow::{Context, Result, ensure};
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use qkv_model::{Init, Mask, Mode, Projection, Projections, SelfAttention, SelfAttentionConfig, Training};

/// How far a weight is nudged; in double precision the slope is then good to about ten digits.
const NUDGE: f64 = 1e-5;

fn main() -> Result<()> {
    let init = Init::new(&Device::flex().autodiff(), 1).with_dtype(DType::F64);
    let x = init.normal("x", [1, 5, 4], 1.0, Training::Frozen).val();
    let mut config = SelfAttentionConfig::new(4, 3);
    let layer = config.init(&init)?;

    let grads = loss(&layer, &x).backward();
    for (name, matrix) in [("W_Q", &layer.w_q), ("W_K", &layer.w_k), ("W_V", &layer.w_v)] {
        let matrix = matrix.as_ref().context("learned matrices are there")?.val();
        let grad = matrix.grad(&grads).context("no gradient arrived")?;
        let of_first_weight = grad.clone().slice([0..1, 0..1]).into_scalar::<f64>();
        let norm = grad.powi_scalar(2).sum().into_scalar::<f64>().sqrt();

        let above = loss(&nudged(&layer, name, NUDGE), &x).into_scalar::<f64>();
        let below = loss(&nudged(&layer, name, -NUDGE), &x).into_scalar::<f64>();
        let slope = (above - below) / (2.0 * NUDGE);
        println!("{name}: ‖gradient‖ {norm:.4}   first entry {of_first_weight:+.8}   nudged {slope:+.8}");
        ensure!((slope - of_first_weight).abs() < 1e-8, "the slope of {name} is wrong");
    }

    config.projections = Projections::all(Projection::Frozen);
    let frozen = config.init(&init)?;
    let grads = loss(&frozen, &x.clone().require_grad()).backward();
    for matrix in [&frozen.w_q, &frozen.w_k, &frozen.w_v] {
        let matrix = matrix.as_ref().context("frozen matrices are there")?.val();
        ensure!(matrix.grad(&grads).is_none(), "a frozen matrix received a gradient");
    }
    println!("every slope agrees, and frozen matrices receive none");
    Ok(())
}

fn loss(layer: &SelfAttention, x: &Tensor<3>) -> Tensor<1> {
    layer.forward(x.clone(), &Mask::none(), Mode::Evaluate).powi_scalar(2).sum()
}

/// The same layer with the first weight of one matrix moved.
fn nudged(layer: &SelfAttention, name: &str, by: f64) -> SelfAttention {
    let mut layer = layer.clone();
    let matrix = match name {
        "W_Q" => &mut layer.w_q,
        "W_K" => &mut layer.w_k,
        _ => &mut layer.w_v,
    };
    if let Some(param) = matrix {
        let [rows, columns] = param.dims();
        let mut values: Vec<f64> = param.to_data().iter().collect();
        values[0] += by;
        let data = TensorData::new(values, [rows, columns]);
        *param = Param::from_tensor(Tensor::from_data(data, (&param.device(), DType::F64)));
    }
    layer
}
