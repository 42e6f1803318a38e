//! What the model is shown: an example of a split, or what the user typed.

use anyhow::Result;
use qkv_model::random::Rng;
use qkv_train::{Example, Probe, Split, TargetKind, Task, draw};

use crate::exit::usage;
use crate::output::shell;
use crate::session::input::Typed;
use crate::session::input::characters::Characters;

/// One input and its answer.
pub struct Input<'a> {
    /// The task, for inputs of this length.
    pub task: Start<'a>,
    pub example: Example,
    /// Whether the target of the last position is only there for the model to predict one.
    is_open: bool,
}

impl<'a> Input<'a> {
    /// The first example of a split.
    pub fn drawn(task: &'a dyn Task, seed: u64, split: Split) -> Result<Self> {
        let example = draw(task, seed, split, 0)?;
        Ok(Self { task: Start { task, seq_len: task.seq_len() }, example, is_open: false })
    }

    /// The input that the arguments stand for, which should be one: what stands between quotation marks.
    pub fn typed(words: &[String], name: &str, task: &'a dyn Task) -> Result<Self> {
        if let [text] = words {
            return Self::parse(text, name, task);
        }
        let found = format!("the input is {} arguments, expected one between quotation marks", words.len());
        match Self::parse(&words.join(" "), name, task) {
            Ok(_) => Err(usage(match shell::command_with_one(words) {
                Some(command) => format!("{found}: {command}"),
                None => found,
            })),
            Err(error) => Err(usage(format!("{found}; and {error}"))),
        }
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
        Ok(Self { task, example, is_open })
    }

    /// Number of positions.
    pub fn len(&self) -> usize {
        self.task.seq_len
    }

    /// The first position with a target, or the first.
    pub fn first_asked(&self) -> usize {
        self.example.targets.iter().position(Option::is_some).unwrap_or(0)
    }

    /// The last position with a target, or the last.
    pub fn last_asked(&self) -> usize {
        self.example.targets.iter().rposition(Option::is_some).unwrap_or(self.len() - 1)
    }

    /// The same without the target of the position after which the text is open.
    pub fn hide_open_target(&self, mut probe: Probe) -> Probe {
        if self.is_open
            && let Some(last) = probe.labels.targets.last_mut()
        {
            last.clear();
        }
        probe
    }

    /// What stands for the spaces of the input, if it has any under another name.
    pub fn label_of_its_spaces(&self) -> Option<String> {
        let characters = Characters::of(self.task.task)?;
        let (label, _) = characters.space().filter(|(_, space)| self.example.tokens.contains(space))?;
        Some(label.to_owned()).filter(|label| label != " ")
    }
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
