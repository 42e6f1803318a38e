//! The tables of the page of a film: its frames, its heads, and the runs beside it.

use qkv_run::Evaluation;

use crate::files::metrics::Metrics;
use crate::film::frame::Frame;
use crate::film::frames::Film;
use crate::heads::composition::Composition;
use crate::heads::profile::{HeadProfile, profiles};
use crate::number::{share, significant};
use crate::picture::label::clean_label;
use crate::texts::Text;

/// One frame in the table beside the plot.
pub(super) struct Row {
    pub step: u64,
    pub loss: String,
    pub accuracy: String,
}

/// One head in the table of heads.
pub(super) struct HeadRow {
    pub name: String,
    pub figures: [String; 9],
    pub reads: String,
}

/// One run in the comparison.
pub(super) struct Variant {
    pub title: String,
    pub differs: String,
    pub loss: String,
    pub accuracy: String,
    pub sequences: String,
}

impl Film {
    /// This run and the others; none where there is nothing to compare.
    pub(super) fn variants(&self, others: &[Self]) -> Vec<Variant> {
        let percent = |share: Option<f64>| {
            share.map_or("–".to_owned(), |share| unbroken(&format!("{:.1} %", 100.0 * share)))
        };
        let variant = |film: &Self| {
            let Metrics { losses, evaluations, .. } = &film.metrics;
            let evaluation = evaluations.last_key_value().map(|(_, evaluation)| evaluation);
            let figure = |name| percent(evaluation.and_then(|evaluation| evaluation.figure(name)));
            let differs = match std::ptr::eq(film, self) {
                true => Text::of("film.runAbove").to_string(),
                false => film.config.differences(&self.config).join(", "),
            };
            Variant {
                title: clean_label(&film.title),
                differs: if differs.is_empty() {
                    Text::of("film.nothing").to_string()
                } else {
                    clean_label(&differs)
                },
                loss: or_dash(losses.last_key_value().map(|(_, loss)| *loss)),
                accuracy: figure(Evaluation::ACCURACY),
                sequences: figure(Evaluation::SEQUENCE_ACCURACY),
            }
        };
        match others {
            [] => Vec::new(),
            others => std::iter::once(self).chain(others).map(variant).collect(),
        }
    }

    /// The heads at the last frame that has matrices, with the last maps.
    pub(super) fn heads(&self) -> Vec<HeadRow> {
        let no_frame = Frame::default();
        let last = self.ends().map_or(&no_frame, |[_, last]| last);
        let probe = self.frames.iter().rev().find_map(|frame| frame.probes.first());
        let name = |layer: &str, head: usize| self.head_name(layer, head);
        let reads = |found: &Composition| {
            format!(
                "{} of {}: {}, {} deviations from random",
                found.kind.name(),
                name(&last.layers[found.from_layer].prefix, found.from_head),
                share(found.score),
                significant(found.deviations())
            )
        };
        let row = |profile: HeadProfile| HeadRow {
            name: name(&profile.layer, profile.head),
            figures: profile.figures(),
            reads: unbroken(&profile.compositions.iter().map(reads).collect::<Vec<_>>().join("; ")),
        };
        profiles(&last.layers, &last.embeddings, probe).into_iter().map(row).collect()
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let row = |frame: &Frame| Row {
            step: frame.step,
            loss: or_dash(frame.loss),
            accuracy: or_dash(frame.accuracy()),
        };
        self.frames.iter().map(row).collect()
    }
}

/// No line breaks before a sign of percent.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

fn or_dash(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), significant)
}
