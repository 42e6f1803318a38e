//! Back-propagation updates the three matrices: gradients and a short training, beside an autograd reference.

use anyhow::Result;
use burn::module::Param;
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::Tensor;
use qkv_inspect::counted;
use qkv_model::{Mask, Mode};

use super::comparison::Comparison;

/// Updates and losses of AdamW on the mean square of the context, from an autograd reference.
const LOSSES: [(usize, f64); 5] =
    [(0, 0.369_481_59), (1, 0.349_660_31), (2, 0.330_609_41), (9, 0.218_32), (99, 1.974_05e-5)];

/// Compares gradients.
pub fn gradients(page: &mut Comparison) -> Result<()> {
    page.step("7. back-propagation", "L = ½ Σ context²;  ∂L/∂W_Q, ∂L/∂W_K, ∂L/∂W_V of step 2")?;
    let layer = page.published.layer(&["v1_seed123"], 1)?;
    let x = page.published.inputs().require_grad();
    let context = layer.forward(x.clone(), &Mask::none(), Mode::Evaluate);
    let loss = context.powi_scalar(2).sum().mul_scalar(0.5);
    let expected = page.published.number("/v1_seed123_grads_of_half_sq_sum/loss");
    page.compare_number("L", loss.clone().into_scalar::<f64>(), expected)?;
    let grads = loss.backward();
    let matrices = [
        ("∂L/∂W_Q", "dW_query", &layer.w_q),
        ("∂L/∂W_K", "dW_key", &layer.w_k),
        ("∂L/∂W_V", "dW_value", &layer.w_v),
    ];
    for (name, key, matrix) in matrices {
        let matrix: &Param<Tensor<2>> = matrix.as_ref().expect("the layer has all three matrices");
        let ours = matrix.val().grad(&grads).expect("every matrix receives a gradient");
        page.compare(name, ours, &format!("/v1_seed123_grads_of_half_sq_sum/{key}"))?;
    }
    let ours = x.grad(&grads).expect("the input asked for a gradient");
    Ok(page.compare("∂L/∂x", ours, "/v1_seed123_grads_of_half_sq_sum/dX")?)
}

/// Compares losses.
pub fn training(page: &mut Comparison) -> Result<()> {
    let rule = "AdamW, rate 0.01, weight decay 0.1, pulls the context of step 2 to zero;\nits mean square after n updates";
    page.step("8. learning", rule)?;
    let mut layer = page.published.layer(&["v1_seed123"], 1)?;
    let config = AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(0.1);
    let mut optimizer = config.init();
    let (last, _) = LOSSES[LOSSES.len() - 1];
    for step in 0..=last {
        let context = layer.forward(page.published.inputs(), &Mask::none(), Mode::Evaluate);
        let loss = context.powi_scalar(2).mean();
        if let Some((_, expected)) = LOSSES.iter().find(|(known, _)| *known == step) {
            let name = format!("loss after {}", counted(step as u64, "update"));
            page.compare_number(&name, loss.clone().into_scalar::<f64>(), *expected)?;
        }
        let grads = GradientsParams::from_grads(loss.backward(), &layer);
        layer = optimizer.step(0.01, layer, grads);
    }
    Ok(())
}
