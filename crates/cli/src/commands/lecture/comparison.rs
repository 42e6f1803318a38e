//! The page of the lecture: shapes, and computed numbers beside the published ones, compared to the printed digits.

use std::io::{self, Write};

use burn::tensor::Tensor;
use qkv_inspect::counted;

/// Half a unit in the last of the four digits that the author prints.
const TOLERANCE: f64 = 5e-5;

/// Rows of a matrix that are printed; all of them are compared.
const ROWS: usize = 6;

/// Writes the page and remembers every miss.
pub struct Comparison<W> {
    out: W,
    compared: usize,
    misses: Vec<String>,
}

impl<W: Write> Comparison<W> {
    /// An empty page.
    pub fn new(out: W) -> Self {
        Self { out, compared: 0, misses: Vec::new() }
    }

    /// The heading of a step of the lecture.
    pub fn step(&mut self, title: &str, equation: &str) -> io::Result<()> {
        writeln!(self.out, "\n{title}\n    {equation}")
    }

    /// A line of text.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "    {line}")
    }

    /// Prints the shape of something that is not compared.
    pub fn shape<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>) -> io::Result<()> {
        writeln!(self.out, "    {name:<34} {}", shape(&tensor.dims()))
    }

    /// Prints ours beside what was published, and compares every number.
    pub fn compare<const D: usize, const P: usize>(
        &mut self,
        name: &str,
        ours: Tensor<D>,
        published: Tensor<P>,
    ) -> io::Result<()> {
        let dims = published.dims();
        let columns = dims[P - 1];
        let ours: Vec<f64> = ours.into_data().iter::<f64>().collect();
        let published: Vec<f64> = published.into_data().iter::<f64>().collect();
        let largest = self.check(name, &ours, &published, TOLERANCE);
        writeln!(self.out, "    {name:<34} {}   largest difference {largest:.1e}", shape(&dims))?;
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
        let (compared, misses) = (self.compared, self.misses);
        if misses.is_empty() {
            writeln!(
                self.out,
                "\nall {} agree to the printed digits",
                counted(compared as u64, "published number")
            )?;
            return Ok(true);
        }
        let (misses, list) = (counted(misses.len() as u64, "comparison"), misses.join(", "));
        writeln!(self.out, "\n{misses} failed: {list}")?;
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

fn shape(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    format!("[{}]", dims.join(" × "))
}

fn row(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:>7.4}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn verdict_on(ours: f32) -> bool {
        let device = Device::flex();
        let mut page = Comparison::new(Vec::new());
        let ours = Tensor::<1>::from_floats([ours, 1.0], &device);
        page.compare("x", ours, Tensor::<1>::from_floats([0.5, 1.0], &device))
            .expect("a vector takes everything");
        page.verdict().expect("a vector takes everything")
    }

    #[test]
    fn a_small_number_is_compared_to_its_own_digits() {
        for (ours, agrees) in [(1.9744e-5, true), (1.9746e-5, false), (0.0, false)] {
            let mut page = Comparison::new(Vec::new());
            page.compare_number("loss", ours, 1.974e-5).expect("a vector takes everything");
            assert_eq!(page.verdict().expect("a vector takes everything"), agrees, "{ours}");
        }
    }

    #[test]
    fn a_difference_beyond_the_printed_digits_fails() {
        assert!(verdict_on(0.50004));
        assert!(!verdict_on(0.50006));
        assert!(!verdict_on(f32::NAN));
    }
}
