//! How much memory a run takes, and the estimate of it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::sandbox::Sandbox;

/// An evaluation of a whole batch.
const SHORT: &str = "--steps 2 --quiet --set train.eval_examples=256";

/// A line of `/proc/ID/status`, in MiB; `None` after the end of the process.
fn status(id: u32, key: &str) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    Some(line.split_whitespace().nth(1)?.parse::<f64>().ok()? / 1024.0)
}

/// Until when a run is watched.
#[derive(Clone, Copy)]
enum Until {
    /// Its last checkpoint is saved; the 10,000 test examples after it would take minutes.
    Saved,
    End,
}

/// The largest resident set of a run, in MiB.
fn peak(sandbox: &Sandbox, settings: &str, until: Until) -> f64 {
    // Left by the run before.
    let _ = fs::remove_dir_all(sandbox.path("run"));
    let mut child = sandbox.command(&format!("train {SHORT} --out run {settings}")).spawn().unwrap();
    let saved = sandbox.path("run/checkpoints/step-00000002");
    let mut peak = 0.0_f64;
    while !(matches!(until, Until::Saved) && saved.exists()) {
        peak = status(child.id(), "VmHWM:").unwrap_or(0.0).max(peak);
        if let Some(end) = child.try_wait().unwrap() {
            assert!(end.success(), "{settings}");
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    child.wait().unwrap();
    peak
}

/// The estimate for a run, in MiB, from its refusal.
fn estimate(sandbox: &Sandbox, settings: &str) -> f64 {
    let refused = sandbox.qkv(&format!("train {SHORT} --out another --max-memory 1M {settings}"));
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    let together = refused.stderr.lines().find(|line| line.starts_with("  together ")).unwrap();
    together.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_estimate_is_that_of_the_measured_growth() {
    let sandbox = Sandbox::new();
    let of = |settings: &str| peak(&sandbox, &format!("reverse {settings}"), Until::Saved);
    let start = of("--set task.seq_len=4 --set model.d_model=4 --set train.batch_size=1");
    let shapes = [
        "--set task.seq_len=256 --set train.batch_size=32 --set model.d_model=128 --set model.n_heads=4 \
         --set model.n_layers=2 --set model.d_mlp=512 --set model.w_o=true",
        "--set task.seq_len=128 --set train.batch_size=64 --set model.d_model=64 --set model.n_heads=4 \
         --set model.dropout=0.1 --set model.attention=reference",
        "--set task.seq_len=2048 --set train.batch_size=8 --set model.d_model=64 --set train.eval_examples=4",
        "--set task.seq_len=128 --set train.batch_size=16 --set model.d_model=64 --set model.n_heads=16 \
         --set model.attention=reference",
        "--set task.seq_len=16 --set task.n_symbols=8000 --set train.batch_size=64 --set model.d_model=64",
        "--set task.seq_len=8 --set train.batch_size=2 --set model.d_model=512 --set model.n_layers=3 \
         --set model.d_mlp=2048",
        "--set task.seq_len=32 --set train.batch_size=64 --set model.d_model=64 --set model.n_heads=4 \
         --set model.score=additive",
        "--set task.seq_len=32 --set train.batch_size=64 --set model.d_model=64 --set model.n_heads=4 \
         --set model.n_layers=2 --set model.score=additive",
        "--set task.seq_len=256 --set train.batch_size=32 --set model.d_model=64 --set model.n_heads=4 \
         --set model.n_layers=2 --set model.d_mlp=512 --set model.activation=swiglu",
        "--set task.seq_len=128 --set train.batch_size=32 --set model.d_model=64 --set model.n_heads=4 \
         --set model.mask=causal --set model.softcap=30",
    ];
    let mut ratios = Vec::new();
    for shape in shapes {
        let (growth, estimate) = (of(shape) - start, estimate(&sandbox, &format!("reverse {shape}")));
        ratios.push(format!("{estimate:.0} for {growth:.0} MiB = {:.2}: {shape}", estimate / growth));
        assert!((0.8..2.0).contains(&(estimate / growth)), "{ratios:#?}");
    }
}

/// Text in which no pair of characters is more likely than another.
fn text(alphabet: impl Iterator<Item = char>, n_chars: usize) -> String {
    let alphabet: Vec<char> = alphabet.collect();
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        alphabet[(state >> 33) as usize % alphabet.len()]
    };
    (0..n_chars).map(|_| next()).collect()
}

/// Loading it takes less than the count models that are compared in the end.
#[test]
fn the_estimate_for_a_text_is_that_of_the_measured_growth() {
    let sandbox = Sandbox::new();
    sandbox.write("short.txt", text('a'..='z', 1000));
    sandbox.write("long.txt", text('a'..='z', 12_000_000));
    // Every pair of its characters is new.
    sandbox.write("chinese.txt", text('\u{4e00}'..'\u{53dc}', 1_000_000));
    let settings = |name| {
        format!(
            "chars --set task.text={name} --set task.seq_len=16 --set model.d_model=8 --set train.batch_size=2"
        )
    };
    let start = peak(&sandbox, &settings("short.txt"), Until::End);
    for name in ["long.txt", "chinese.txt"] {
        let growth = peak(&sandbox, &settings(name), Until::End) - start;
        let estimate = estimate(&sandbox, &settings(name));
        assert!((0.8..2.0).contains(&(estimate / growth)), "{name}: {estimate:.0} for {growth:.0} MiB");
    }
}

#[test]
fn a_run_that_needs_too_much_is_refused_with_the_terms_before_anything_is_created() {
    let sandbox = Sandbox::new();
    let refused = sandbox.qkv("train reverse --out run --max-memory 1.5MiB");
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    let terms =
        ["program", "parameters", "optimizer state", "gradients", "activations of a step", "evaluation"];
    for fragment in terms.iter().chain(&["frame of the film", "--max-memory", "MiB", "together"]) {
        assert!(refused.stderr.contains(fragment), "no `{fragment}` in {refused:#?}");
    }
    sandbox.write("sweep.toml", "[task]\nname = \"reverse\"\n[train]\nsteps = 1\n[sweep]\nseed = [0]\n");
    let refused = sandbox.qkv("sweep sweep.toml --out runs --max-memory 2M");
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert_eq!(sandbox.tree(".").len(), 1, "the sweep's file alone");
    sandbox.succeeds("train reverse --steps 1 --quiet --out run --max-memory 1G");
    for size in ["0", "-1G", "2X", "G"] {
        sandbox.refuses(&format!("train reverse --max-memory={size}"), &["--max-memory", size]);
    }
}

#[test]
fn a_model_that_is_too_large_is_refused_before_its_weights_are_drawn() {
    let sandbox = Sandbox::new();
    let started = Instant::now();
    let large = "--set model.d_model=8192 --set model.d_mlp=32768";
    let refused = sandbox.qkv(&format!("train reverse --out run --max-memory 2G {large}"));
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(refused.stderr.contains("that --max-memory allows"), "{refused:#?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert!(sandbox.tree(".").is_empty());
}

#[test]
fn without_an_option_the_limit_is_the_memory_that_is_available() {
    let sandbox = Sandbox::new();
    // More than a terabyte of activations.
    let large = "--set train.batch_size=1024 --set task.seq_len=1024 --set model.d_model=1024 --set model.n_layers=64";
    let refused = sandbox.qkv(&format!("train reverse --out run {large}"));
    assert_eq!(refused.code, Some(2), "{refused:#?}");
    assert!(
        refused.stderr.contains("that are available; --max-memory SIZE sets another limit"),
        "{refused:#?}"
    );
    assert!(sandbox.tree(".").is_empty());
}

#[test]
fn twenty_thousand_steps_take_no_more_memory_than_the_first_thousand() {
    let sandbox = Sandbox::new();
    let line = "train reverse --json --steps 20000 --out run --set task.seq_len=4 --set model.d_model=16 \
                --set model.n_heads=2 --set model.dropout=0.1 --set train.batch_size=2 --set train.snapshot_every=100 \
                --set train.checkpoint_every=250 --set train.eval_every=250";
    let mut child = sandbox.command(line).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let (mut n_steps, mut after_1000, mut most) = (0, 0.0, 0.0_f64);
    for _ in lines.filter(|line| line.contains("\"step\",")) {
        n_steps += 1;
        if n_steps >= 1000 && n_steps % 500 == 0 {
            let now = status(child.id(), "VmRSS:").unwrap_or(0.0);
            most = most.max(now);
            if n_steps == 1000 {
                after_1000 = now;
            }
        }
    }
    assert!(child.wait().unwrap().success());
    assert_eq!(n_steps, 20_000);
    assert!(
        after_1000 > 1.0 && most < 1.05 * after_1000,
        "{after_1000} MiB after 1,000 steps, then {most} MiB"
    );
}
