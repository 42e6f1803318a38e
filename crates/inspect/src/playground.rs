//! The live page: the trainer as a WebAssembly module, inside the page that draws what it does.

use askama::Template;
use serde::Serialize;

use crate::embedded_json::embedded_json;
use crate::error::InspectError;
use crate::film::page::quantized::base64;
use crate::picture::palette::PaletteStops;
use crate::texts::filled;

const STYLE: &str = concat!(
    include_str!("../templates/page.css"),
    include_str!("../templates/stage.css"),
    include_str!("../templates/live.css"),
    include_str!("../templates/question.css"),
    include_str!("../templates/lanes.css"),
    include_str!("../templates/guess.css"),
    include_str!("../templates/lecture.css"),
    include_str!("../templates/reach.css")
);

/// What the worker is made of, in its order.
const WORKER: &str = concat!(
    include_str!("../templates/script/live/worker/session.js"),
    include_str!("../templates/script/live/worker/group.js"),
    include_str!("../templates/script/live/worker/edits.js"),
    include_str!("../templates/script/live/worker/worker.js")
);

/// In the order in which they stand on the page: each uses what those before it define.
const SCRIPT: &str = concat!(
    "\"use strict\";\n",
    include_str!("../templates/script/texts.js"),
    include_str!("../templates/script/words.js"),
    include_str!("../templates/script/colours.js"),
    include_str!("../templates/script/cells.js"),
    include_str!("../templates/script/heat_map.js"),
    include_str!("../templates/script/plot.js"),
    include_str!("../templates/script/formula.js"),
    include_str!("../templates/script/address.js"),
    include_str!("../templates/script/stage/sides.js"),
    include_str!("../templates/script/stage/moment.js"),
    include_str!("../templates/script/stage/numbers.js"),
    include_str!("../templates/script/stage/worked.js"),
    include_str!("../templates/script/stage/pipeline.js"),
    include_str!("../templates/script/stage/pipeline_drawing.js"),
    include_str!("../templates/script/stage/tokens.js"),
    include_str!("../templates/script/stage/plane.js"),
    include_str!("../templates/script/stage/map_view.js"),
    include_str!("../templates/script/stage/matrix_view.js"),
    include_str!("../templates/script/stage/sentences.js"),
    include_str!("../templates/script/stage/stage.js"),
    include_str!("../templates/script/stage/timeline.js"),
    include_str!("../templates/script/stage/lane_curves.js"),
    include_str!("../templates/script/svg_context.js"),
    include_str!("../templates/script/pictures.js"),
    include_str!("../templates/script/stage/beats.js"),
    include_str!("../templates/script/stage/chapters.js"),
    include_str!("../templates/script/live/texts.js"),
    include_str!("../templates/script/live/lecture/station_texts.js"),
    include_str!("../templates/script/live/runs/gauge.js"),
    include_str!("../templates/script/live/runs/append.js"),
    include_str!("../templates/script/live/companions.js"),
    include_str!("../templates/script/live/trainer.js"),
    include_str!("../templates/script/live/message.js"),
    include_str!("../templates/script/live/question/text_source.js"),
    include_str!("../templates/script/live/question/fields.js"),
    include_str!("../templates/script/live/question/settings.js"),
    include_str!("../templates/script/live/question/question.js"),
    include_str!("../templates/script/live/question/own_input.js"),
    include_str!("../templates/script/live/time/journey.js"),
    include_str!("../templates/script/live/question/address_text.js"),
    include_str!("../templates/script/live/question/address.js"),
    include_str!("../templates/script/live/runs/lane.js"),
    include_str!("../templates/script/live/runs/lane_choice.js"),
    include_str!("../templates/script/live/failures.js"),
    include_str!("../templates/script/live/reach/undo.js"),
    include_str!("../templates/script/live/time/pace.js"),
    include_str!("../templates/script/live/page.js"),
    include_str!("../templates/script/live/runs/lanes.js"),
    include_str!("../templates/script/live/keys.js"),
    include_str!("../templates/script/live/time/slow_motion.js"),
    include_str!("../templates/script/live/lecture/guess.js"),
    include_str!("../templates/script/live/time/pin.js"),
    include_str!("../templates/script/live/time/stills.js"),
    include_str!("../templates/script/live/lecture/stations.js"),
    include_str!("../templates/script/live/lecture/lecture.js"),
    include_str!("../templates/script/live/lecture/presenter.js"),
    include_str!("../templates/script/live/reach/reach_texts.js"),
    include_str!("../templates/script/live/reach/reach_card.js"),
    include_str!("../templates/script/live/reach/reach.js"),
    include_str!("../templates/script/live/reach/cell_field.js"),
    include_str!("../templates/script/live/reach/cell_editing.js"),
    include_str!("../templates/script/live/reach/arrow_dragging.js"),
    include_str!("../templates/script/live/reach/wanted_map.js"),
    include_str!("../templates/script/live/question/opened.js"),
    include_str!("../templates/script/live/question/take_along.js"),
    include_str!("../templates/script/live/test.js"),
    include_str!("../templates/script/live/letters.js"),
);

/// Stands in a page that begins with nothing, once.
const NOTHING: &str = "\"beginning\":null}</script>";

#[derive(Template)]
#[template(path = "playground.html")]
struct Page {
    style: &'static str,
    data: String,
    module: String,
    worker: &'static str,
    script: &'static str,
}

#[derive(Serialize)]
struct PageData {
    palettes: PaletteStops,
    /// What it begins with; the last key.
    beginning: Option<()>,
}

/// A run that a live page begins with.
#[derive(Debug, Clone, Copy)]
pub struct PlaygroundRun<'a> {
    /// Its config, as TOML.
    pub config: &'a str,
    /// The bytes of a `model.safetensors`; `None` for the weights that the seed decides.
    pub weights: Option<&'a [u8]>,
    /// The bytes of the text that it learns, where its task has one.
    pub text: Option<&'a [u8]>,
}

#[derive(Serialize)]
struct Beginning<'a> {
    config: &'a str,
    weights: Option<String>,
    text: Option<String>,
}

/// The live page around a WebAssembly module of `qkv-web`, gzipped: one HTML file, which needs no network.
///
/// # Errors
/// If the page could not be written down, which only a lack of memory can cause.
pub fn playground_page(module: &[u8]) -> Result<String, InspectError> {
    let data = embedded_json(&PageData { palettes: PaletteStops::all(), beginning: None });
    let page = Page { style: STYLE, data, module: base64(module), worker: WORKER, script: SCRIPT };
    let page = page.render().map_err(|error| InspectError::Picture { problem: error.to_string() })?;
    Ok(filled(&page))
}

/// The same page with a run in it; `None` where `page` is not one that [`playground_page`] made.
///
/// ```
/// use qkv_inspect::{PlaygroundRun, playground_of_run, playground_page};
///
/// let page = playground_page(b"a module")?;
/// let run = PlaygroundRun { config: "task = \"reverse\"", weights: Some(b"foo"), text: None };
/// let of_run = playground_of_run(&page, run).expect("it is a live page");
/// assert!(of_run.contains(r#"{"config":"task = \"reverse\"","weights":"Zm9v","text":null}"#));
/// assert_eq!(playground_of_run("<html>", run), None);
/// # Ok::<(), qkv_inspect::InspectError>(())
/// ```
pub fn playground_of_run(page: &str, run: PlaygroundRun<'_>) -> Option<String> {
    let (before, after) = page.split_once(NOTHING)?;
    let PlaygroundRun { config, weights, text } = run;
    let beginning = Beginning { config, weights: weights.map(base64), text: text.map(base64) };
    let beginning = embedded_json(&beginning);
    Some(format!("{before}\"beginning\":{beginning}}}</script>{after}"))
}
