//! The roles of heads: trains two layers on `induction`, finds the induction head and the previous-token head, ablates
//! every head in turn, and patches values to find the head that brings a symbol to the answer.
//!
//! Slopes of ALiBi make the heads of a layer unlike from the start: one looks near, two look far. Where all are alike,
//! as with rotary positions, several share the work, and none is missed much.
//!
//! ```text
//! cargo run --release --example find_the_induction_head
//! ```
//! ends with `the two heads carry the task, and no other head does`.

use anyhow::{Context, Result, ensure};
use burn::{module::Module, tensor::Device};
use qkv_inspect::{AttentionMap, Matrix};
use qkv_model::fused::prepare_process;
use qkv_model::{Source, Stage};
use qkv_train::{
    Ablation, AnyModel, Batch, ConfigSource, Example, Examples, Model, Pair, Patch, Patching, Registry,
    Replacement, Site, Split, Trainer, attribute,
};

/// What differs from the task's own config.
const SETTINGS: &str = "task.seq_len=48 task.n_symbols=25 model.d_model=48 model.n_heads=3 model.w_o=true \
                        model.positions.name=alibi model.positions.slopes=[3,0.0625,0.004] optimizer.lr=1e-2 \
                        train.batch_size=64 train.steps=600";

/// Sequences whose attention is looked at.
const N_LOOKED_AT: u64 = 20;

fn main() -> Result<()> {
    prepare_process(None)?;
    let device = Device::flex().autodiff();
    let registry = Registry::new();
    let settings: Vec<&str> = SETTINGS.split(' ').collect();
    let experiment = registry.read(ConfigSource::Task("induction"), &settings)?;
    let (model, task, config) = (experiment.model(&device)?, &*experiment.task, &experiment.config);
    let model = Trainer::new(model, task, config.recipe(), &device)?.run()?.state.model.valid();

    let examples = Examples { task, seed: config.seed, split: Split::Test };
    let ablation = Ablation::new(&model, examples, 1000, &device)?;
    let parts = attribute(&model, examples, 1000, &device)?.parts;
    let pairs = (0..N_LOOKED_AT).map(|index| other_symbol(examples, index)).collect::<Result<Vec<_>>>()?;
    let patching = Patching::new(&model, task, &pairs, &device)?;
    println!("accuracy {:.3} with all heads", ablation.before().accuracy);
    println!("layer  head  position before  what followed  answer's logit  values bring  accuracy without");
    let mut heads = Vec::new();
    for site in ablation.sites().into_iter().filter(|site| site.stage == Stage::Context) {
        let Site { layer, head, .. } = site;
        let habits = habits(&model, examples, site, &device)?;
        let part = parts.iter().find(|part| part.source == Source::Head { layer, head });
        let logit = part.context("every head contributes")?.logit;
        let values = Patch { site: Site { stage: Stage::Values, ..site }, position: None };
        let brings = patching.with(&[values])?.recovered.context("the symbol makes a difference")?;
        let accuracy = ablation.without(&[site], Replacement::Zero)?.after.accuracy;
        print!("{layer:>5}  {head:>4}  {:>15.2}  {:>13.2}  {logit:>14.2}", habits[0], habits[1]);
        println!("  {brings:>12.2}  {accuracy:>16.3}");
        heads.push((site, habits, accuracy));
    }
    let most = |of: usize| heads.iter().max_by(|(_, a, _), (_, b, _)| a[of].total_cmp(&b[of]));
    let (previous_token, induction) = most(0).zip(most(1)).context("there are heads")?;
    ensure!(previous_token.1[0] > 0.7, "no head looks at the position before: {previous_token:?}");
    ensure!(induction.1[1] > 0.8, "no head looks at what followed: {induction:?}");
    ensure!(previous_token.0.layer < induction.0.layer, "the later one must build on the earlier one");
    for (site, _, accuracy) in &heads {
        let is_needed = [previous_token.0, induction.0].contains(site);
        let fits = if is_needed { *accuracy < 0.5 } else { *accuracy > 0.9 };
        ensure!(fits, "accuracy is {accuracy:.3} without {site:?}; is it one of the two? {is_needed}");
    }
    println!("the two heads carry the task, and no other head does");
    Ok(())
}

/// Shares of a head's attention that go to the position before, and to what followed the query's symbol earlier.
fn habits(model: &AnyModel, examples: Examples<'_>, site: Site, device: &Device) -> Result<[f64; 2]> {
    let mut sums = [0.0; 2];
    for index in 0..N_LOOKED_AT {
        let tokens = Batch::draw(examples, index, 1, device)?.tokens;
        let weights = model.attention_weights(tokens.clone()).swap_remove(site.layer);
        let n = weights.dims()[2];
        let weights = weights.narrow(1, site.head, 1).into_data().iter::<f64>().collect();
        let map = AttentionMap::new("", site.head, Matrix::new(n, n, weights)?);
        let labels: Vec<String> = tokens.into_data().iter::<i64>().map(|token| token.to_string()).collect();
        let scores = map.scores(&labels);
        sums[0] += scores.previous_token.context("there are positions before")?;
        sums[1] += scores.induction.context("symbols come again")?;
    }
    Ok(sums.map(|sum| sum / N_LOOKED_AT as f64))
}

/// The same sequence with another symbol wherever its second one stands: what has to bring that one to the answer?
fn other_symbol(examples: Examples<'_>, index: u64) -> Result<Pair> {
    let clean = examples.draw(index)?;
    let mut symbols = 0..examples.task.vocabulary().len() as u32;
    let absent = symbols.find(|symbol| !clean.tokens.contains(symbol)).context("all symbols occur")?;
    let swapped =
        clean.tokens.iter().map(|&token| if token == clean.tokens[1] { absent } else { token }).collect();
    Ok(Pair { corrupted: Example::new(examples.task, swapped), clean })
}
