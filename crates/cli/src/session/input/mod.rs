//! What a user typed for a task, as tokens.

pub mod characters;

use anyhow::Result;
use qkv_inspect::counted;
use qkv_train::{Task, UnknownSymbol};

use crate::exit::usage;
use characters::Characters;

/// Labels that a refusal lists.
const LISTED: usize = 100;

/// A text that was typed for the task called `name`.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    pub text: &'a str,
    pub name: &'a str,
    pub task: &'a dyn Task,
}

impl Typed<'_> {
    /// The tokens of an input of at least so many positions: labels separated by spaces, or characters.
    pub fn input(self, least: usize) -> Result<Vec<u32>> {
        let Self { text, name, task } = self;
        let positions: Vec<&str> = text.split_whitespace().collect();
        let vocabulary = task.vocabulary();
        let is_label = |position: &&str| vocabulary.iter().any(|label| label == position);
        let length = Length { task: name, least, most: task.seq_len() };
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
        if let Some(characters) = characters {
            let tokens = self.characters(&characters)?;
            length.check(tokens.len(), "character", "")?;
            return Ok(tokens);
        }
        let (noun, how) = match task.stack() {
            1 => ("label", ", separated by spaces".to_owned()),
            n => ("position", format!(" of {n} labels side by side, separated by spaces")),
        };
        length.check(positions.len(), noun, &how)?;
        self.labels(&positions)
    }

    /// The tokens of a text of any length: characters, or labels separated by spaces where a label is more than one.
    pub fn prompt(self) -> Result<Vec<u32>> {
        match Characters::of(self.task) {
            Some(characters) => self.characters(&characters),
            None => self.labels(&self.text.split_whitespace().collect::<Vec<_>>()),
        }
    }

    fn characters(self, characters: &Characters) -> Result<Vec<u32>> {
        characters.read(self.text).map_err(|unknown| {
            let (unknown, known) = (UnknownSymbol::list(&unknown, "character"), known(characters, self.task));
            usage(format!("the task `{}` has no {unknown}; {known}", self.name))
        })
    }

    /// The tokens of a label, or of several side by side, at every position.
    fn labels(self, positions: &[&str]) -> Result<Vec<u32>> {
        let Self { name, task, .. } = self;
        let (vocabulary, stack) = (task.vocabulary(), task.stack());
        let tokens = positions.iter().enumerate().map(|(at, position)| {
            parse_position(position, &vocabulary, stack).ok_or_else(|| {
                let known = listed(&vocabulary);
                let label = match stack {
                    1 => "no label".to_owned(),
                    stack => format!("not {stack} labels side by side"),
                };
                let place = at + 1;
                usage(format!(
                    "`{position}`, position {place}, is {label} of the task `{name}`; the labels are {known}"
                ))
            })
        });
        Ok(tokens.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// How long the inputs of a task may be.
struct Length<'a> {
    task: &'a str,
    least: usize,
    most: usize,
}

impl Length<'_> {
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

/// The labels that there are, and how a space is written.
fn known(characters: &Characters, task: &dyn Task) -> String {
    let labels = listed(&task.vocabulary());
    match characters.space() {
        Some((space, _)) if space != " " => {
            format!("it has {labels}, where {space} is a space, which is typed as it is")
        }
        _ => format!("it has {labels}"),
    }
}

fn listed(labels: &[String]) -> String {
    let listed = labels[..labels.len().min(LISTED)].join(" ");
    match labels.len().saturating_sub(LISTED) {
        0 => listed,
        n => format!("{listed} and {n} more"),
    }
}
