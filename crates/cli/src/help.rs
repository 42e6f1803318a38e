//! The end of every help: an example, and what the exit codes mean.

use crate::output::text::shell;

/// What the exit codes mean, a line each.
const EXIT_CODES: &str = include_str!("exit_codes.txt");

/// The end of a help whose command can be called with these arguments.
pub fn end(example: &str) -> String {
    format!("Example:\n  {} {example}\n\nExit codes:\n{}", shell::program_name(), EXIT_CODES.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Args;
    use clap::{CommandFactory, Parser};

    /// The words that a shell makes of a line.
    fn words(line: &str) -> Vec<String> {
        let parts = line.split('"').enumerate();
        let words = parts.map(|(index, part)| match index % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        words.collect::<Vec<_>>().concat()
    }

    #[test]
    fn every_help_ends_with_an_example_that_parses_and_the_exit_codes() {
        let program = Args::command();
        let commands: Vec<_> = program.get_subcommands().chain([&program]).collect();
        assert!(commands.len() > 10);
        for command in commands {
            let name = command.get_name();
            let help = command.clone().render_long_help().to_string();
            let (_, end) = help.split_once("\nExample:\n").unwrap_or_else(|| panic!("{name} has no example"));
            let (example, codes) = end.split_once("\n\nExit codes:\n").expect("exit codes after the example");
            assert_eq!(codes.trim_end(), EXIT_CODES.trim_end(), "{name}");
            let words = words(example);
            assert_eq!(words[0], shell::program_name());
            let is_of_all = name == program.get_name();
            assert!(is_of_all || name == words[1], "{example} is no example of {name}");
            Args::try_parse_from(&words).unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }
}
