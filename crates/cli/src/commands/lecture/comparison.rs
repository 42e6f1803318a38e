//! The page of the lecture: shapes, and computed numbers beside the published ones, compared to the printed digits.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::counted;

use super::published::Published;
use crate::output::format::{shape, values};

/// Half a unit in the last of the four digits that the author prints.
const TOLERANCE: f64 = 5e-5;

/// Rows of a matrix that are printed; all of them are compared.
const ROWS: usize = 6;

/// Writes the page and remembers every miss.
pub struct Comparison {
    out: Box<dyn Write>,
    pub published: Published,
    compared: usize,
    misses: Vec<String>,
}

impl Comparison {
    pub fn new(out: impl Write + 'static, published: Published) -> Self {
        Self { out: Box::new(out), published, compared: 0, misses: Vec::new() }
    }

    /// The heading of a step of the lecture.
    pub fn step(&mut self, title: &str, equation: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}\n    {equation}")
    }

    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "    {line}")
    }

    /// Prints the shape of something that is not compared.
    pub fn shape<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) -> io::Result<()> {
        writeln!(self.out, "    {name:<34} {}", shape(&tensor.dims()))
    }

    /// Prints ours beside the matrix that is published at a JSON pointer, and compares every number.
    pub fn compare<const D: usize>(&mut self, name: &str, ours: Tensor<D>, pointer: &str) -> io::Result<()> {
        let published = self.published.array::<2>(pointer);
        let [rows, columns] = published.dims();
        let (ours, published) = (values(&ours), values(&published));
        let largest = self.check(name, &ours, &published, TOLERANCE);
        writeln!(self.out, "    {name:<34} {}   largest difference {largest:.1e}", shape(&[rows, columns]))?;
        for (ours, published) in ours.chunks(columns).zip(published.chunks(columns)).take(ROWS) {
            writeln!(self.out, "        ours {}   published {}", row(ours), row(published))?;
        }
        Ok(())
    }

    /// Prints one number beside the reference, both to four significant digits, and compares them to these.
    pub fn compare_number(&mut self, name: &str, ours: f64, published: f64) -> io::Result<()> {
        let last_digit = 10_f64.powi(published.abs().log10().floor() as i32 - 3);
        let difference = self.check(name, &[ours], &[published], last_digit / 2.0);
        writeln!(
            self.out,
            "    {name:<34} ours {ours:.3e}   reference {published:.3e}   difference {difference:.1e}"
        )
    }

    /// Closes the page; whether everything agreed.
    pub fn verdict(mut self) -> io::Result<bool> {
        if self.misses.is_empty() {
            let compared = counted(self.compared as u64, "published number");
            writeln!(self.out, "\nall {compared} agree to the printed digits")?;
            return Ok(true);
        }
        let misses = counted(self.misses.len() as u64, "comparison");
        writeln!(self.out, "\n{misses} failed: {}", self.misses.join(", "))?;
        Ok(false)
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

fn row(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:>7.4}")).collect::<Vec<_>>().join(" ")
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
