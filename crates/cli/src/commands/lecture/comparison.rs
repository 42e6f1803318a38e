//! The page of the lecture: numbers with their shapes, and beside those that were published whether they agree to the
//! printed digits.

use std::io;

use burn::tensor::Tensor;
use qkv_inspect::counted;

use super::published::{Published, WORDS};
use crate::output::ink::{Ink, Inked};
use crate::output::text::format::{shape, values};

/// Half a unit in the last of the four digits that the author prints.
const TOLERANCE: f64 = 5e-5;

/// Columns that a number takes, and those of a word beside a row.
const NUMBER: usize = 8;
const WORD: usize = 9;

/// Writes the page and remembers every miss.
pub struct Comparison {
    out: Box<dyn Inked>,
    pub published: Published,
    /// Whether the page has the tokens already.
    has_inputs: bool,
    compared: usize,
    misses: Vec<String>,
}

/// A matrix on the page.
pub struct Shown<'a> {
    pub ink: Ink,
    pub name: &'a str,
    pub matrix: Tensor<2>,
}

impl Comparison {
    pub fn new(out: impl Inked + 'static, published: Published) -> Self {
        Self { out: Box::new(out), published, has_inputs: false, compared: 0, misses: Vec::new() }
    }

    /// The heading of a step of the lecture; an equation may have several lines.
    pub fn step(&mut self, title: &str, equation: &str) -> io::Result<()> {
        writeln!(self.out)?;
        self.out.ink(Ink::Title, title)?;
        writeln!(self.out)?;
        equation.lines().try_for_each(|line| self.line(line))
    }

    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{}", format!("    {line}").trim_end())
    }

    /// A line of pieces, each with its ink.
    pub fn pieces(&mut self, pieces: &[(Ink, &str)]) -> io::Result<()> {
        write!(self.out, "{}", if pieces.is_empty() { "" } else { "    " })?;
        pieces.iter().try_for_each(|(ink, text)| self.out.ink(*ink, text))?;
        writeln!(self.out)
    }

    /// Prints the shape of something that is not compared.
    pub fn shape<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) -> io::Result<()> {
        writeln!(self.out, "    {name:<34} {}", shape(&tensor.dims()))
    }

    /// Prints the tokens, a row each, unless the page has them.
    pub fn inputs(&mut self) -> io::Result<()> {
        if self.has_inputs {
            return Ok(());
        }
        self.has_inputs = true;
        let matrix = self.published.inputs().squeeze_dim::<2>(0);
        self.matrices(&[Shown { ink: Ink::Plain, name: "x, a row for each token", matrix }])
    }

    /// Prints matrices of as many rows beside each other; a row of each token begins with its word.
    pub fn matrices(&mut self, shown: &[Shown]) -> io::Result<()> {
        let blocks = shown.iter().map(|Shown { ink, name, matrix }| {
            let [rows, columns] = matrix.dims();
            (*ink, format!("{name} {}", shape(&[rows, columns])), columns, values(matrix))
        });
        let blocks: Vec<(Ink, String, usize, Vec<f64>)> = blocks.collect();
        let Some([n_rows, _]) = shown.first().map(|shown| shown.matrix.dims()) else { return Ok(()) };
        let words = if n_rows == WORDS.len() { WORD } else { 0 };
        let width = |(_, name, columns, _): &(Ink, String, usize, Vec<f64>)| {
            // Numbers begin with a blank.
            name.chars().count().max(columns * NUMBER) + 2
        };
        // One name stands above the words as well.
        let indent = if blocks.len() > 1 { words } else { 0 };
        write!(self.out, "    {:indent$}", "")?;
        for (index, block) in blocks.iter().enumerate() {
            let width = if index + 1 < blocks.len() { width(block) } else { 0 };
            self.out.ink(block.0, &format!("{:<width$}", block.1))?;
        }
        if let [(_, _, columns, _)] = blocks[..]
            && columns == WORDS.len()
        {
            writeln!(self.out)?;
            self.keys(words)?;
        }
        for row in 0..n_rows {
            let word = WORDS.get(row).filter(|_| words > 0).unwrap_or(&"");
            let mut line = format!("    {word:<words$}");
            for block in &blocks {
                let (columns, width) = (block.2, width(block));
                line += &format!("{:<width$}", numbers(&block.3[row * columns..(row + 1) * columns]));
            }
            write!(self.out, "\n{}", line.trim_end())?;
        }
        writeln!(self.out)
    }

    /// Prints our numbers, and beside each row whether it is the one that is published at a JSON pointer; where it is
    /// not, that row as well.
    pub fn compare<const D: usize>(&mut self, name: &str, ours: Tensor<D>, pointer: &str) -> io::Result<()> {
        let published = self.published.array::<2>(pointer);
        let [rows, columns] = published.dims();
        let (ours, published) = (values(&ours), values(&published));
        let largest = self.check(name, &ours, &published, TOLERANCE);
        let words = if rows == WORDS.len() { WORD } else { 0 };
        let what = format!("{name} {}", shape(&[rows, columns]));
        let found = format!("{} printed, largest difference {largest:.1e}", rows * columns);
        self.pieces(&[(Ink::Plain, &format!("{what:<34} ")), (Ink::Quiet, &found)])?;
        if columns == WORDS.len() {
            self.keys(words)?;
            writeln!(self.out)?;
        }
        for (row, (ours, published)) in ours.chunks(columns).zip(published.chunks(columns)).enumerate() {
            let word = if words > 0 { WORDS[row] } else { "" };
            let line = format!("{word:<words$}{}  ", numbers(ours));
            if ours.iter().zip(published).all(|(ours, published)| (ours - published).abs() <= TOLERANCE) {
                self.pieces(&[(Ink::Plain, &line), (Ink::Good, "✓")])?;
            } else {
                self.pieces(&[(Ink::Plain, &line), (Ink::Bad, "✗")])?;
                self.pieces(&[(Ink::Bad, &format!("{:<words$}{}  printed", "", numbers(published)))])?;
            }
        }
        Ok(())
    }

    /// The words above the columns of a matrix whose rows have so many columns for theirs.
    fn keys(&mut self, words: usize) -> io::Result<()> {
        let keys = WORDS.map(|word| format!("{word:>NUMBER$}")).concat();
        self.out.ink(Ink::Quiet, &format!("    {:words$}{keys}", ""))
    }

    /// Prints one number, and whether it is that of the reference, both to four significant digits.
    pub fn compare_number(&mut self, name: &str, ours: f64, published: f64) -> io::Result<()> {
        let last_digit = 10_f64.powi(published.abs().log10().floor() as i32 - 3);
        let misses = self.misses.len();
        let difference = self.check(name, &[ours], &[published], last_digit / 2.0);
        let line = format!("{name:<34} {ours:>9.3e}  ");
        if self.misses.len() == misses {
            return self.pieces(&[(Ink::Plain, &line), (Ink::Good, "✓")]);
        }
        let reference = format!("✗ reference {published:.3e}, difference {difference:.1e}");
        self.pieces(&[(Ink::Plain, &line), (Ink::Bad, &reference)])
    }

    /// Closes the page; whether everything agreed.
    pub fn verdict(mut self) -> io::Result<bool> {
        if !self.misses.is_empty() {
            let misses = counted(self.misses.len() as u64, "comparison");
            writeln!(self.out, "\n{misses} failed: {}", self.misses.join(", "))?;
            return Ok(false);
        }
        if self.compared > 0 {
            let compared = counted(self.compared as u64, "published number");
            writeln!(self.out, "\nall {compared} agree to the printed digits")?;
        }
        Ok(true)
    }

    fn check(&mut self, name: &str, ours: &[f64], published: &[f64], tolerance: f64) -> f64 {
        let difference = |(ours, published): (&f64, &f64)| (ours - published).abs();
        let largest = ours.iter().zip(published).map(difference).fold(0.0, f64::max);
        let finite = ours.iter().all(|value| value.is_finite());
        self.compared += published.len();
        if ours.len() != published.len() || !finite || largest > tolerance {
            self.misses.push(name.to_owned());
        }
        largest
    }
}

fn numbers(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:>NUMBER$.4}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[track_caller]
    fn check(agrees: bool, compare: impl FnOnce(&mut Comparison) -> io::Result<()>) {
        let mut page = Comparison::new(io::sink(), Published::new(&Device::flex()));
        compare(&mut page).expect("a sink takes everything");
        assert_eq!(page.verdict().expect("a sink takes everything"), agrees);
    }

    #[test]
    fn a_small_number_is_compared_to_its_own_digits() {
        for (ours, agrees) in [(1.9744e-5, true), (1.9746e-5, false), (0.0, false)] {
            check(agrees, |page| page.compare_number("loss", ours, 1.974e-5));
        }
    }

    #[test]
    fn a_difference_beyond_the_printed_digits_fails() {
        for (difference, agrees) in [(0.00004, true), (0.00006, false), (f64::NAN, false)] {
            check(agrees, |page| page.compare("x", page.published.inputs() + difference, "/inputs"));
        }
    }
}
