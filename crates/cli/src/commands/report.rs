//! `qkv report`: the film of a training as one offline page, and its pictures for papers and slides.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use qkv_inspect::{Circuit, Film, FilmStrip, Frame, HeatMap, Matrix, Palette, StreamInput};
use qkv_run::RunFolder;

use crate::args::ReportArgs;
use crate::exit::usage;
use crate::output::format::counted;
use crate::output::picture_files::{Album, Format};
use crate::output::stdout::Stdout;

/// Writes the page.
pub fn run(args: &ReportArgs) -> Result<ExitCode> {
    let path = args.out.clone().unwrap_or_else(|| RunFolder::report_in(&args.run));
    if path.is_dir() {
        return Err(usage(format!("--out {} is a folder; name a file", path.display())));
    }
    let album = |folder: &Option<PathBuf>, format| {
        folder.as_deref().map(|folder| Album::new(folder, format)).transpose()
    };
    let albums = [album(&args.svg, Format::Svg)?, album(&args.png, Format::Png)?];
    let read = |path: &PathBuf| Ok(Film::read_evenly(&RunFolder::open(path)?, Frame::max_on_page)?);
    let film = read(&args.run)?;
    let others = args.others.iter().map(read).collect::<Result<Vec<Film>>>()?;
    let page = film.html(&others)?;
    fs::write(&path, &page).with_context(|| format!("cannot write {}", path.display()))?;
    let out = &mut Stdout::new();
    for line in film.story() {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "\n{}, {} kB: open {} in a browser",
        counted(film.frames.len() as u64, "frame"),
        page.len() / 1000,
        path.display()
    )?;
    for album in albums.iter().flatten() {
        pictures(out, &film, album)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A strip of the film for every head, and everything that the last frame shows.
fn pictures(out: &mut impl Write, film: &Film, album: &Album) -> Result<()> {
    let last = film.frames.iter().rfind(|frame| !frame.layers.is_empty());
    for (index, layer) in last.iter().flat_map(|frame| frame.layers.iter().enumerate()) {
        for (head, weights) in layer.heads.iter().enumerate() {
            let place = format!("{} head {head}", layer.prefix);
            if let Some(strip) = FilmStrip::new(film, index, head) {
                album.add_strip(out, &format!("film {place}"), &strip)?;
            }
            for (name, matrix) in weights.named() {
                let Some(matrix) = matrix else { continue };
                let name = name.to_uppercase();
                let map = HeatMap::new(matrix, Palette::Diverging)
                    .with_title(&format!("{name} of {}, head {head}", layer.prefix));
                album.add(out, &format!("{name} {place}"), &map)?;
            }
            for (name, circuit) in last.map(|frame| circuits(frame, index, head)).unwrap_or_default() {
                let matrix = circuit.product();
                let title = format!("{name} of {}, head {head}", layer.prefix);
                let map = HeatMap::new(&matrix, Palette::Diverging).with_title(&title);
                album.add(
                    out,
                    &format!("{name} {place}"),
                    &labelled(map, &matrix, &film.config.vocabulary),
                )?;
            }
        }
    }
    let probe = film.frames.iter().rev().find_map(|frame| frame.probes.first());
    for (probe, map) in probe.iter().flat_map(|probe| probe.maps.iter().map(move |map| (probe, map))) {
        album.add(out, &format!("weights {} head {}", map.layer, map.head), &probe.heat_map(map))?;
    }
    Ok(())
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
