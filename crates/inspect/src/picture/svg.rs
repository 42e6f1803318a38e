//! Pictures as SVG: self-contained, with no script, no font file and nothing fetched.

use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea;

use crate::error::InspectError;
use crate::picture::heat_map_drawing::Drawing;

pub(crate) fn svg(drawing: &impl Drawing) -> Result<String, InspectError> {
    let mut svg = String::new();
    let canvas = SVGBackend::with_string(&mut svg, drawing.size()).into_drawing_area();
    drawing.draw(&canvas).map_err(|error| InspectError::Picture { problem: error.to_string() })?;
    drop(canvas);
    Ok(with_title(&svg, drawing.title()))
}

/// What the backend writes although it is the default; without it a picture is a third smaller. A label cannot hold
/// these bytes, because quotes are escaped in it.
const DEFAULTS: [&str; 2] = [" opacity=\"1\"", " stroke=\"none\""];

/// Screen readers, and the browser's hint, take a picture's name from a `title` element.
fn with_title(svg: &str, title: &str) -> String {
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
        // Orange, white and blue of side 39, between lines of one pixel.
        for colour in ["#E07B00", "#ECEEF0", "#1F8FE0"] {
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
}
