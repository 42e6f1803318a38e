//! What the model of a run writes to a prompt: the rest of a text, a translation, or the answer to an input.

use anyhow::Result;
use burn::tensor::Device;
use qkv_train::{
    Corpus, Drawn, Example, Probe, Sampling, TargetKind, Translation, UnknownSymbol, answer_input,
    draw_answers, generate, n_given,
};

use super::prompts::Prompt;
use crate::args::SampleArgs;
use crate::exit::usage;
use crate::output::stdout::print_error;
use crate::session::input::Typed;
use crate::session::job::SAMPLE;
use crate::session::runs::open_run::OpenRun;

/// Translations that are written together.
const AT_ONCE: u64 = 32;

/// What was written once to a prompt.
pub struct Sample {
    /// The number of the sample, from 0 on.
    pub index: u64,
    /// The text that goes on; `None` of an answer.
    pub beginning: Option<String>,
    /// What follows it, or the answer.
    pub answer: String,
    /// Its tokens; `None` where it has numbers.
    pub drawn: Option<Vec<Drawn>>,
}

/// What a task makes of a prompt.
enum Kind<'a> {
    /// A text goes on, an empty one as a text begins.
    Text(&'a dyn Corpus),
    /// A source has an answer.
    Translation(&'a dyn Translation),
    /// An input of at least so many positions is answered.
    Input { n_given: usize },
    /// An input is answered by numbers, none of which are drawn.
    Numbers,
}

impl<'a> Kind<'a> {
    fn of(run: &'a OpenRun) -> Result<Self> {
        let task = &*run.task;
        let text = task.corpus().filter(|corpus| corpus.prompt().is_some());
        Ok(match (task.translation(), text) {
            (Some(translation), _) => Self::Translation(translation),
            (None, Some(corpus)) => Self::Text(corpus),
            (None, None) if task.target_kind() == TargetKind::Numbers => Self::Numbers,
            (None, None) => Self::Input { n_given: n_given(task, run.config.seed)? },
        })
    }
}

/// The model of a run, and how it writes.
pub struct Writer<'a> {
    run: &'a OpenRun,
    device: &'a Device,
    kind: Kind<'a>,
    /// Of the first sample.
    sampling: Sampling,
    n_samples: u64,
    /// Tokens with which a text goes on.
    n_tokens: usize,
}

impl<'a> Writer<'a> {
    /// Refuses options that have no meaning for the task.
    pub fn new(run: &'a OpenRun, args: &SampleArgs, device: &'a Device) -> Result<Self> {
        let (kind, name) = (Kind::of(run)?, &run.config.task.name);
        let is_text = matches!(kind, Kind::Text(_));
        if args.tokens.is_some() && !is_text {
            return Err(usage(format!(
                "--tokens is for a text that goes on; an answer of the task `{name}` has its own end: leave it out"
            )));
        }
        let drawing = [
            ("--temperature", args.temperature.is_some()),
            ("--top-k", args.top_k.is_some()),
            ("--n", args.n_samples > 1),
        ];
        let drawing = drawing.into_iter().find(|(_, is_given)| *is_given);
        if let (Kind::Numbers, Some((option, _))) = (&kind, drawing) {
            return Err(usage(format!(
                "{option} is for tokens, which are drawn; the answers of the task `{name}` are numbers: leave it out"
            )));
        }
        let temperature = args.temperature.unwrap_or(if is_text { 1.0 } else { 0.0 });
        if temperature == 0.0 && args.n_samples > 1 {
            print_error(
                "at a temperature of 0 all samples are the same; --temperature 1 draws different ones",
            );
        }
        let seed = args.seed.unwrap_or(run.config.seed);
        let sampling = Sampling { temperature, top_k: args.top_k, seed, index: 0 };
        let n_tokens = args.tokens.unwrap_or(SAMPLE);
        Ok(Self { run, device, kind, sampling, n_samples: args.n_samples, n_tokens })
    }

    /// Writes every sample to a prompt, and shows each as soon as it is written.
    pub fn write(&self, prompt: &Prompt, show: &mut dyn FnMut(&Sample) -> Result<()>) -> Result<()> {
        let Self { run, device, .. } = self;
        let (model, task) = (&run.model, &*run.task);
        let typed = Typed { text: &prompt.text, name: &run.config.task.name, task };
        let sampled = |index| Sampling { index, ..self.sampling };
        match self.kind {
            Kind::Text(corpus) => {
                let (tokens, beginning) = match typed.prompt()? {
                    tokens if tokens.is_empty() => (corpus.prompt().unwrap_or_default(), String::new()),
                    tokens => (tokens.clone(), corpus.text(&tokens)),
                };
                for index in 0..self.n_samples {
                    let text = generate(model, task, &tokens, &sampled(index), device)?.take(self.n_tokens);
                    let drawn: Vec<Drawn> = text.collect();
                    let answer = corpus.text(&tokens_of(&drawn));
                    show(&Sample { index, beginning: Some(beginning.clone()), answer, drawn: Some(drawn) })?;
                }
            }
            Kind::Translation(translation) => {
                let input = translation.input(&prompt.text)?;
                self.tell_unknown(translation, prompt, &input);
                for first in (0..self.n_samples).step_by(AT_ONCE as usize) {
                    let n = AT_ONCE.min(self.n_samples - first);
                    let inputs = vec![input.clone(); n as usize];
                    let answers = draw_answers(model, translation, &inputs, &sampled(first), device)?;
                    for (index, drawn) in (first..).zip(answers) {
                        let answer = translation.text(&tokens_of(&drawn));
                        show(&Sample { index, beginning: None, answer, drawn: Some(drawn) })?;
                    }
                }
            }
            Kind::Input { n_given } => {
                let (input, vocabulary) = (typed.input(n_given)?, task.vocabulary());
                for index in 0..self.n_samples {
                    let drawn = answer_input(model, task, &input, &sampled(index), device)?;
                    let labels = drawn.iter().map(|drawn| vocabulary[drawn.token as usize].as_str());
                    let answer = labels.collect::<Vec<_>>().join(" ");
                    show(&Sample { index, beginning: None, answer, drawn: Some(drawn) })?;
                }
            }
            Kind::Numbers => {
                let example = Example::new(task, typed.input(task.seq_len())?);
                let predictions = Probe::new(model, task, &example, device)?.labels.predictions;
                let asked: Vec<String> =
                    predictions.into_iter().filter(|numbers| !numbers.is_empty()).collect();
                show(&Sample { index: 0, beginning: None, answer: asked.join(", "), drawn: None })?;
            }
        }
        Ok(())
    }

    /// A line on standard error about the symbols of a source for which another token stands.
    fn tell_unknown(&self, translation: &dyn Translation, prompt: &Prompt, input: &[u32]) {
        let unknown = translation.unknown(&prompt.text);
        let Some(first) = unknown.first() else { return };
        let unit = self.run.task.corpus().map_or("symbol", Corpus::unit);
        let label = &self.run.task.vocabulary()[input[first.position - 1] as usize];
        let pronoun = if unknown.len() == 1 { "it" } else { "them" };
        let place = prompt.line.map_or_else(String::new, |line| format!("line {line}: "));
        let unknown = UnknownSymbol::list(&unknown, unit);
        print_error(&format!("{place}the vocabulary lacks {unknown}: {label} stands for {pronoun}"));
    }
}

fn tokens_of(drawn: &[Drawn]) -> Vec<u32> {
    drawn.iter().map(|drawn| drawn.token).collect()
}
