//! Many runs as one HTML file: script, style and numbers inside, nothing fetched.

use std::path::PathBuf;

use askama::Template;
use qkv_run::Evaluation;

use crate::embedded_json::embedded_json;
use crate::error::InspectError;
use crate::picture::label::clean_label;
use crate::runs::comparison::Comparison;
use crate::runs::figure::Figure;
use crate::runs::left_out::LeftOut;
use crate::runs::page::data::PageData;
use crate::runs::page::room;
use crate::runs::page::story::MAX_LEFT_OUT;
use crate::runs::record::RunRecord;
use crate::runs::setting::Setting;
use crate::runs::spread::Spread;
use crate::texts::filled;

const STYLE: &str =
    concat!(include_str!("../../../templates/page.css"), include_str!("../../../templates/runs.css"));

/// In the order in which they stand on the page: each uses what those before it define.
const SCRIPT: &str = concat!(
    include_str!("../../../templates/script/runs.js"),
    include_str!("../../../templates/script/texts.js"),
    include_str!("../../../templates/script/words.js"),
    include_str!("../../../templates/script/colours.js"),
    include_str!("../../../templates/script/cells.js"),
    include_str!("../../../templates/script/heat_map.js"),
    include_str!("../../../templates/script/plot.js"),
    include_str!("../../../templates/script/over_steps.js"),
    include_str!("../../../templates/script/pairs.js"),
    include_str!("../../../templates/script/spread.js"),
    include_str!("../../../templates/script/parallel.js"),
    include_str!("../../../templates/script/phase.js"),
    include_str!("../../../templates/script/choices.js"),
);

/// What a page shows beside a comparison.
pub struct Surroundings<'a> {
    /// Its title.
    pub title: &'a str,
    /// The runs that are not compared, each with the reason.
    pub left_out: &'a [(PathBuf, LeftOut)],
    /// The address of a run's own page, seen from this one; `None` where it has none.
    pub link: &'a dyn Fn(&RunRecord) -> Option<String>,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct Page {
    title: String,
    story: Vec<String>,
    best: Vec<BestRun>,
    style: &'static str,
    script: &'static str,
    data: String,
    n_keys: usize,
    keys: Vec<String>,
    figures: Vec<String>,
    settings: Vec<SettingRow>,
    runs: Vec<RunRow>,
    left_out: Vec<[String; 2]>,
}

struct BestRun {
    /// " of sort", or nothing.
    of_task: String,
    name: String,
    link: Option<String>,
    figures: String,
}

struct SettingRow {
    values: Vec<String>,
    runs: usize,
    figures: Vec<String>,
}

struct RunRow {
    name: String,
    link: Option<String>,
    seed: String,
    figures: Vec<String>,
}

impl Comparison {
    /// The comparison as an HTML page that works offline: curves, a heat map over two keys, every run as a dot, parallel
    /// coordinates and the phase change along a key. Every picture has a table, and everything can be reached with the
    /// keyboard. Where there are more settings than a page has room for, it has the best, and its first lines tell so.
    ///
    /// # Errors
    /// If the page could not be written down, which only a lack of memory can cause.
    pub fn html(&self, around: &Surroundings<'_>) -> Result<String, InspectError> {
        let shown = room::settings(self);
        let settings = || shown.iter().map(|&index| &self.settings[index]);
        let runs = settings().flat_map(|setting| &setting.runs).map(|&run| &self.runs[run]);
        let left_out = around.left_out.iter().take(MAX_LEFT_OUT).map(|(path, reason)| {
            [path.display().to_string(), reason.to_string()].map(|text| clean_label(&text))
        });
        let page = Page {
            title: clean_label(around.title),
            story: self.story(&shown, around.left_out.len()),
            best: self.best().into_iter().map(|best| best_run(&self.runs[best], around)).collect(),
            style: STYLE,
            script: SCRIPT,
            data: embedded_json(&PageData::new(self, &shown)),
            n_keys: self.keys.len(),
            keys: self.keys.iter().map(|key| clean_label(&key.name)).collect(),
            figures: self.figures.iter().map(Figure::title).collect(),
            settings: settings().map(|setting| self.setting_row(setting)).collect(),
            runs: runs.map(|run| run_row(run, &self.figures, around)).collect(),
            left_out: left_out.collect(),
        };
        let page = page.render().map_err(|error| InspectError::Picture { problem: error.to_string() })?;
        Ok(filled(&page))
    }

    fn setting_row(&self, setting: &Setting) -> SettingRow {
        let figure = |(figure, spread): (&Figure, &Option<Spread>)| match spread {
            None => "–".to_owned(),
            Some(spread) => {
                let [mean, least, most] =
                    [spread.mean, spread.least, spread.most].map(|value| figure.written(value));
                let range = spread.has_range().then(|| format!("{least} to {most}"));
                let some = (spread.n < setting.runs.len())
                    .then(|| format!("{} of {} runs", spread.n, setting.runs.len()));
                let more: Vec<String> = range.into_iter().chain(some).collect();
                if more.is_empty() { mean } else { format!("{mean} ({})", more.join(", ")) }
            }
        };
        SettingRow {
            values: self.values(setting).iter().map(|value| clean_label(&value.to_string())).collect(),
            runs: setting.runs.len(),
            figures: self.figures.iter().zip(&setting.figures).map(figure).collect(),
        }
    }
}

fn best_run(run: &RunRecord, around: &Surroundings<'_>) -> BestRun {
    let figures = [Evaluation::ACCURACY, Evaluation::LOSS].into_iter().filter_map(|name| {
        let figure = Figure::Measured(name.to_owned());
        Some(format!("{name} {}", figure.written(figure.of_run(run)?)))
    });
    BestRun {
        of_task: run.task.as_ref().map_or(String::new(), |task| clean_label(&format!(" of {task}"))),
        name: name(run),
        link: (around.link)(run),
        figures: figures.collect::<Vec<_>>().join(", "),
    }
}

fn run_row(run: &RunRecord, figures: &[Figure], around: &Surroundings<'_>) -> RunRow {
    let figure = |figure: &Figure| figure.of_run(run).map_or("–".to_owned(), |value| figure.written(value));
    RunRow {
        name: name(run),
        link: (around.link)(run),
        seed: run.seed.map_or("–".to_owned(), |seed| seed.to_string()),
        figures: figures.iter().map(figure).collect(),
    }
}

fn name(run: &RunRecord) -> String {
    clean_label(&run.path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::logged_run;
    use qkv_run::RunFolder;
    use std::collections::BTreeSet;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const EVIL: &str = "</script><img src=x onerror=alert(1)>";

    /// Two settings of two seeds; a score has this name.
    fn comparison(score: &str) -> Result<Comparison, Box<dyn std::error::Error>> {
        let mut runs = Vec::new();
        for (seed, heads, accuracy) in [(0, 1, 0.25), (1, 1, 0.75), (0, 2, 1.0), (1, 2, 0.5)] {
            let config = toml::toml! {
                seed = seed
                [task]
                name = "sort"
                [model]
                n_heads = heads
                score = (if heads == 1 { score } else { "dot" })
            };
            let log = format!(
                "{{\"event\":\"step\",\"step\":1,\"loss\":{heads}.0}}\n\
                 {{\"event\":\"eval\",\"step\":10,\"loss\":0.5,\"accuracy\":{accuracy}}}\n\
                 {{\"event\":\"done\",\"step\":10,\"loss\":0.5,\"accuracy\":{accuracy},\"seconds\":1.5}}\n"
            );
            let folder = logged_run(&config.to_string(), &log)?;
            let run = RunFolder::open(folder.path())?;
            runs.push(RunRecord::read(&run, &run.config()?, 0.75)?);
        }
        for (index, run) in runs.iter_mut().enumerate() {
            run.path = format!("runs/{index}{score}").into();
        }
        Ok(Comparison::new(runs, &BTreeSet::from(["model.n_heads".to_owned()]), 0.75))
    }

    fn page(score: &str, title: &str) -> Result<String, Box<dyn std::error::Error>> {
        let left_out = [(PathBuf::from(score), LeftOut::Unreadable { problem: score.to_owned() })];
        let link = |run: &RunRecord| (run.seed == Some(0)).then(|| "a%20b/report.html".to_owned());
        Ok(comparison(score)?.html(&Surroundings { title, left_out: &left_out, link: &link })?)
    }

    fn data(html: &str) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
        let start = html.find("id=\"study\">").ok_or("no data")? + "id=\"study\">".len();
        let end = start + html[start..].find("</script>").ok_or("no end")?;
        Ok(serde_json::from_str(html[start..end].trim())?)
    }

    #[test]
    fn no_label_can_leave_its_place() -> Outcome {
        let (plain, evil) = (page("additive", "study")?, page(EVIL, EVIL)?);
        let tags = |html: &str| html.matches('<').count();
        assert_eq!(tags(&evil), tags(&plain));
        assert!(!evil.contains("<img") && !evil.contains("alert(1)<"));
        assert_eq!(data(&evil)?["keys"][0]["values"][0], EVIL);
        Ok(())
    }

    #[test]
    fn the_script_gets_means_and_ranges_of_settings_and_the_figures_of_runs() -> Outcome {
        let html = page("additive", "study")?;
        let data = data(&html)?;
        assert_eq!(
            data["keys"],
            serde_json::json!([{ "name": "model.score", "values": ["additive", "dot"] }])
        );
        let names: Vec<&str> = data["figures"]
            .as_array()
            .ok_or("a list")?
            .iter()
            .filter_map(|figure| figure["name"].as_str())
            .collect();
        assert_eq!(names, ["accuracy", "loss", "phase_change", "steps", "seconds"]);
        let [dot, additive] = &data["settings"].as_array().ok_or("a list")?[..] else { panic!("two") };
        let half = serde_json::json!({ "n": 2, "mean": 0.5, "least": 0.25, "most": 0.75 });
        assert_eq!((&additive["figures"][0], &additive["runs"]), (&half, &serde_json::json!([2, 3])));
        let curve = serde_json::json!({ "steps": [10], "mean": [0.75], "least": [0.5], "most": [1.0] });
        let place = data["figures"][0]["curve"].as_u64().ok_or("a curve")? as usize;
        assert_eq!(dot["curves"][place], curve);
        assert_eq!(dot["curves"][0]["mean"], serde_json::json!([2.0]));
        assert_eq!(data["runs"][0]["figures"], serde_json::json!([1.0, 0.5, 10.0, 10.0, 1.5]));
        assert_eq!(data["runs"][2]["figures"][2], serde_json::Value::Null);
        // The same without a script.
        for text in [
            "<td>0.5000 (0.2500 to 0.7500)</td>",
            "<td>10 (1 of 2 runs)</td>",
            "4 runs of 2 settings: what differs is model.score (additive, dot).",
            "an accuracy of 0.75 or more",
            "follow from the others: model.n_heads.",
            "Best run of sort: <a href=\"a%20b/report.html\">runs/2additive</a>, accuracy 1.0000, loss 0.5000.",
            "Left out: 1 run; ",
            "<td class=\"differs\">additive</td>",
        ] {
            assert!(html.contains(text), "{text}");
        }
        Ok(())
    }

    #[test]
    fn the_page_fetches_nothing_and_has_a_name_for_everything() -> Outcome {
        let html = page("additive", "study")?;
        for fetching in
            ["http://", "https://", "src=", "url(", "@import", "fetch(", "XMLHttpRequest", "import("]
        {
            assert!(!html.contains(fetching), "{fetching}");
        }
        for needed in [
            "Content-Security-Policy",
            "lang=\"en\"",
            "aria-live",
            "prefers-color-scheme",
            "role: \"img\"",
            "<noscript>",
        ] {
            assert!(html.contains(needed), "{needed}");
        }
        Ok(())
    }
}
