//! `qkv bench`: the time of full training steps, beside the fastest matrix product of the machine.
//!
//! Each workload runs in a process of its own, with a peak of memory and an allocator of its own.

mod export;
mod gemm;
mod long;
mod temperature;
mod timing;
mod training;
mod workload;
mod writing;

use std::io::Write;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::args::BenchArgs;
use crate::exit::usage;
use crate::output::stdout::Stdout;
use crate::session::device::Machine;
use crate::session::memory;
use long::LongAttention;
use timing::Timing;
use training::Training;
use workload::Kind;
use writing::Writing;

/// Above the columns of [`Figures::row`].
const HEADING: &str = "workload       threads  median ms   least ms       quartiles ms  steps    \
                       tokens/s  GFLOP/s  peak memory MB";

/// The figures of one workload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename = "bench")]
struct Figures {
    workload: String,
    /// As a run records it.
    device: String,
    threads: usize,
    median_ms: f64,
    min_ms: f64,
    /// A quarter of the steps took less, and a quarter more.
    quartiles_ms: [f64; 2],
    steps: usize,
    tokens_per_second: f64,
    gflops: f64,
    gemm_peak_gflops: f64,
    /// In units of 2²⁰ bytes; `null` on systems other than Linux.
    peak_rss_mb: Option<f64>,
    /// What the device holds after the steps, in the same units; `null` for one in host memory.
    device_memory_mb: Option<f64>,
}

pub fn run(args: &BenchArgs) -> Result<ExitCode> {
    if let Some(unknown) = args.workloads.iter().find(|name| Kind::find(name).is_none()) {
        let known = workload::names().collect::<Vec<_>>().join(", ");
        let others = workload::others();
        return Err(usage(format!("unknown workload `{unknown}`; there is {known}, {others}")));
    }
    if let [name] = &args.workloads[..] {
        return one(args, name);
    }
    if args.export.is_some() {
        return Err(usage("--export writes one workload; name it with --workload NAME"));
    }
    let names: Vec<String> =
        if args.workloads.is_empty() { workload::names().collect() } else { args.workloads.clone() };
    let out = &mut Stdout::new();
    if !args.json {
        writeln!(out, "{}", HEADING)?;
    }
    for name in names {
        let line = in_own_process(args, &name)?;
        match args.json {
            true => write!(out, "{line}")?,
            false => writeln!(out, "{}", serde_json::from_str::<Figures>(&line)?.row())?,
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn in_own_process(args: &BenchArgs, name: &str) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "--json", "--workload", name, "--device", &args.machine.device]);
    if let Some(threads) = args.machine.threads {
        command.args(["--threads", &threads.to_string()]);
    }
    let output = command.stderr(Stdio::inherit()).output()?;
    anyhow::ensure!(output.status.success(), "workload `{name}` failed: {}", output.status);
    String::from_utf8(output.stdout).context("a line of JSON")
}

fn one(args: &BenchArgs, name: &str) -> Result<ExitCode> {
    let Machine { device, name: device_name, .. } = args.machine.open()?;
    let kind = Kind::find(name).expect("the name was checked");
    if let Some(path) = &args.export {
        export::check(path)?;
        match kind {
            Kind::Training(workload) => export::training(workload, &device, path)?,
            Kind::Long { seq_len } => export::long(seq_len, &device, path)?,
            Kind::Writing { .. } => return Err(usage("--export has no form for a model that writes")),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let figures = measure(name, kind, (&device, device_name))?;
    let out = &mut Stdout::new();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string(&figures)?)?,
        false => writeln!(out, "{}\n{}", HEADING, figures.row())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(name: &str, kind: Kind, (device, device_name): (&Device, String)) -> Result<Figures> {
    let (timing, n_tokens, flops) = match kind {
        Kind::Training(workload) => {
            let mut training = Training::new(workload, device)?;
            (Timing::of(|| training.step().map(drop))?, workload.n_tokens(), workload.flops())
        }
        Kind::Long { seq_len } => {
            let attention = LongAttention::new(seq_len, device);
            (Timing::of(|| attention.timed_step())?, seq_len, attention.flops())
        }
        Kind::Writing { model, keeps } => {
            let writing = Writing::new(model, keeps, device)?;
            (Timing::of(|| writing.step())?, writing.n_tokens(), writing.flops())
        }
    };
    // Before the matrix product below, which has memory of its own.
    let mb = |bytes: u64| bytes as f64 / (1024.0 * 1024.0);
    let peak_rss_mb = memory::peak().map(|bytes| mb(bytes as u64));
    let device_memory_mb = device.memory_pool_usage().map(|usage| mb(usage.bytes_reserved));
    let median_ms = timing.quantile(0.5);
    let seconds = median_ms / 1e3;
    Ok(Figures {
        workload: name.to_owned(),
        device: device_name,
        threads: rayon::current_num_threads(),
        median_ms,
        min_ms: timing.quantile(0.0),
        quartiles_ms: [timing.quantile(0.25), timing.quantile(0.75)],
        steps: timing.n(),
        tokens_per_second: n_tokens as f64 / seconds,
        gflops: flops / seconds / 1e9,
        gemm_peak_gflops: gemm::peak_gflops(device),
        peak_rss_mb,
        device_memory_mb,
    })
}

impl Figures {
    fn row(&self) -> String {
        let Self { workload, threads, median_ms, min_ms, quartiles_ms: [low, high], steps, .. } = self;
        let share = 100.0 * self.gflops / self.gemm_peak_gflops;
        let memory = self.peak_rss_mb.map_or("?".to_owned(), |mb| format!("{mb:.0}"));
        let quartiles = format!("{low:.2}-{high:.2}");
        format!(
            "{workload:<14}{threads:>8}{median_ms:>11.2}{min_ms:>11.2}{quartiles:>19}{steps:>7}{:>12.0}{:>9.1}{share:>5.0}%{memory:>10}",
            self.tokens_per_second, self.gflops
        )
    }
}
