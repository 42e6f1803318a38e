//! A film as one HTML file: script, style and numbers inside, nothing fetched.

use askama::Template;

use crate::embedded_json::embedded_json;
use crate::error::InspectError;
use crate::files::layer_kind::LayerKind;
use crate::film::frames::Film;
use crate::film::page::data::PageData;
use crate::film::page::logged_plot::LoggedPlot;
use crate::film::page::plot::Plot;
use crate::film::page::tables::{HeadRow, Row, Variant, unbroken};
use crate::heads::profile::HeadProfile;
use crate::picture::label::clean_label;
use crate::texts::{Text, filled};

const STYLE: &str =
    concat!(include_str!("../../../templates/page.css"), include_str!("../../../templates/stage.css"));

/// In the order in which they stand on the page: each uses what those before it define.
const SCRIPT: &str = concat!(
    include_str!("../../../templates/script/film.js"),
    include_str!("../../../templates/script/texts.js"),
    include_str!("../../../templates/script/words.js"),
    include_str!("../../../templates/script/colours.js"),
    include_str!("../../../templates/script/cells.js"),
    include_str!("../../../templates/script/heat_map.js"),
    include_str!("../../../templates/script/plot.js"),
    include_str!("../../../templates/script/formula.js"),
    include_str!("../../../templates/script/address.js"),
    include_str!("../../../templates/script/stage/sides.js"),
    include_str!("../../../templates/script/stage/moment.js"),
    include_str!("../../../templates/script/stage/numbers.js"),
    include_str!("../../../templates/script/stage/worked.js"),
    include_str!("../../../templates/script/stage/pipeline.js"),
    include_str!("../../../templates/script/stage/pipeline_drawing.js"),
    include_str!("../../../templates/script/stage/tokens.js"),
    include_str!("../../../templates/script/stage/plane.js"),
    include_str!("../../../templates/script/stage/map_view.js"),
    include_str!("../../../templates/script/stage/matrix_view.js"),
    include_str!("../../../templates/script/stage/sentences.js"),
    include_str!("../../../templates/script/stage/beats.js"),
    include_str!("../../../templates/script/stage/table.js"),
    include_str!("../../../templates/script/stage/stage.js"),
    include_str!("../../../templates/script/stage/timeline.js"),
    include_str!("../../../templates/script/svg_context.js"),
    include_str!("../../../templates/script/pictures.js"),
    include_str!("../../../templates/script/stage/player.js"),
    include_str!("../../../templates/script/film/curves.js"),
    include_str!("../../../templates/script/film/maps.js"),
    include_str!("../../../templates/script/film/matrices.js"),
    include_str!("../../../templates/script/film/columns.js"),
    include_str!("../../../templates/script/stage/chapters.js"),
    include_str!("../../../templates/script/film/controls.js"),
);

#[derive(Template)]
#[template(path = "film.html")]
struct Page<'a> {
    title: &'a str,
    story: Vec<String>,
    shapes: Vec<[String; 2]>,
    /// Whether keys and values in them are made of a source.
    has_source: bool,
    style: &'static str,
    script: &'static str,
    data: String,
    plot: Option<Plot>,
    logged: Vec<LoggedPlot>,
    more_logged: Vec<String>,
    rows: Vec<Row>,
    figures: [&'static str; 9],
    heads: Vec<HeadRow>,
    variants: Vec<Variant>,
}

impl Page<'_> {
    fn text(&self, key: &str) -> Text {
        Text::of(key)
    }
}

impl Film {
    /// The film as an HTML page that works offline: attention maps, matrices, circuits, gradients, loss and accuracy,
    /// step by step, and at the end the other runs beside it. Every picture has a table beside it, and everything can
    /// be reached with the keyboard. A large run is read with [`Frame::max_on_page`](crate::Frame::max_on_page), or its page takes a browser too
    /// long.
    ///
    /// # Errors
    /// If the page could not be written down, which only a lack of memory can cause.
    pub fn html(&self, others: &[Self]) -> Result<String, InspectError> {
        let (logged, more_logged) = LoggedPlot::all(self, others);
        let data = PageData::new(self, others);
        let sentences = self.story();
        let page = Page {
            title: &clean_label(&self.title),
            story: sentences.iter().chain(&data.left_out).map(|sentence| unbroken(sentence)).collect(),
            shapes: self.shapes().unwrap_or_default(),
            has_source: self.main_layer().is_some_and(|layer| LayerKind::of(layer) == LayerKind::Cross),
            style: STYLE,
            script: SCRIPT,
            data: embedded_json(&data),
            plot: Plot::new(self, others),
            logged,
            more_logged,
            rows: self.rows(),
            figures: HeadProfile::FIGURES,
            heads: self.heads(),
            variants: self.variants(others),
        };
        let page = page.render().map_err(|error| InspectError::Picture { problem: error.to_string() })?;
        Ok(filled(&page))
    }

    /// The numbers of the page alone, as JSON: what its script is given. Those of one frame have the form of those of
    /// many, so that a page that goes on can put them behind the ones that it has.
    pub fn json(&self) -> String {
        serde_json::to_string(&PageData::new(self, &[])).expect("numbers and strings")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{run_folder, tensors};
    use qkv_run::RunFolder;
    use std::collections::BTreeMap;
    use std::fs;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// The page of a run whose one snapshot has these tokens.
    fn page(tokens: &[&str; 2]) -> Result<String, Box<dyn std::error::Error>> {
        Ok(film(tokens, "</title><b>")?.html(&[])?)
    }

    fn film(tokens: &[&str; 2], title: &str) -> Result<Film, Box<dyn std::error::Error>> {
        let folder = run_folder(&[0, 20])?;
        fs::create_dir(folder.path().join("snapshots"))?;
        let probe =
            serde_json::json!({ "tokens": tokens, "targets": tokens, "predictions": tokens }).to_string();
        let maps = [("a.weights", &[1, 2, 2][..], vec![0.0, 1.0, 1.0, 0.0])];
        let file = tensors(&maps, &[("probe", &probe)]);
        fs::write(folder.path().join("snapshots/step-00000010.safetensors"), file)?;
        let log = "{\"event\":\"step\",\"step\":1,\"loss\":2.0}\n\
                   {\"event\":\"step\",\"step\":20,\"loss\":1.0}\n\
                   {\"event\":\"eval\",\"step\":20,\"accuracy\":0.225}\n";
        fs::write(folder.path().join("metrics.jsonl"), log)?;
        let run = RunFolder::open(folder.path())?;
        let mut contents = run.at(20)?.read()?;
        contents.description.vocabulary = vec!["</script>".to_owned(), "b".to_owned()];
        run.write_checkpoint(20, &contents)?;
        Ok(Film { title: title.to_owned(), ..Film::read(&run)? })
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
        assert_eq!(data["probes"][0]["tokens"][0], "</script><script>alert(1)</script>");
        // What turns the line around, or ends it, is replaced.
        assert_eq!(data["probes"][0]["tokens"][1], "\u{fffd}\u{fffd}<!--&\"'");
        assert_eq!(data["vocabulary"][0], "</script>");
        assert_eq!(data["layers"][0]["heads"][2]["raw"][0]["frames"][2]["limit"], 21.0);
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
    fn beside_other_runs_every_curve_names_its_own() -> Outcome {
        let [one, other] = [film(&["a", "b"], "one")?, film(&["a", "b"], "other")?];
        let accuracy = "accuracy on held-out answers";
        assert!(one.html(&[])?.contains(&format!("{accuracy}, right axis")));
        let both = one.html(&[other])?;
        for name in [
            "training loss of one, left",
            "training loss of other, left",
            &format!("{accuracy} of one, right"),
        ] {
            assert!(both.contains(name), "{name}");
        }
        assert!(both.contains("22.5\u{a0}%") && !both.contains("22.5 %"));
        Ok(())
    }

    #[test]
    fn what_observers_have_logged_has_a_curve_and_a_table() -> Outcome {
        let mut film = film(&["a", "b"], "one")?;
        let values = BTreeMap::from([(0, 2.5), (20, 1.5)]);
        film.metrics.custom.insert(("<b>".to_owned(), "norm".to_owned()), values);
        let html = film.html(&[])?;
        let heading = html.find("<h3>&#60;b&#62; logged norm</h3>").ok_or("no heading")?;
        let section = &html[heading..heading + html[heading..].find("</details>").ok_or("no table")?];
        for part in ["<svg", "<polyline", ">2.500</text>", ">1.500</text>", "<td>2.500</td>", "role=\"img\""]
        {
            assert!(section.contains(part), "{part}: {section}");
        }
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
        // Of two tokens, the first attends to the second and the second to the first.
        assert!(html.contains(
            "layer 0, head 0</th><td>1.000</td><td>1.000</td><td>1.000</td><td>-</td><td>-</td><td>1.000</td>"
        ));
        assert!(html.contains("The training loss fell from 2.000 at step 1 to 1.000 at step 20"));
        Ok(())
    }
}
