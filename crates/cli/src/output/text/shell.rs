//! Commands that a user can paste into a POSIX shell.

use std::env;
use std::path::Path;

/// How the user can start this program again with these arguments: the project's own binary under cargo as it was
/// started, any other by its path.
pub fn command(arguments: &[&str]) -> String {
    let program = env::args().next().unwrap_or_else(|| "qkv".to_owned());
    let is_ours = Path::new(&program).file_stem().is_some_and(|name| name == "qkv");
    let is_under_cargo = is_ours && env::var_os("CARGO").is_some();
    let program = if is_under_cargo { "cargo run --release --".to_owned() } else { quoted(&program) };
    let arguments = arguments.iter().map(|argument| quoted(argument));
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

/// The name under which this program was started, which is another one where a user has types of their own in it.
pub fn program_name() -> String {
    let program = env::args_os().next();
    let name = program.as_deref().and_then(|program| Path::new(program).file_stem()?.to_str());
    name.unwrap_or("qkv").to_owned()
}

/// How the user can start this program again as it was started, but with another value of an option; `None` where it
/// was started without that option.
pub fn command_with(option: &str, value: &str) -> Option<String> {
    let mut arguments = arguments()?;
    let is_set = set(&mut arguments, option, value);
    is_set.then(|| command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// How the user can start this program again as it was started, but with some of its arguments as one; `None` where they do
/// not stand beside each other.
pub fn command_with_one(words: &[String]) -> Option<String> {
    let mut arguments = arguments()?;
    let is_one = join(&mut arguments, words);
    is_one.then(|| command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// What this program was started with, if no shell would have to be given bytes that are no text.
pub fn arguments() -> Option<Vec<String>> {
    env::args_os().skip(1).map(|argument| argument.into_string().ok()).collect()
}

/// Gives another value to an option; whether it is there.
pub fn set(arguments: &mut [String], option: &str, value: &str) -> bool {
    let joined = format!("{option}=");
    for index in 0..arguments.len() {
        if arguments[index].starts_with(&joined) {
            arguments[index] = joined + value;
            return true;
        }
        if arguments[index] == option && index + 1 < arguments.len() {
            arguments[index + 1] = value.to_owned();
            return true;
        }
    }
    false
}

/// Makes one argument of the last that are `words`; whether they are there.
fn join(arguments: &mut Vec<String>, words: &[String]) -> bool {
    let first = arguments.windows(words.len().max(1)).rposition(|window| window == words);
    if let Some(first) = first {
        arguments.splice(first..first + words.len(), [words.join(" ")]);
    }
    first.is_some()
}

/// A path as an argument, which no command takes for an option.
pub fn path(path: &Path) -> String {
    let path = path.display().to_string();
    if path.starts_with('-') { format!("./{path}") } else { path }
}

/// One word of a shell: as it is, or in single quotes where the shell would read something else.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_shell_stays_one_word() {
        assert_eq!(quoted("runs/reverse-1"), "runs/reverse-1");
        assert_eq!(quoted("a $(touch b) c"), "'a $(touch b) c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!((quoted("~").as_str(), quoted("").as_str()), ("'~'", "''"));
        assert_eq!(path(Path::new("-h")), "./-h");
    }

    #[test]
    fn an_option_gets_another_value_however_it_was_written() {
        for (line, expected) in [
            ("train reverse --out run --quiet", Some("train reverse --out new --quiet")),
            ("train reverse --quiet --out=run", Some("train reverse --quiet --out=new")),
            ("train reverse --output run", None),
            ("train reverse", None),
        ] {
            let mut arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let is_there = set(&mut arguments, "--out", "new");
            assert_eq!(is_there.then(|| arguments.join(" ")).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn words_beside_each_other_become_one_argument() {
        for (line, words, expected) in [
            ("explain run A B C --query 2", "A B C", Some("explain|run|A B C|--query|2")),
            // The value of an option does not count as one.
            ("explain run --query 2 2 2", "2 2", Some("explain|run|--query|2|2 2")),
            ("explain run A --query 2 B", "A B", None),
        ] {
            let [mut arguments, words] =
                [line, words].map(|text| text.split(' ').map(str::to_owned).collect::<Vec<_>>());
            let is_one = join(&mut arguments, &words);
            assert_eq!(is_one.then(|| arguments.join("|")).as_deref(), expected, "{line}");
        }
    }
}
