//! Heat maps as pictures: self-contained SVG with no script, no font file and nothing fetched, or PNG.

use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;

use crate::error::InspectError;
use crate::picture::heat_map::HeatMap;
use crate::picture::heat_map_drawing::draw;
use crate::picture::layout::Layout;
use crate::picture::raster::{Raster, png};

impl HeatMap<'_> {
    /// The map as an SVG picture: cells (with their numbers where there is room), labels, axes and a colour bar.
    ///
    /// ```
    /// use qkv_inspect::{HeatMap, Matrix, Palette};
    ///
    /// let w_q = Matrix::new(1, 2, vec![0.5, -0.25])?.with_axes("d_in", "d_k");
    /// let svg = HeatMap::new(&w_q, Palette::Diverging).with_title("W_Q").svg()?;
    /// assert!(svg.starts_with("<svg") && svg.contains("<title>W_Q</title>"));
    /// # Ok::<(), qkv_inspect::InspectError>(())
    /// ```
    ///
    /// # Errors
    /// If the drawing library fails, which it has no reason to do in memory.
    pub fn svg(&self) -> Result<String, InspectError> {
        let mut prepared = self.prepare();
        prepared.notes.insert(0, self.values_note());
        let layout = Layout::new(&prepared);
        let mut svg = String::new();
        let canvas = SVGBackend::with_string(&mut svg, layout.size).into_drawing_area();
        draw(&canvas, &prepared, &layout).map_err(|e| InspectError::Picture { problem: e.to_string() })?;
        drop(canvas);
        Ok(with_title(&svg, prepared.title))
    }

    /// The same picture as PNG, at twice the size.
    ///
    /// # Errors
    /// As [`svg`](Self::svg).
    pub fn png(&self) -> Result<Vec<u8>, InspectError> {
        let mut prepared = self.prepare();
        prepared.notes.insert(0, self.values_note());
        let layout = Layout::new(&prepared);
        let mut pixels = Vec::new();
        let canvas = Raster::new(&mut pixels, layout.size).into_drawing_area();
        draw(&canvas, &prepared, &layout).map_err(|e| InspectError::Picture { problem: e.to_string() })?;
        drop(canvas);
        png(&pixels, layout.size)
    }
}

/// What the backend writes although it is the default; without it a picture is a third smaller. A label cannot hold
/// these bytes, because quotes are escaped in it.
const DEFAULTS: [&str; 2] = [" opacity=\"1\"", " stroke=\"none\""];

/// Screen readers, and the browser's hint, take a picture's name from a `title` element.
pub(crate) fn with_title(svg: &str, title: &str) -> String {
    let name = title.replace('&', "&amp;").replace('<', "&lt;");
    let svg = DEFAULTS.iter().fold(svg.to_owned(), |svg, default| svg.replace(default, ""));
    match svg.split_once('>') {
        Some((open, rest)) => format!("{open} role=\"img\">\n<title>{name}</title>{rest}"),
        None => svg,
    }
}

#[cfg(test)]
mod tests {
    use crate::{HeatMap, InspectError, Matrix, Palette};

    fn matrix(rows: usize, columns: usize, value: impl Fn(usize) -> f64) -> Result<Matrix, InspectError> {
        Matrix::new(rows, columns, (0..rows * columns).map(value).collect())
    }

    #[test]
    fn every_value_is_a_cell_of_its_colour() -> Result<(), InspectError> {
        let w_q = matrix(1, 3, |i| i as f64 - 1.0)?;
        let svg = HeatMap::new(&w_q, Palette::Diverging).svg()?;
        // Blue, white and red of side 39, between lines of one pixel.
        for colour in ["#053061", "#F7F7F7", "#67001F"] {
            let cell = format!("width=\"39\" height=\"39\" fill=\"{colour}\"");
            assert_eq!(svg.matches(&cell).count(), 1, "{colour}");
        }
        assert!(svg.contains("\n-1.00\n") && svg.contains("\nvalues from -1.000 to 1.000\n"));
        Ok(())
    }

    #[test]
    fn nothing_that_a_label_says_is_taken_for_markup() -> Result<(), InspectError> {
        let weights = matrix(1, 1, |_| 1.0)?;
        let svg = HeatMap::new(&weights, Palette::Sequential)
            .with_title("<script> & co\u{0}")
            .with_labels(&["</svg>"], &["\u{1b}\""])
            .svg()?;
        assert!(svg.contains("<title>&lt;script> &amp; co\u{2400}</title>"));
        assert!(svg.contains("&lt;/svg&gt;") && svg.contains("␛&quot;"));
        assert!(!svg.contains("<script") && svg.matches("</svg>").count() == 1);
        Ok(())
    }

    #[test]
    fn what_is_not_finite_is_crossed_out_and_counted() -> Result<(), InspectError> {
        let non_finite = matrix(1, 2, |i| if i == 0 { f64::NAN } else { 1.0 })?;
        let svg = HeatMap::new(&non_finite, Palette::Sequential).svg()?;
        assert!(svg.contains("#BBBBBB") && svg.contains("1 value is NaN or infinite"));
        assert!(!svg.contains("\nNaN\n"));
        Ok(())
    }

    #[test]
    fn a_large_matrix_is_reduced_and_says_so() -> Result<(), InspectError> {
        let large = matrix(131, 67, |i| i as f64)?;
        let svg = HeatMap::new(&large, Palette::Sequential).svg()?;
        assert!(svg.contains("131x67 values, reduced: each cell is a block of 3x2, shown by its average"));
        Ok(())
    }
}
