//! What the scale is for, as pictures: weights with and without it, and two trainings.

use anyhow::Result;
use burn::tensor::Device;
use qkv_train::{ConfigSource, Next, Observer, Registry, State, StepReport, TrainError, Trainer};

use super::comparison::Comparison;
use super::scaling::{DRAWS, SEQ_LEN, attend};
use crate::output::ink::Ink;
use crate::output::text::bars::bars;
use crate::output::text::format::values;

/// The scores that are compared, each under its name in a config.
const SCORES: [(&str, &str, Ink); 2] = [("scaled-dot", "× 1/√d_k", Ink::Good), ("dot", "unscaled", Ink::Bad)];

/// Lines that a picture has.
const ROWS: usize = 4;

/// Columns of a picture, and those between two.
const COLUMNS: usize = 2 * SEQ_LEN;
const GAP: &str = "    ";

/// Draws the weights of one query.
pub fn weights(page: &mut Comparison, device: &Device) -> Result<()> {
    page.line("")?;
    page.line(&format!("the {SEQ_LEN} weights of one query, largest first, mean of the draws"))?;
    for d_k in [4, 64, 1024] {
        let mut pictures = Vec::new();
        for (score, name, ink) in SCORES {
            let mut mean = [0.0; SEQ_LEN];
            for draw in 0..DRAWS {
                let (_, output) = attend(device, d_k, score, draw)?;
                let mut of_one_query = values(&output.weights.slice([0..1, 0..1, 0..1]));
                of_one_query.sort_by(|a, b| b.total_cmp(a));
                mean.iter_mut().zip(of_one_query).for_each(|(mean, weight)| *mean += weight / DRAWS as f64);
            }
            pictures.push((
                format!("d_k {d_k}, {name}: largest {:.2}", mean[0]),
                bars(&mean, 1.0, ROWS, 2),
                ink,
            ));
        }
        show(page, &pictures)?;
    }
    Ok(())
}

/// The width with which the trainings differ: at 64 both learn, and the unscaled one no later.
const D_K: usize = 1024;

/// The step at which they end; a training of the task has 500.
const LAST: usize = 75;

/// The steps whose loss is printed.
const PRINTED: [usize; 4] = [1, 25, 50, LAST];

/// Trains with and without scaling.
pub fn trainings(page: &mut Comparison, device: &Device) -> Result<()> {
    page.line("")?;
    page.line(&format!("two trainings on `reverse` with d_k {D_K}: loss over the first {LAST} steps"))?;
    let registry = Registry::new();
    let (mut pictures, mut rows) = (Vec::new(), Vec::new());
    for (score, name, ink) in SCORES {
        let settings = [format!("model.d_k={D_K}"), format!("model.score={score}")];
        let experiment = registry.read(ConfigSource::Task("reverse"), &settings)?;
        let (task, model) = (&*experiment.task, experiment.model(device)?);
        let mut losses = Losses(Vec::new());
        let trainer = Trainer::with_parts(model, task, experiment.parts.clone(), device)?;
        trainer.observe(&mut losses).stop_after(Some(LAST as u64)).run()?;
        let Losses(losses) = losses;
        let of_column = |column: usize| losses[(column * (LAST - 1)).div_ceil(COLUMNS - 1)];
        let curve: Vec<f64> = (0..COLUMNS).map(of_column).collect();
        let highest = losses.iter().copied().fold(0.0, f64::max);
        pictures.push((format!("{name}: {:.2} at step {LAST}", losses[LAST - 1]), curve, highest, ink));
        let printed = PRINTED.map(|step| format!("{:>9.2}", losses[step - 1]));
        rows.push((ink, format!("{name:<12}{}", printed.concat())));
    }
    // One scale for both.
    let top = pictures.iter().map(|(_, _, highest, _)| *highest).fold(0.0, f64::max);
    let pictures: Vec<_> =
        pictures.into_iter().map(|(title, curve, _, ink)| (title, bars(&curve, top, ROWS, 1), ink)).collect();
    show(page, &pictures)?;
    let steps = PRINTED.map(|step| format!("{:>9}", format!("step {step}"))).concat();
    page.pieces(&[(Ink::Quiet, &format!("{:<12}{steps}", ""))])?;
    for (ink, row) in rows {
        page.pieces(&[(ink, &row)])?;
    }
    let chance =
        (registry.read(ConfigSource::Task("reverse"), &[] as &[&str])?.task.vocabulary().len() as f64).ln();
    page.line(&format!("{chance:.2} is the loss of a guess: without the scale, hardly anything is learned"))?;
    Ok(())
}

/// Pictures beside each other, each with its title above it.
fn show(page: &mut Comparison, pictures: &[(String, Vec<String>, Ink)]) -> Result<()> {
    let titles: Vec<String> = pictures.iter().map(|(title, ..)| format!("{title:<COLUMNS$}{GAP}")).collect();
    page.pieces(&[(Ink::Quiet, titles.concat().trim_end())])?;
    for row in 0..ROWS {
        let mut cells: Vec<(Ink, String)> =
            pictures.iter().map(|(_, lines, ink)| (*ink, format!("{}{GAP}", lines[row]))).collect();
        // No blanks at the end of a line.
        while cells.pop_if(|(_, text)| text.trim_end().is_empty()).is_some() {}
        if let Some((_, last)) = cells.last_mut() {
            last.truncate(last.trim_end().len());
        }
        page.pieces(&cells.iter().map(|(ink, text)| (*ink, text.as_str())).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// The loss of every step.
struct Losses(Vec<f64>);

impl<M> Observer<M> for Losses {
    fn step(&mut self, _: &State<M>, report: &StepReport) -> Result<Next, TrainError> {
        self.0.push(report.loss);
        Ok(Next::Continue)
    }
}
