//! The cost of the T×T map: four bytes for every pair of positions, in every head, for every example, several times
//! over.

use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::{Init, Mask, Mode, SelfAttentionConfig, Training};

use super::comparison::Comparison;
use crate::session::memory;

const D_MODEL: usize = 64;
/// Doubling four times shows the square; the last takes about a second and half a gigabyte.
const MEASURED: [usize; 5] = [256, 512, 1024, 2048, 4096];
const COMPUTED: [usize; 3] = [16_384, 65_536, 131_072];

/// Trains one step of attention on longer and longer sequences.
pub fn experiment(page: &mut Comparison, device: &Device) -> Result<()> {
    page.step("11. what T × T costs", "one head, one example, width 64; one step forward and backward")?;
    page.line("     T    q, k and v    T × T weights    peak of the step    seconds")?;
    let init = Init::new(&device.clone().autodiff(), 0);
    let layer = SelfAttentionConfig::new(D_MODEL, D_MODEL).init(&init)?;
    for seq_len in MEASURED {
        let x = init.normal("x", [1, seq_len, D_MODEL], 1.0, Training::Frozen).val();
        let before = memory::resident_after_reset();
        let started = Instant::now();
        let output = layer.forward_with_weights(x, &Mask::none(), Mode::Evaluate);
        let weights = output.weights;
        let grads = output.output.powi_scalar(2).sum().backward();
        let seconds = started.elapsed().as_secs_f64();
        let peak = before.and_then(|before| Some(memory::peak()?.saturating_sub(before)));
        drop(grads);
        let n_bytes = weights.into_data().as_bytes().len();
        let peak = peak.map_or("unknown".to_owned(), mib);
        page.line(&line(seq_len, n_bytes, &peak, &format!("{seconds:.3}")))?;
    }
    for seq_len in COMPUTED {
        page.line(&line(seq_len, seq_len * seq_len * size_of::<f32>(), "not run", ""))?;
    }
    page.line("the map grows with the square of T, q, k and v in proportion to it;")?;
    page.line("a step keeps several maps at once")?;
    Ok(())
}

fn line(seq_len: usize, weights: usize, peak: &str, seconds: &str) -> String {
    let projections = mib(3 * seq_len * D_MODEL * size_of::<f32>());
    format!("{seq_len:>6}  {projections:>12}  {:>15}  {peak:>18}  {seconds:>9}", mib(weights))
}

fn mib(bytes: usize) -> String {
    format!("{:.2} MiB", bytes as f64 / (1024.0 * 1024.0))
}
