//! What the model is shown: an example of a split, or what the user typed.

use std::collections::BTreeSet;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_model::random::Rng;
use qkv_train::{Example, Probe, Split, TargetKind, Task, draw};

use super::characters::Characters;
use crate::exit::usage;
use crate::output::shell;

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

    /// The input that a text stands for: labels separated by spaces, or characters. The text may be shorter than the inputs
    /// of the task called `name`, if that goes on with a text.
    fn parse(text: &str, name: &str, task: &'a dyn Task) -> Result<Self> {
        let positions: Vec<&str> = text.split_whitespace().collect();
        let vocabulary = task.vocabulary();
        let is_label = |position: &&str| vocabulary.iter().any(|label| label == position);
        let length = Length::of(task, name);
        let characters = Characters::of(task).filter(|characters| {
            let has_white_space = text.contains(char::is_whitespace);
            // A row as it is shown. As many positions as an input has, with the spaces between them, are more characters.
            let is_row = positions.len() > 1 && positions.iter().all(is_label);
            let is_none = text.is_empty() && length.least == length.most;
            !is_row
                && !is_none
                && positions.len() != task.seq_len()
                && (!has_white_space || characters.have_white_space())
        });
        let tokens = match characters {
            Some(characters) => {
                let tokens = characters.read(text).map_err(|unknown| {
                    let known = known(&characters, task);
                    usage(format!("the task `{name}` has no {}; {known}", quoted(&unknown)))
                })?;
                length.check(tokens.len(), "character", "")?;
                tokens
            }
            None => {
                let (noun, how) = match task.stack() {
                    1 => ("label", ", separated by spaces".to_owned()),
                    n => ("position", format!(" of {n} labels side by side, separated by spaces")),
                };
                length.check(positions.len(), noun, &how)?;
                labels(&positions, &vocabulary, name, task.stack())?
            }
        };
        let (seq_len, n_positions) = (task.seq_len(), tokens.len() / task.stack());
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

/// How long the inputs of a task may be.
struct Length<'a> {
    task: &'a str,
    least: usize,
    most: usize,
}

impl<'a> Length<'a> {
    /// A task that goes on with a text also takes the beginning of one.
    fn of(task: &dyn Task, name: &'a str) -> Self {
        let goes_on = task.corpus().is_some_and(|corpus| corpus.prompt().is_some());
        let most = task.seq_len();
        Self { task: name, least: if goes_on { 1 } else { most }, most }
    }

    /// Refuses another number of what `noun` is called, with `how` it is written.
    fn check(&self, got: usize, noun: &str, how: &str) -> Result<()> {
        let Self { task, least, most } = *self;
        if (least..=most).contains(&got) {
            return Ok(());
        }
        let [most, got] = [most, got].map(|count| counted(count as u64, noun));
        let range = if least == self.most { most } else { format!("{least} to {most}") };
        Err(usage(format!("the input must have {range}{how} for the task `{task}`, got {got}")))
    }
}

/// The tokens of a label, or of several side by side, at every position.
fn labels(positions: &[&str], vocabulary: &[String], name: &str, stack: usize) -> Result<Vec<u32>> {
    let tokens = positions.iter().map(|position| {
        parse_position(position, vocabulary, stack).ok_or_else(|| {
            let known = vocabulary.join(" ");
            let label = match stack {
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
