//! What a model writes token by token, where it computes each position once, is what it writes when it computes all of
//! them again for each token.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use qkv_model::{
    Catalog, Choice, Decoding, EncoderDecoder, Init, MaskConfig, Mode, SourceLayout, Transformer,
    TransformerConfig,
};
use qkv_train::{
    AnyModel, ConfigSource, Copy, Dates, Examples, HeldOut, Model, Registry, Sampling, Split, Task, Trainer,
    Translation, answer_input, draw_answers, generate, write_answers,
};

use crate::support::number_names::NUMBERS;

const DATES: Dates = Dates { first_year: 1987, last_year: 1987 };

/// The model inside, position by position again for each token; or with a count of what it decodes.
#[derive(Module, Debug)]
struct Watched {
    inner: AnyModel,
    #[module(skip)]
    read: Option<Arc<AtomicUsize>>,
}

impl Model for Watched {
    fn features(&self, tokens: Tensor<3, Int>, mode: Mode) -> Tensor<3> {
        self.inner.features(tokens, mode)
    }

    fn logits(&self, features: Tensor<2>) -> Tensor<2> {
        self.inner.logits(features)
    }

    fn decoding(&self) -> Option<Box<dyn Decoding + '_>> {
        let read = self.read.clone()?;
        Some(Box::new(Counted { inner: self.inner.decoding()?, read }))
    }
}

struct Counted<'a> {
    inner: Box<dyn Decoding + 'a>,
    read: Arc<AtomicUsize>,
}

impl Decoding for Counted<'_> {
    fn feed(&mut self, tokens: Tensor<3, Int>) -> Tensor<3> {
        let [batch, n, _] = tokens.dims();
        self.read.fetch_add(batch * n, Ordering::Relaxed);
        self.inner.feed(tokens)
    }

    fn select(&mut self, entries: &Tensor<1, Int>) {
        self.inner.select(entries);
    }
}

/// The same model, computing all again and computing each position once, with the number of positions of the latter.
fn both(model: impl Model) -> ([Watched; 2], Arc<AtomicUsize>) {
    let inner = AnyModel::new(model);
    let read = Arc::new(AtomicUsize::new(0));
    ([None, Some(read.clone())].map(|read| Watched { inner: inner.clone(), read }), read)
}

fn config(task: &dyn Task, positions: &str) -> TransformerConfig {
    TransformerConfig {
        n_heads: 2,
        n_layers: 2,
        d_mlp: 12,
        mask: MaskConfig::Causal.into(),
        positions: Choice::new(positions),
        ..TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 12)
    }
}

fn transformer(task: &dyn Task, positions: &str) -> Transformer {
    config(task, positions).init(&Init::new(&Device::flex(), 1)).unwrap()
}

const POSITIONS: [&str; 5] = ["none", "learned", "sinusoidal", "rope", "alibi"];

#[test]
fn a_text_goes_on_with_the_same_tokens() {
    let (task, device) = (Copy { len: 10, n_symbols: 9 }, Device::flex());
    // A window of 18 tokens.
    assert_eq!(task.seq_len(), 19);
    for positions in POSITIONS {
        let ([again, once], read) = both(transformer(&task, positions));
        for sampling in [Sampling::greedy(), Sampling { seed: 3, ..Sampling::default() }] {
            for prompt in [&[4][..], &[1, 5, 0], &[2; 18], &[7; 30]] {
                let text = |model: &Watched| {
                    let text = generate(model, &task, prompt, &sampling, &device).unwrap().take(40);
                    text.map(|drawn| drawn.token).collect::<Vec<_>>()
                };
                read.store(0, Ordering::Relaxed);
                assert_eq!(text(&once), text(&again), "{positions}, {prompt:?}");
                // Each position until the window is full; then whole passes.
                assert_eq!(read.load(Ordering::Relaxed), 18, "{positions}, {prompt:?}");
            }
        }
        let rest = |model: &Watched| {
            let input = [3, 1, 4, 1, 5, 2, 6, 5, 3, 5];
            answer_input(model, &task, &input, &Sampling::greedy(), &device).unwrap()
        };
        let [once, again] =
            [rest(&once), rest(&again)].map(|answers| answers.iter().map(|a| a.token).collect::<Vec<_>>());
        assert_eq!(once, again);
    }
}

#[test]
fn answers_are_written_with_the_same_tokens() {
    let device = Device::flex();
    let sources = ["3.3.1987", "April 1, 1987", "Tuesday, 3 March 1987"];
    let sources: Vec<Vec<u32>> = sources.map(|source| DATES.input(source).unwrap()).to_vec();
    let layout = SourceLayout { source_len: DATES.source_len(), padding: DATES.padding() };
    for positions in POSITIONS {
        let init = Init::new(&device, 2);
        let pair =
            EncoderDecoder::new(&config(&DATES, positions), layout, &init, &Catalog::default()).unwrap();
        let models = [both(transformer(&DATES, positions)).0, both(pair).0];
        for [again, once] in models {
            assert_eq!(
                write_answers(&once, &DATES, &sources, &device),
                write_answers(&again, &DATES, &sources, &device)
            );
            let drawn = |model: &Watched| {
                let sampling = Sampling { seed: 5, ..Sampling::default() };
                let answers = draw_answers(model, &DATES, &sources, &sampling, &device).unwrap();
                answers.iter().flatten().map(|drawn| drawn.token).collect::<Vec<_>>()
            };
            assert_eq!(drawn(&once), drawn(&again), "{positions}");
        }
    }
}

#[test]
fn an_evaluation_that_reads_answers_measures_the_same() {
    let registry = Registry::new();
    for name in ["transformer", "encoder-decoder"] {
        let name = format!("model.name={name}");
        let settings = [&NUMBERS[..], &[&*name]].concat();
        let experiment = registry.read(ConfigSource::Task("translate"), &settings).unwrap();
        let device = Device::flex().autodiff();
        let model = experiment.model(&device).unwrap();
        let trainer =
            Trainer::with_parts(model, &*experiment.task, experiment.parts.clone(), &device).unwrap();
        let model = trainer.run().unwrap().state.model.valid();
        let ([again, once], read) = both(model);
        let examples = Examples { task: &*experiment.task, seed: 0, split: Split::Test };
        let held_out = HeldOut { examples, n_examples: 40 };
        let bleu = |model: &Watched| {
            let mut go_on = |_| Ok(ControlFlow::Continue(()));
            let measures = experiment.parts.measures();
            let found = held_out.evaluate_while(model, measures, &device, &mut go_on).unwrap();
            found.continue_value().unwrap().metrics["bleu"]
        };
        let (once, again) = (bleu(&once), bleu(&again));
        assert_eq!(once, again);
        assert!(once > 0.0 && once < 100.0, "{once}: all wrong or all right shows nothing");
        assert!(read.load(Ordering::Relaxed) > 0);
    }
}
