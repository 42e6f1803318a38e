//! Where prompts come from: an option, or the lines of standard input.

use std::io::{self, BufRead, IsTerminal, Read};

use anyhow::{Context, Result};
use qkv_train::Registry;

use crate::exit::{self, usage};
use crate::output::stdout::print_error;

/// Bytes of a line at most: far more than the longest input of a task.
const LONGEST: u64 = 1 << 20;

/// What a model is to answer.
pub struct Prompt {
    pub text: String,
    /// The line of standard input that it is, from 1 on.
    pub line: Option<u64>,
}

/// Calls `answer` with the prompt that was given, or with each line of standard input. Where a user types them, one that
/// cannot be answered is not the last.
pub fn each(
    given: Option<&str>,
    registry: &Registry,
    mut answer: impl FnMut(&Prompt) -> Result<()>,
) -> Result<()> {
    if let Some(text) = given {
        return answer(&Prompt { text: text.to_owned(), line: None });
    }
    let mut input = io::stdin().lock();
    let is_typed = input.is_terminal();
    if is_typed {
        print_error("type a prompt and press Enter; Ctrl-D ends");
    }
    for number in 1.. {
        let place = || format!("line {number} of standard input");
        let Some(text) = read_line(&mut input).with_context(place)? else { break };
        match answer(&Prompt { text, line: Some(number) }) {
            Err(error) if is_typed && exit::number(&error) == 2 => drop(exit::report(&error, registry)),
            other => other.with_context(place)?,
        }
    }
    Ok(())
}

/// The next line without its end; `None` behind the last.
fn read_line(input: &mut impl BufRead) -> Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(LONGEST + 1).read_until(b'\n', &mut bytes).context("it cannot be read")?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 > LONGEST {
        return Err(usage(format!("it is longer than {} KiB", LONGEST >> 10)));
    }
    let mut line = String::from_utf8(bytes).map_err(|_| usage("it is not UTF-8"))?;
    for end in ['\n', '\r'] {
        if line.ends_with(end) {
            line.pop();
        }
    }
    Ok(Some(line))
}
