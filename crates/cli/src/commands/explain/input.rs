//! What the model is shown: an example of a split, or what the user typed.

use std::io::{self, Write};
use std::ops::Range;

use anyhow::Result;
use burn::tensor::Device;
use qkv_model::random::Rng;
use qkv_train::{AnyModel, Example, Split, TargetKind, Task, Translation, draw, write_pair};

use crate::exit::usage;
use crate::output::text::shell;
use crate::output::text::wrap::{COLUMNS, lines_of};
use crate::session::input::Typed;
use crate::session::input::characters::Characters;
use crate::session::runs::open_run::OpenRun;

/// One input and its answer.
pub struct Input<'a> {
    /// The task, for inputs of this length.
    pub task: Start<'a>,
    pub example: Example,
    targets: Targets,
}

/// What the targets of an input are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Targets {
    /// Right answers.
    Right,
    /// The same, but for the last one, which is only there for the model to predict one.
    OpenAtTheEnd,
    /// What the model writes by itself.
    Written,
}

/// What is to be predicted at a position that is asked.
pub enum Target {
    /// The label of the right answer.
    Label(String),
    /// What the model wrote there by itself.
    Written,
    /// Any that the model gives.
    Open,
}

/// The columns of a row's name before what the model is shown.
const NAME: usize = 11;

impl<'a> Input<'a> {
    /// The first example of a split.
    pub fn drawn(task: &'a dyn Task, seed: u64, split: Split) -> Result<Self> {
        let example = draw(task, seed, split, 0)?;
        Ok(Self::whole(task, example, Targets::Right))
    }

    fn whole(task: &'a dyn Task, example: Example, targets: Targets) -> Self {
        Self { task: Start { task, seq_len: task.seq_len() }, example, targets }
    }

    /// The input that the arguments stand for, which should be one: what stands between quotation marks.
    pub fn typed(words: &[String], run: &'a OpenRun, device: &Device) -> Result<Self> {
        let (task, name) = (&*run.task, &run.config.task.name);
        let parse = |text: &str| match task.translation().filter(|_| !is_row(text, task)) {
            Some(translation) => Self::source(text, translation, &run.model, device),
            None => Self::parse(text, name, task),
        };
        if let [text] = words {
            return parse(text);
        }
        let found = format!("the input is {} arguments, expected one between quotation marks", words.len());
        match parse(&words.join(" ")) {
            Ok(_) => Err(usage(match shell::command_with_one(words) {
                Some(command) => format!("{found}: {command}"),
                None => found,
            })),
            Err(error) => Err(usage(format!("{found}; and {error}"))),
        }
    }

    /// A source, with the answer that the model writes to it.
    fn source(text: &str, task: &'a dyn Translation, model: &AnyModel, device: &Device) -> Result<Self> {
        let tokens = write_pair(model, task, text, device)?;
        Ok(Self::whole(task, Example::new(task, tokens), Targets::Written))
    }

    /// The input that a text stands for, which may be shorter than those of the task called `name`, if that goes on with a
    /// text.
    fn parse(text: &str, name: &str, task: &'a dyn Task) -> Result<Self> {
        let seq_len = task.seq_len();
        let goes_on = task.corpus().is_some_and(|corpus| corpus.prompt().is_some());
        let tokens = Typed { text, name, task }.input(if goes_on { 1 } else { seq_len })?;
        let n_positions = tokens.len() / task.stack();
        let task = Start { task, seq_len: n_positions };
        let mut example = Example::new(&task, tokens);
        // The last position of a whole input has never been asked.
        let is_open = n_positions < seq_len;
        if is_open && let Some(last) = example.targets.last_mut() {
            *last = Some(0);
        }
        let targets = if is_open { Targets::OpenAtTheEnd } else { Targets::Right };
        Ok(Self { task, example, targets })
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.task.seq_len
    }

    /// Of some positions the first with a target, or the first.
    pub fn first_asked(&self, positions: Range<usize>) -> usize {
        self.example.targets[positions].iter().position(Option::is_some).unwrap_or(0)
    }

    /// Of some positions the last with a target, or the last.
    pub fn last_asked(&self, positions: Range<usize>) -> usize {
        let targets = &self.example.targets[positions];
        targets.iter().rposition(Option::is_some).unwrap_or(targets.len().saturating_sub(1))
    }

    /// What is to be predicted at a position, whose target has this label.
    pub fn target(&self, position: usize, label: &str) -> Target {
        match self.targets {
            Targets::Written => Target::Written,
            Targets::OpenAtTheEnd if position + 1 == self.len() => Target::Open,
            _ if label.is_empty() => Target::Open,
            _ => Target::Label(label.to_owned()),
        }
    }

    /// The texts of a pair in a line, if it is one.
    pub fn pair(&self) -> Option<String> {
        let task = self.task.task.translation()?;
        let (source, answer) = self.example.tokens.split_at(task.source_len());
        Some(format!("{} → {}", task.text(source), task.text(answer)))
    }

    /// Prints what the model is shown: its labels in a row, or source and answer as texts where it reads them apart.
    pub fn show(&self, out: &mut impl Write, labels: &[String], is_divided: bool) -> io::Result<()> {
        match self.task.task.translation().filter(|_| is_divided) {
            Some(task) => {
                let (source, answer) = self.example.tokens.split_at(task.source_len());
                for (name, tokens) in [("source", source), ("answer", answer)] {
                    let text: Vec<char> = task.text(tokens).chars().collect();
                    row(out, name, text.chunks(COLUMNS - NAME).map(String::from_iter))?;
                }
            }
            None => row(out, "input", lines_of(labels.iter().map(String::as_str), COLUMNS - NAME))?,
        }
        if self.targets == Targets::Written {
            writeln!(out, "{:<NAME$}the model wrote the answer itself", "")?;
        }
        match self.label_of_its_spaces().filter(|_| !is_divided) {
            Some(space) => writeln!(out, "{:<NAME$}{space} is a space", ""),
            None => Ok(()),
        }
    }

    /// What stands for the spaces of the input, if it has any under another name.
    fn label_of_its_spaces(&self) -> Option<String> {
        let characters = Characters::of(self.task.task)?;
        let (label, _) = characters.space().filter(|(_, space)| self.example.tokens.contains(space))?;
        Some(label.to_owned()).filter(|label| label != " ")
    }
}

/// A row with its name before the first line.
fn row(out: &mut impl Write, name: &str, lines: impl IntoIterator<Item = String>) -> io::Result<()> {
    let mut lines = lines.into_iter();
    writeln!(out, "{name:<NAME$}{}", lines.next().unwrap_or_default())?;
    lines.try_for_each(|line| writeln!(out, "{:<NAME$}{line}", ""))
}

/// Whether a text has a label for every position of an input, as an input is shown.
fn is_row(text: &str, task: &dyn Task) -> bool {
    let vocabulary = task.vocabulary();
    let is_label = |position: &str| vocabulary.iter().any(|label| label == position);
    text.split_whitespace().count() == task.seq_len() && text.split_whitespace().all(is_label)
}

/// The first positions of a task's inputs.
pub struct Start<'a> {
    task: &'a dyn Task,
    seq_len: usize,
}

impl Start<'_> {
    /// A whole input that begins with these tokens.
    fn whole(&self, tokens: &[u32]) -> Vec<u32> {
        let mut whole = tokens.to_vec();
        whole.resize(self.task.seq_len() * self.task.stack(), 0);
        whole
    }
}

impl Task for Start<'_> {
    fn summary(&self) -> String {
        self.task.summary()
    }

    fn vocabulary(&self) -> Vec<String> {
        self.task.vocabulary()
    }

    fn seq_len(&self) -> usize {
        self.seq_len
    }

    fn sample(&self, rng: &mut Rng) -> Vec<u32> {
        let mut tokens = self.task.sample(rng);
        tokens.truncate(self.seq_len * self.stack());
        tokens
    }

    /// Those of a whole input that begins with these tokens.
    fn targets(&self, tokens: &[u32]) -> Vec<Option<u32>> {
        let mut targets = self.task.targets(&self.whole(tokens));
        targets.truncate(self.seq_len);
        targets
    }

    fn target_kind(&self) -> TargetKind {
        self.task.target_kind()
    }

    fn target_vectors(&self, tokens: &[u32]) -> Vec<Option<Vec<f32>>> {
        let mut vectors = self.task.target_vectors(&self.whole(tokens));
        vectors.truncate(self.seq_len);
        vectors
    }

    fn stack(&self) -> usize {
        self.task.stack()
    }

    fn source_len(&self) -> usize {
        self.task.source_len().min(self.seq_len)
    }

    fn padding(&self) -> Option<u32> {
        self.task.padding()
    }
}
