//! Why the scores are scaled: without `1/√d_k` the softmax saturates as `d_k` grows, and W_Q stops learning.

use anyhow::Result;
use burn::tensor::{Device, Tensor};
use qkv_model::{AttentionOutput, Choice, Init, Mask, Mode, SelfAttention, SelfAttentionConfig, Training};

use super::comparison::Comparison;
use super::saturation;

pub const SEQ_LEN: usize = 16;
const D_IN: usize = 16;
const D_V: usize = 16;
/// Random draws behind each figure; the medians then repeat to about a tenth.
pub const DRAWS: u64 = 100;
const WIDTHS: [usize; 7] = [1, 4, 16, 64, 256, 1024, 4096];

/// Over the draws: the median of the entropy, median and mean of the gradient's norm.
struct Row {
    entropy: f64,
    median: f64,
    mean: f64,
}

/// Measures entropy and gradient against `d_k`, with and without scaling.
pub fn experiment(page: &mut Comparison, device: &Device) -> Result<()> {
    let title = "10. why the scores are scaled";
    let what = format!(
        "{DRAWS} random draws a row: {SEQ_LEN} tokens, q and k of unit variance,\nL = ½ mean context² of one query"
    );
    page.step(title, &what)?;
    page.line("        entropy of the weights   ‖∂L/∂W_Q‖, median    ‖∂L/∂W_Q‖, mean")?;
    page.line("   d_k   × 1/√d_k  unscaled     × 1/√d_k  unscaled   × 1/√d_k  unscaled")?;
    let device = device.clone().autodiff();
    for d_k in WIDTHS {
        let [Row { entropy, median, mean }, unscaled] =
            [measure(&device, d_k, "scaled-dot")?, measure(&device, d_k, "dot")?];
        page.line(&format!(
            "{d_k:>6}   {entropy:>8.4}  {:>8.4}     {median:>8.1e}  {:>8.1e}   {mean:>8.1e}  {:>8.1e}",
            unscaled.entropy, unscaled.median, unscaled.mean
        ))?;
    }
    let uniform = (SEQ_LEN as f64).ln();
    page.line(&format!("entropy in nats: {uniform:.4} if a query attends to all keys alike, 0 to one"))?;
    page.line("at a small d_k the unscaled gradient is the larger one; at a large one the")?;
    page.line("typical query stops learning, and a few between two keys hold up the mean")?;
    saturation::weights(page, &device)?;
    saturation::trainings(page, &device)
}

/// Draws a layer and its input, and attends: all queries to all keys.
pub fn attend(
    device: &Device,
    d_k: usize,
    score: &str,
    draw: u64,
) -> Result<(SelfAttention, AttentionOutput)> {
    let init = Init::new(device, draw);
    let config =
        SelfAttentionConfig { d_v: D_V, score: Choice::new(score), ..SelfAttentionConfig::new(D_IN, d_k) };
    let mut layer = config.init(&init)?;
    // Unit variance of q and k: standard normal inputs, matrices of variance 1/d_in.
    let std = 1.0 / (D_IN as f64).sqrt();
    layer.w_q = Some(init.normal("w_q", [D_IN, d_k], std, Training::Learned));
    layer.w_k = Some(init.normal("w_k", [D_IN, d_k], std, Training::Learned));
    let x = init.normal("x", [1, SEQ_LEN, D_IN], 1.0, Training::Frozen).val();
    let output = layer.forward_with_weights(x, &Mask::none(), Mode::Evaluate);
    Ok((layer, output))
}

fn measure(device: &Device, d_k: usize, score: &str) -> Result<Row> {
    let mut entropies = Vec::new();
    let mut gradients = Vec::new();
    for draw in 0..DRAWS {
        let (layer, output) = attend(device, d_k, score, draw)?;
        entropies.push(entropy(output.weights));
        let of_one_query = output.output.slice([0..1, 0..1]);
        let grads = of_one_query.powi_scalar(2).mean().mul_scalar(0.5).backward();
        let w_q = layer.w_q.as_ref().expect("set above").val();
        let grad = w_q.grad(&grads).expect("W_Q receives a gradient");
        gradients.push(grad.powi_scalar(2).sum().into_scalar::<f64>().sqrt());
    }
    let mean = gradients.iter().sum::<f64>() / gradients.len() as f64;
    Ok(Row { entropy: median(entropies), median: median(gradients), mean })
}

/// Mean entropy of the rows, `-Σ w ln w`, in nats; `0 ln 0` counts as zero.
fn entropy(weights: Tensor<4>) -> f64 {
    let [_, _, q_len, _] = weights.dims();
    let sum: f64 = weights.into_data().iter::<f64>().filter(|&w| w > 0.0).map(|w| -w * w.ln()).sum();
    sum / q_len as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
