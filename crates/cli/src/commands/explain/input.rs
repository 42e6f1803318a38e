//! What the model is shown: an example of a split, or what the user typed.

use std::collections::BTreeSet;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_model::random::Rng;
use qkv_train::{Example, Probe, Split, TargetKind, Task, draw};

use super::characters::Characters;
use crate::exit::usage;

/// Characters that a refusal lists.
const LISTED: usize = 100;

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

    /// The input that a text stands for: labels separated by spaces, or characters. The text may be shorter than the inputs
    /// of the task called `name`, if that goes on with a text.
    pub fn parse(text: &str, name: &str, task: &'a dyn Task) -> Result<Self> {
        let positions: Vec<&str> = text.split_whitespace().collect();
        // As many labels, with the spaces between them, are more characters than an input has.
        let characters = Characters::of(task).filter(|characters| {
            let has_white_space = text.contains(char::is_whitespace);
            !text.is_empty()
                && positions.len() != task.seq_len()
                && (!has_white_space || characters.have_white_space())
        });
        let tokens = match characters {
            Some(characters) => characters.read(text).map_err(|unknown| {
                usage(format!("the task `{name}` has no {}; {}", quoted(&unknown), known(&characters, task)))
            })?,
            None => labels(&positions, name, task)?,
        };
        let n_positions = tokens.len() / task.stack();
        let goes_on = task.corpus().is_some_and(|corpus| corpus.prompt().is_some());
        let (seq_len, most) = (task.seq_len(), if goes_on { "at most " } else { "" });
        if n_positions > seq_len || n_positions == 0 || (n_positions < seq_len && !goes_on) {
            let [expected, got] = [seq_len, n_positions].map(|count| counted(count as u64, "character"));
            return Err(usage(format!(
                "the input must have {most}{expected} for the task `{name}`, got {got}"
            )));
        }
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
}

/// The tokens of a label, or of several side by side, at every position.
fn labels(positions: &[&str], name: &str, task: &dyn Task) -> Result<Vec<u32>> {
    let vocabulary = task.vocabulary();
    if positions.len() != task.seq_len() {
        let [expected, got] = [task.seq_len(), positions.len()].map(|count| counted(count as u64, "label"));
        return Err(usage(format!(
            "the input must have {expected}, separated by spaces, for the task `{name}`, got {got}"
        )));
    }
    let tokens = positions.iter().map(|position| {
        parse_position(position, &vocabulary, task.stack()).ok_or_else(|| {
            let known = vocabulary.join(" ");
            let label = match task.stack() {
                1 => "no label".to_owned(),
                stack => format!("not {stack} labels side by side"),
            };
            usage(format!("`{position}` is {label} of the task `{name}`; the labels are {known}"))
        })
    });
    Ok(tokens.collect::<Result<Vec<_>>>()?.concat())
}

/// `stack` labels written side by side, the longest that fits first.
fn parse_position(text: &str, vocabulary: &[String], stack: usize) -> Option<Vec<u32>> {
    if stack == 0 {
        return text.is_empty().then(Vec::new);
    }
    let mut fitting: Vec<(usize, &String)> =
        vocabulary.iter().enumerate().filter(|(_, label)| text.starts_with(label.as_str())).collect();
    fitting.sort_by_key(|(_, label)| std::cmp::Reverse(label.len()));
    fitting.into_iter().find_map(|(token, label)| {
        let rest = parse_position(&text[label.len()..], vocabulary, stack - 1)?;
        Some([vec![token as u32], rest].concat())
    })
}

fn quoted(characters: &BTreeSet<char>) -> String {
    let quoted = characters.iter().map(|character| format!("`{}`", character.escape_debug()));
    quoted.collect::<Vec<_>>().join(", ")
}

/// The labels that there are, and how a space is written.
fn known(characters: &Characters, task: &dyn Task) -> String {
    let labels = task.vocabulary();
    let listed = labels[..labels.len().min(LISTED)].join(" ");
    let more = match labels.len().saturating_sub(LISTED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    match characters.space() {
        Some((space, _)) if space != " " => {
            format!("it has {listed}{more}, where {space} is a space, which is typed as it is")
        }
        _ => format!("it has {listed}{more}"),
    }
}
