//! Watching W_Q, W_K and W_V learn: trains `reverse`, keeps frames of it, and writes the film of them.
//!
//! ```text
//! cargo run --release --example watch_it_learn
//! ```
//! ends with `attention found the mirror image after the loss had begun to fall`.

use anyhow::{Context, Result, ensure};
use burn::tensor::Device;
use qkv_inspect::{Film, FilmStrip, Frame};
use qkv_model::fused::prepare_process;
use qkv_run::{Existing, RunFolder};
use qkv_train::{Checkpoints, ConfigSource, EventLog, Registry, RunInfo, Snapshots, Split, Trainer, draw};

fn main() -> Result<()> {
    prepare_process(None)?;
    let path = std::env::temp_dir().join("qkv-watch-it-learn");
    train(&path)?;

    // From here on only the files count: no model, no tensors.
    let film = Film::read(&RunFolder::open(&path)?)?;
    println!("{}\n", film.story().join("\n"));
    println!("{:>5}  {:>6}  {:>16}  {:>22}", "step", "loss", "to the mirror", "‖d(loss)/dW_Q‖");
    for frame in film.frames.iter().filter(|frame| frame.step.is_multiple_of(20)) {
        let loss = frame.loss.map_or("–".to_owned(), |loss| format!("{loss:.3}"));
        let flow = frame.flows.iter().find(|flow| flow.matrix == "w_q");
        let gradient = flow.map_or("–".to_owned(), |flow| format!("{:.4}", flow.gradient));
        println!("{:>5}  {loss:>6}  {:>14.1} %  {gradient:>22}", frame.step, 100.0 * mirror(frame));
    }
    let (page, still) = (path.join("film.html"), path.join("film.png"));
    std::fs::write(&page, film.html(&[])?)?;
    std::fs::write(&still, FilmStrip::new(&film, 0, 0).context("there is a head")?.png()?)?;
    println!("\nopen {} in a browser; {} is for a slide", page.display(), still.display());

    let first = film.metrics.losses.values().next().context("the loss was logged")?;
    let fell = film.frames.iter().find(|frame| frame.loss.is_some_and(|loss| loss < 0.95 * first));
    let found = film.frames.iter().find(|frame| mirror(frame) > 0.5);
    let (fell, found) = (fell.context("the loss falls")?.step, found.context("attention finds it")?.step);
    ensure!(fell < found, "the loss fell at step {fell}, attention was there at {found}");
    println!("attention found the mirror image after the loss had begun to fall");
    Ok(())
}

/// A run like that of `qkv train`: the metrics, the checkpoints and the frames are three observers.
fn train(path: &std::path::Path) -> Result<()> {
    let device = Device::flex().autodiff();
    let registry = Registry::new();
    let settings = ["task.seq_len=8", "train.steps=300", "train.snapshot_every=10"];
    let experiment = registry.read(ConfigSource::Task("reverse"), &settings)?;
    let (model, task, config) = (experiment.model(&device)?, &*experiment.task, &experiment.config);

    let run = RunFolder::create(path, &config.to_toml(), Existing::Overwrite)?;
    let (task_name, steps) = (config.task.name.clone(), config.train.steps);
    let info = RunInfo { task: task_name, seed: config.seed, steps, environment: None };
    let mut log = EventLog::new(run.create_metrics()?, &run, &info);
    let mut checkpoints = Checkpoints::new(&run, config, task);
    let probe = draw(task, config.seed, Split::Test, 0)?;
    let mut frames = Snapshots::new(task, vec![probe], config.train.snapshot_every, &device, &run);

    let trainer = Trainer::new(model, task, config.recipe(), &device)?;
    trainer.observe(&mut frames).observe(&mut checkpoints).observe(&mut log).run()?;
    println!("{} frames in {:.0} ms\n", run.snapshots()?.len(), 1000.0 * frames.seconds());
    Ok(())
}

/// The share of attention that goes to the mirror image of the position: 1/8 where nothing is learned.
fn mirror(frame: &Frame) -> f64 {
    let map = frame.probes.first().and_then(|probe| probe.maps.first());
    let probe = frame.probes.first().map_or(&[][..], |probe| &probe.labels.tokens);
    map.and_then(|map| map.scores(probe).anti_diagonal).unwrap_or_default()
}
