//! What the T×T map costs: four bytes for every pair of positions, in every head, for every example.

use std::io::Write;
use std::time::Instant;

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::{Init, Mask, Mode, SelfAttentionConfig, Training};

use super::sheet::Sheet;

const D_MODEL: usize = 64;
/// Doubling four times shows the square; the last takes a second and half a gigabyte.
const MEASURED: [usize; 5] = [256, 512, 1024, 2048, 4096];
const COMPUTED: [usize; 3] = [16_384, 65_536, 131_072];

/// Runs attention on longer and longer sequences.
pub fn experiment<W: Write>(sheet: &mut Sheet<W>, device: &Device) -> Result<()> {
    sheet.rung("11. what T × T costs", "one head, one example, width 64, forward only")?;
    sheet.say("     T     T × T weights      q, k and v      seconds")?;
    let init = Init::new(device, 0);
    let layer = SelfAttentionConfig::new(D_MODEL, D_MODEL).init(&init)?;
    for seq_len in MEASURED {
        let x = init.normal("x", [1, seq_len, D_MODEL], 1.0, Training::Frozen).val();
        let started = Instant::now();
        let output = layer.forward_with_weights(x, &Mask::none(), Mode::Evaluate);
        let weights = output.weights.expect("the weights were asked for").into_data();
        let seconds = started.elapsed().as_secs_f64();
        let projections = 3 * seq_len * D_MODEL * size_of::<f32>();
        sheet.say(&line(seq_len, weights.as_bytes().len(), projections, &format!("{seconds:>8.3}")))?;
    }
    for seq_len in COMPUTED {
        let weights = seq_len * seq_len * size_of::<f32>();
        sheet.say(&line(seq_len, weights, 3 * seq_len * D_MODEL * size_of::<f32>(), "computed"))?;
    }
    sheet.say("the map grows with the square of T, everything else in proportion to it; training keeps several maps")?;
    Ok(())
}

fn line(seq_len: usize, weights: usize, projections: usize, seconds: &str) -> String {
    let mib = |bytes: usize| bytes as f64 / (1024.0 * 1024.0);
    format!("{seq_len:>6}    {:>10.2} MiB    {:>8.2} MiB     {seconds}", mib(weights), mib(projections))
}
