//! `qkv report`: the film of a training as one offline page, and its pictures for papers and slides.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use qkv_inspect::{
    AboutTask, Circuit, Film, FilmStrip, Frame, HeatMap, Matrix, Palette, StreamInput, counted,
};
use qkv_train::{Experiment, Registry, answer_tokens};

use crate::args::ReportArgs;
use crate::output::files::page::{PageFile, written};
use crate::output::files::pictures::{Format, Picture, PictureFiles, maps, projections};
use crate::output::stdout::{Stdout, print_error};
use crate::session::runs::location::Location;
use crate::session::runs::open_run::check_to_show;

/// Writes the page.
pub fn run(args: &ReportArgs, registry: &Registry) -> Result<ExitCode> {
    let out_file = args.out.as_deref().map(PageFile::new).transpose()?;
    let files = |folder: &Option<PathBuf>, format| {
        folder.as_deref().map(|folder| PictureFiles::new(folder, format)).transpose()
    };
    let files = [files(&args.svg, Format::Svg)?, files(&args.png, Format::Png)?];
    let read = |path: &PathBuf, step: Option<u64>, settings: &[String]| {
        let location = Location::find(path, "--step", step)?;
        check_to_show(&location, settings, registry)?;
        let film = Film::read_evenly(&location.run, location.step, Frame::max_on_page)?;
        // A task that is not registered here, or lacks its text, has no summary; the rest is shown all the same.
        let experiment = registry.read_run(&location.run, location.step, settings).ok();
        let about = |Experiment { task, config, .. }: Experiment| AboutTask {
            summary: task.summary(),
            answers: answer_tokens(&*task, config.seed).unwrap_or_default(),
        };
        Ok::<_, anyhow::Error>(Film { task: experiment.map(about), ..film })
    };
    let film = read(&args.run, args.step, &args.settings)?;
    let others = args.others.iter().map(|path| read(path, None, &[])).collect::<Result<Vec<Film>>>()?;
    for film in others.iter().chain([&film]) {
        for (step, reason) in &film.unreadable {
            print_error(&format!(
                "warning: {} is shown without the frame of step {step}: {reason}",
                film.title
            ));
        }
    }
    let page = film.html(&others)?;
    let place = match out_file {
        Some(file) => file.write(&page)?,
        None => {
            let run = Location::find(&args.run, "--step", args.step)?.run;
            written(&run.write_report(page.as_bytes())?, &page)
        }
    };
    let out = &mut Stdout::new();
    for line in film.story() {
        writeln!(out, "{line}")?;
    }
    writeln!(out, "\n{}, {place}", counted(film.frames.len() as u64, "frame"))?;
    for files in files.iter().flatten() {
        files.write(out, &pictures(&film))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A strip of the film for every head, and everything that the last frame shows.
fn pictures(film: &Film) -> Vec<Picture<'_>> {
    let mut pictures = Vec::new();
    let last = film.frames.iter().rfind(|frame| !frame.layers.is_empty());
    let layers =
        last.into_iter().flat_map(|frame| frame.layers.iter().enumerate().map(move |at| (frame, at)));
    for (frame, (index, layer)) in layers {
        for head in 0..layer.heads.len() {
            let place = format!("{} head {head}", layer.prefix);
            if let Some(strip) = FilmStrip::new(film, index, head) {
                let draw = Box::new(move |format: Format| format.strip(&strip));
                pictures.push(Picture { name: format!("film {place}"), draw });
            }
            for (name, circuit) in circuits(frame, index, head) {
                let title = format!("{name} of {}, head {head}", layer.prefix);
                let draw = Box::new(move |format: Format| {
                    let matrix = circuit.product();
                    let map = HeatMap::new(&matrix, Palette::Diverging).with_title(&title);
                    format.heat_map(&labelled(map, &matrix, &film.config.vocabulary))
                });
                pictures.push(Picture { name: format!("{name} {place}"), draw });
            }
        }
        pictures.extend(projections(layer).map(Picture::of));
    }
    let probe = film.frames.iter().rev().find_map(|frame| frame.probes.first());
    pictures.extend(probe.into_iter().flat_map(maps));
    pictures
}

/// The circuits of a head from token to token, where the run kept the embeddings.
fn circuits(frame: &Frame, layer: usize, head: usize) -> Vec<(&'static str, Circuit)> {
    let (layer, embeddings) = (&frame.layers[layer], &frame.embeddings);
    let full_qk = |qk: Circuit| embeddings.full_qk(&qk, StreamInput::Token, StreamInput::Token).ok()?;
    let full_ov = |ov: Circuit| embeddings.full_ov(&ov, StreamInput::Token).ok()?;
    let qk = layer.qk(head).and_then(full_qk).map(|circuit| ("QK tokens", circuit));
    let ov = layer.ov(head).and_then(full_ov).map(|circuit| ("OV tokens", circuit));
    qk.into_iter().chain(ov).collect()
}

fn labelled<'a>(map: HeatMap<'a>, matrix: &Matrix, vocabulary: &[String]) -> HeatMap<'a> {
    let fits = [matrix.rows(), matrix.columns()] == [vocabulary.len(); 2];
    if fits { map.with_labels(vocabulary, vocabulary) } else { map }
}
