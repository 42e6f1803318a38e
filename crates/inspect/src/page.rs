//! A film as one HTML file: script, style and numbers inside, nothing fetched.

use askama::Template;

use crate::error::InspectError;
use crate::film::{Film, Frame};
use crate::page_data::PageData;
use crate::scale::number;

/// The plot of loss and accuracy, in units of its view box.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
const MARGIN: f64 = 48.0;

/// Points of a curve; more are not told apart on a screen.
const MOST_POINTS: usize = 1000;

#[derive(Template)]
#[template(path = "film.html")]
struct Page<'a> {
    title: &'a str,
    story: Vec<String>,
    style: &'static str,
    script: &'static str,
    data: String,
    plot: Option<Plot>,
    rows: Vec<Row>,
    last: usize,
}

/// Loss and accuracy as lines.
struct Plot {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    most_step: u64,
    most_loss: String,
    loss: Vec<Point>,
    accuracy: Vec<Point>,
    described: String,
}

/// A place in the view box.
struct Point {
    x: f64,
    y: f64,
}

/// One frame in the table beside the plot.
struct Row {
    step: u64,
    loss: String,
    accuracy: String,
}

impl Film {
    /// The film as an HTML page that works offline: matrices as heat maps, the attention map, loss and accuracy, step by
    /// step. Every picture has a table beside it, and everything can be reached with the keyboard.
    ///
    /// # Errors
    /// If the page could not be written down, which only a lack of memory can cause.
    pub fn html(&self) -> Result<String, InspectError> {
        let page = Page {
            title: &self.title,
            story: self.story(),
            style: include_str!("../templates/film.css"),
            script: include_str!("../templates/film.js"),
            data: PageData::new(self).json(),
            plot: self.plot(),
            rows: self.rows(),
            last: self.frames.len() - 1,
        };
        page.render().map_err(|error| InspectError::Picture { problem: error.to_string() })
    }

    fn plot(&self) -> Option<Plot> {
        let losses = &self.metrics.losses;
        let last = *losses.last_key_value()?.0;
        let last_frame = self.frames.last().map_or(0, |frame| frame.step);
        let most_step = last.max(last_frame).max(1);
        let finite = losses.values().copied().filter(|loss| loss.is_finite());
        let most = finite.fold(0.0f64, f64::max);
        let (left, right, top, bottom) = (MARGIN, WIDTH - MARGIN, 12.0, HEIGHT - 24.0);
        let point = |step: u64, share: f64| Point {
            x: left + (right - left) * step as f64 / most_step as f64,
            y: bottom - (bottom - top) * share.clamp(0.0, 1.0),
        };
        let every = losses.len().div_ceil(MOST_POINTS);
        let shown = losses.iter().filter(|(_, loss)| loss.is_finite()).step_by(every.max(1));
        let scaled = |loss: f64| if most > 0.0 { loss / most } else { 0.0 };
        let evaluations = self.metrics.evaluations.iter();
        Some(Plot {
            width: WIDTH,
            height: HEIGHT,
            left,
            right,
            top,
            bottom,
            most_step,
            most_loss: number(most),
            loss: shown.map(|(step, loss)| point(*step, scaled(*loss))).collect(),
            accuracy: evaluations.map(|(step, found)| point(*step, found.accuracy)).collect(),
            described: format!("Training loss over {most_step} steps; the table below has its numbers."),
        })
    }

    fn rows(&self) -> Vec<Row> {
        let or_dash = |value: Option<f64>| value.map_or("–".to_owned(), number);
        let row = |frame: &Frame| Row {
            step: frame.step,
            loss: or_dash(frame.loss),
            accuracy: or_dash(frame.evaluation.map(|evaluation| evaluation.accuracy)),
        };
        self.frames.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Run;
    use crate::samples::{run_folder, tensors};
    use std::fs;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// The page of a run whose one snapshot has these tokens.
    fn page(tokens: &[&str; 2]) -> Result<String, Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 20])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let probe =
            serde_json::json!({ "tokens": tokens, "targets": tokens, "predictions": tokens }).to_string();
        let maps = [("a.weights", &[1, 2, 2][..], vec![0.0, 1.0, 1.0, 0.0])];
        let file = tensors(&maps, &[("probe", &probe)]);
        fs::write(folder.path().join("snapshots/step-00000010.safetensors"), file)?;
        let losses =
            "{\"event\":\"step\",\"step\":1,\"loss\":2.0}\n{\"event\":\"step\",\"step\":20,\"loss\":1.0}\n";
        fs::write(folder.path().join("metrics.jsonl"), losses)?;
        Ok(Film { title: "</title><b>".to_owned(), ..Film::read(&Run::open(folder.path())?)? }.html()?)
    }

    #[test]
    fn no_token_can_leave_its_place() -> Outcome {
        let plain = page(&["a", "b"])?;
        let evil = page(&["</script><script>alert(1)</script>", "\u{202e}\u{2028}<!--&\"'"])?;
        let tags = |html: &str| html.matches('<').count();
        // Nothing that a browser could take for markup comes from the tokens.
        assert_eq!(tags(&evil), tags(&plain));
        assert!(!evil.contains("alert(1)<") && !evil.contains("</title><b>") && !evil.contains('\u{2028}'));
        let start = evil.find("id=\"film\">").ok_or("no data")? + "id=\"film\">".len();
        let end = start + evil[start..].find("</script>").ok_or("no end")?;
        let data: serde_json::Value = serde_json::from_str(evil[start..end].trim())?;
        assert_eq!(data["snapshots"][0]["tokens"][0], "</script><script>alert(1)</script>");
        // What turns the line around, or ends it, is replaced.
        assert_eq!(data["snapshots"][0]["tokens"][1], "\u{fffd}\u{fffd}<!--&\"'");
        assert_eq!(data["layers"][0]["heads"][2][0]["limit"], 21.0);
        Ok(())
    }

    #[test]
    fn the_page_fetches_nothing() -> Outcome {
        let html = page(&["a", "b"])?;
        for fetching in
            ["http://", "https://", "src=", "href=", "url(", "@import", "fetch(", "XMLHttpRequest", "import("]
        {
            assert!(!html.contains(fetching), "{fetching}");
        }
        assert!(html.contains("Content-Security-Policy"));
        Ok(())
    }

    #[test]
    fn everything_has_a_name_and_a_table() -> Outcome {
        let html = page(&["a", "b"])?;
        for needed in [
            "lang=\"en\"",
            "<title>",
            "aria-live",
            "<table",
            "prefers-color-scheme",
            "role=\"img\"",
            "<noscript>",
        ] {
            assert!(html.contains(needed), "{needed}");
        }
        assert!(html.contains("The training loss fell from 2.00 at step 1 to 1.00 at step 20"));
        Ok(())
    }
}
