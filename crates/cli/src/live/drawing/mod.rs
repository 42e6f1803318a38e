//! From a [`View`] to a screen of any size: a pure function.
//!
//! Neither the model nor the terminal is used here: `capture` reads the one, `terminal` writes to the other.

mod canvas;
mod cells;
mod lines;
mod matrices;
mod plot;

use qkv_inspect::{Matrix, Palette, TextStyle};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};

use crate::live::keys::HELP;
use crate::live::view::{Training, View};
use canvas::Paper;
use lines::{columns, figures, folded, keys, wrapped};
use matrices::Panel;
use plot::{Plot, Scale};

/// From here on curves, map and matrices fit side by side.
const WIDE: (u16, u16) = (60, 16);

/// From here on curves fit above the map.
const TALL: u16 = 16;

/// From here on a second line of figures does not cost the map too much.
const TWO_LINES: u16 = 10;

/// Names of the projections, in the order of [`LookedAt`](crate::live::view::LookedAt).
const NAMES: [&str; 3] = ["W_Q", "W_K", "W_V"];

/// Draws all that fits into `area`: the map is the last to go.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let paper = &mut Paper { buffer, style: view.style };
    let most = if area.height >= TWO_LINES { 2 } else { 1 };
    let figures = figures(view);
    // The task's name alone is not worth a line.
    let n_lines = wrapped(figures[..figures.len() - 1].to_vec(), area.width, most).len();
    let heading = wrapped(figures, area.width, n_lines);
    let [head, middle, foot] = Layout::vertical([
        Constraint::Length(heading.len() as u16),
        Constraint::Min(0),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    let emphasis = match view.training {
        Training::Runs => Modifier::BOLD,
        Training::Held => Modifier::BOLD | Modifier::REVERSED,
    };
    for (row, line) in head.rows().zip(heading) {
        paper.line(row, &line, Style::new().add_modifier(emphasis));
    }
    footing(view, foot, paper);
    match (middle.width, middle.height) {
        _ if view.has_help => help(middle, paper),
        (width, height) if width >= WIDE.0 && height >= WIDE.1 => wide(view, middle, paper),
        (_, height) if height >= TALL => {
            let [curves, below] =
                Layout::vertical([Constraint::Percentage(35), Constraint::Min(0)]).areas(middle);
            plots(view, curves, paper);
            map(view, below).draw(below, paper);
        }
        _ => map(view, middle).draw(middle, paper),
    }
}

/// Curves and map side by side and the three matrices below, or all beside a map that has the whole height, if that makes it
/// larger.
fn wide(view: &View, area: Rect, paper: &mut Paper) {
    let halves: [Rect; 2] = Layout::vertical([Constraint::Fill(1); 2]).areas(area);
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(2).areas(halves[0]);
    let [widest, _] = map(view, area).wish();
    let most = area.width / 10 * 6;
    let width = Constraint::Length(widest.max(area.width / 2).min(most));
    let [beside, tall] = Layout::horizontal([Constraint::Fill(1), width]).spacing(2).areas(area);
    let cells = |place: Rect| map(view, place).cells(place, view.style);
    if cells(tall) > cells(right) {
        let halves: [Rect; 2] = Layout::vertical([Constraint::Fill(1); 2]).areas(beside);
        plots(view, halves[0], paper);
        matrices(view, halves[1], paper);
        map(view, tall).draw(tall, paper);
    } else {
        plots(view, left, paper);
        map(view, right).draw(right, paper);
        matrices(view, halves[1], paper);
    }
}

fn matrices(view: &View, area: Rect, paper: &mut Paper) {
    let places: [Rect; 3] = Layout::horizontal([Constraint::Fill(1); 3]).spacing(2).areas(area);
    for ((name, matrix), place) in NAMES.iter().zip(&view.looked_at.projections).zip(places) {
        let panel = Panel {
            title: vec![(*name).to_owned()],
            matrix: shown(view, matrix),
            labels: &[],
            palette: Palette::Diverging,
        };
        panel.draw(place, paper);
    }
}

fn plots(view: &View, area: Rect, paper: &mut Paper) {
    let [above, below] = Layout::vertical([Constraint::Fill(1); 2]).areas(area);
    let first = view.loss.points().first().map_or(0.0, |point| point.0);
    let loss = Plot {
        title: "loss",
        curve: &view.loss,
        steps: [first, view.pace.step as f64],
        scale: Scale::Logarithm,
        colour: Color::Yellow,
    };
    loss.draw(above, paper);
    let accuracy = Plot {
        title: "held-out accuracy",
        curve: &view.accuracy,
        scale: Scale::Share,
        colour: Color::Cyan,
        ..loss
    };
    accuracy.draw(below, paper);
}

/// What was seen, if it was seen at the place that the titles name.
fn shown<'a>(view: &View, matrix: &'a Result<Matrix, String>) -> Result<&'a Matrix, &'a str> {
    let matrix = matrix.as_ref().map_err(String::as_str);
    if view.looked_at.place == view.place { matrix } else { matrix.and(Err("after the next look")) }
}

/// The map of the place, with as long a title as `area` is wide.
fn map(view: &View, area: Rect) -> Panel<'_> {
    let place = view.place;
    let n_heads = view.n_heads.get(place.layer).copied().unwrap_or(0);
    let looked_at = &view.looked_at;
    let indices = [
        ("layer", place.layer, view.n_heads.len()),
        ("head", place.head, n_heads),
        ("input", place.input, view.n_inputs),
    ];
    // Where the model names no layers, there is nothing to count.
    let indices = if view.n_heads.is_empty() { &indices[2..] } else { &indices[..] };
    let long: Vec<_> =
        indices.iter().map(|(name, index, count)| format!("{name} {index} of {count}")).collect();
    // By their keys.
    let short =
        indices.iter().map(|(name, index, count)| format!("{} {index}/{count}", &name[..1])).collect();
    let is_long = columns(&long.join("  ")) <= usize::from(area.width);
    Panel {
        title: if is_long { long } else { short },
        matrix: shown(view, &looked_at.map),
        labels: &looked_at.tokens,
        palette: Palette::Sequential,
    }
}

/// What happened last, and the keys, as many as fit.
fn footing(view: &View, area: Rect, paper: &mut Paper) {
    let message = Some(("", view.message.as_str())).filter(|(_, message)| !message.is_empty());
    let mut left = area;
    for (key, meaning) in message.into_iter().chain(keys(view.training)) {
        let text = format!("{key} {meaning}").trim_start().to_owned();
        let width = columns(&text) as u16;
        if width > left.width {
            break;
        }
        paper.line(left, &text, Style::new());
        paper.line(left, key, Style::new().add_modifier(Modifier::BOLD | Modifier::REVERSED));
        let used = (width + 2).min(left.width);
        left = Rect { x: left.x + used, width: left.width - used, ..left };
    }
}

fn help(area: Rect, paper: &mut Paper) {
    let widest = HELP.iter().map(|(keys, _)| columns(keys)).max().unwrap_or(0);
    let width = area.width.saturating_sub(widest as u16 + 2);
    // What a key does goes on below itself where it needs a second line.
    let keys = HELP.iter().flat_map(|(keys, meaning)| {
        let meaning = folded(meaning, width).into_iter().enumerate();
        meaning.map(move |(row, part)| format!("{:<widest$}  {part}", if row == 0 { keys } else { "" }))
    });
    let legend = match paper.style {
        TextStyle::Colour | TextStyle::Colour256 => {
            ["weights: dark is 0, bright is 1", "W_Q, W_K, W_V: blue below zero, red above"]
        }
        TextStyle::Plain => ["weights: blank is 0, @ is 1", "W_Q, W_K, W_V: ninths of the number after ±"],
    };
    let legend = legend.iter().flat_map(|line| folded(line, area.width));
    for (row, line) in area.rows().zip(keys.chain([String::new()]).chain(legend)) {
        paper.line(row, &line, Style::new());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use qkv_train::StepReport;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::live::series::Curve;
    use crate::live::view::{LookedAt, Pace, Place};

    /// A run after step 7 of 11: 2 layers with 3 heads, 5 positions on the anti-diagonal, W_Q of 13 × 17.
    fn view(style: TextStyle) -> View {
        let mut loss = Curve::default();
        let mut accuracy = Curve::default();
        for step in 1..=7 {
            loss.push(step, 2.0 / step as f64);
            accuracy.push(step, 0.125 * step as f64);
        }
        let map = (0..25).map(|i| if i % 5 + i / 5 == 4 { 1.0 } else { 0.0 }).collect();
        let w_q = (0..13 * 17).map(|i| f64::from(i - 110) / 110.0).collect();
        let w_k = vec![f64::NAN, f64::INFINITY, -1.0, 0.0, 1.0, f64::NEG_INFINITY];
        let matrix = |rows, columns, values| Matrix::new(rows, columns, values).expect("a value a cell");
        View {
            task: "reverse".to_owned(),
            style,
            pace: Pace {
                step: 7,
                last_step: 11,
                report: Some(StepReport {
                    step: 7,
                    loss: 0.2857,
                    lr: 0.005,
                    grad_norm: 1.0,
                    tokens_per_second: 1.0,
                }),
                tokens_per_second: Some(1234.0),
                seconds_left: Some(67.0),
            },
            loss,
            accuracy,
            place: Place { layer: 1, head: 2, input: 0 },
            n_heads: vec![3, 3],
            n_inputs: 3,
            looked_at: LookedAt {
                place: Place { layer: 1, head: 2, input: 0 },
                map: Ok(matrix(5, 5, map)),
                tokens: ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec(),
                projections: [
                    Ok(matrix(13, 17, w_q)),
                    Ok(matrix(2, 3, w_k)),
                    Err("no W_V in this layer".to_owned()),
                ],
            },
            training: Training::Runs,
            has_help: false,
            message: String::new(),
        }
    }

    /// The screen as lines of text.
    fn screen(view: &View, width: u16, height: u16) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
        terminal.draw(|frame| draw(view, frame.area(), frame.buffer_mut())).expect("drawn");
        let buffer = terminal.backend().buffer();
        let row = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect();
        buffer.content().chunks(usize::from(width)).map(row).collect()
    }

    #[track_caller]
    fn shows(screen: &[String], texts: &[&str]) {
        for text in texts {
            assert!(screen.iter().any(|line| line.contains(text)), "no `{text}` in\n{}", screen.join("\n"));
        }
    }

    #[test]
    fn a_large_screen_shows_everything() {
        let screen = screen(&view(TextStyle::Plain), 200, 60);
        shows(
            &screen,
            &[
                "step  7/11  loss 0.2857   1:07 left    1,234 tokens/s  lr 5.0e-3  reverse",
                "loss 0.2857  log scale",
                "2.0e0",
                "held-out accuracy 0.8750",
                "layer 1 of 2  head 2 of 3  input 0 of 3  [5 × 5] ─",
                "a         @@",
                "e @@",
                "  a b c d e",
                "W_Q  ±1.00  [13 × 17] ─",
                "-9-9-9",
                "W_K  ±1.00  [2 × 3] ─",
                "??+∞-9",
                "W_V ─",
                "no W_V in this layer",
                "q stop  ? help  p pause  s save  l layer  h head  i input",
            ],
        );
        let first = screen.iter().position(|line| line.contains("layer 1 of 2")).expect("a title") + 1;
        let column = |line: &str| Some(line[..line.find("@@")?].chars().count());
        let diagonal: Vec<_> = (0..5).map(|row| column(&screen[first + row]).expect("a one")).collect();
        assert!(diagonal.windows(2).all(|pair| pair[0] == pair[1] + 2), "{diagonal:?}");
    }

    #[test]
    fn a_screen_of_20_by_10_keeps_the_step_the_loss_and_the_map() {
        let mut view = view(TextStyle::Plain);
        let small = screen(&view, 20, 10);
        shows(&small, &["step  7/11", "loss 0.2857", "l 1/2  h 2/3  i 0/3", "        @@", "@@        "]);
        shows(&small, &["q stop  ? help"]);
        view.training = Training::Held;
        shows(&screen(&view, 20, 10), &["step  7/11  paused"]);
        view.has_help = true;
        shows(&screen(&view, 40, 10), &["l L  ↓ ↑  next, previous layer", "q         save and stop"]);
        shows(&screen(&view, 60, 20), &["blank is 0, @ is 1"]);
    }

    #[test]
    fn before_the_first_step_nothing_is_said_of_the_model() {
        let mut view = view(TextStyle::Plain);
        view.looked_at = LookedAt::default();
        view.pace = Pace { step: 7, last_step: 11, ..Pace::default() };
        view.place = Place::default();
        let screen = screen(&view, 120, 40);
        shows(&screen, &["after the first step", "step  7/11  reverse"]);
        assert!(!screen.iter().any(|line| line.contains("no W_V")), "{}", screen.join("\n"));
    }

    #[test]
    fn what_was_seen_elsewhere_is_not_shown_under_this_title() {
        let mut view = view(TextStyle::Plain);
        view.place.head = 0;
        let screen = screen(&view, 120, 40);
        shows(&screen, &["head 0 of 3", "after the next look", "no W_V in this layer"]);
        assert!(!screen.iter().any(|line| line.contains("@@")), "{}", screen.join("\n"));
    }

    #[test]
    fn a_model_that_names_no_layers_has_none_to_count() {
        let mut view = view(TextStyle::Plain);
        view.n_heads.clear();
        let screen = screen(&view, 120, 40);
        shows(&screen, &["input 0 of 3"]);
        assert!(!screen.iter().any(|line| line.contains("layer 1")), "{}", screen.join("\n"));
    }

    #[test]
    fn the_help_and_the_keys_fit_a_narrow_screen() {
        let mut view = View { has_help: true, ..view(TextStyle::Plain) };
        shows(&screen(&view, 20, 30), &["l L  ↓ ↑  next,", "          previous", "          layer "]);
        view.looked_at.tokens = ["a", "\u{200b}", "c", "d", "e"].map(str::to_owned).to_vec();
        view.has_help = false;
        shows(&screen(&view, 200, 60), &["  a   c d e"]);
    }

    #[test]
    fn a_map_has_the_whole_height_where_that_makes_it_larger() {
        let mut view = view(TextStyle::Plain);
        let eye = (0..256).map(|i| if i % 17 == 0 { 1.0 } else { 0.0 }).collect();
        view.looked_at.map = Ok(Matrix::new(16, 16, eye).expect("16 rows"));
        view.looked_at.tokens = (0..16).map(|i| format!("{i:02}")).collect();
        // A word a row, none below, because they would run together.
        for (width, height) in [(80, 24), (120, 40)] {
            let screen = screen(&view, width, height);
            shows(
                &screen,
                &["00 @@", "15                               @@", "input 0 of 3", "W_V", "held-out"],
            );
        }
        shows(&screen(&view, 80, 17), &["cells of 2 × 2"]);
        // In colour, halves of characters are left.
        view.style = TextStyle::Colour;
        let small = screen(&view, 80, 17);
        shows(&small, &["▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"]);
        assert!(!small.iter().any(|line| line.contains("cells of")), "{}", small.join("\n"));
    }

    #[test]
    fn colours_are_blue_and_red_around_zero_and_absent_where_not_wanted() {
        let backgrounds = |style| {
            let mut terminal = Terminal::new(TestBackend::new(120, 40)).expect("a test terminal");
            terminal.draw(|frame| draw(&view(style), frame.area(), frame.buffer_mut())).expect("drawn");
            let cells = terminal.backend().buffer().content().to_vec();
            move |colour: Color| cells.iter().filter(|cell| cell.bg == colour || cell.fg == colour).count()
        };
        let [low, high, one] = [(0x05, 0x30, 0x61), (0x67, 0x00, 0x1f), (0xfd, 0xe7, 0x25)];
        let rgb = |(r, g, b)| Color::Rgb(r, g, b);
        let in_colour = backgrounds(TextStyle::Colour);
        // −1 and 1 stand in W_K, and −1 and 1 at the ends of W_Q; five weights of the map are 1.
        assert!(in_colour(rgb(low)) >= 4 && in_colour(rgb(high)) >= 4);
        assert_eq!((in_colour(rgb(one)), in_colour(Color::Yellow) > 0), (10, true));
        let plain = backgrounds(TextStyle::Plain);
        assert_eq!(plain(Color::Reset), 120 * 40);
        assert_eq!([low, high, one].map(|colour| plain(rgb(colour))), [0; 3]);
        assert_eq!(plain(Color::Yellow), 0);
        let in_256 = backgrounds(TextStyle::Colour256);
        assert!(in_256(Color::Indexed(23)) >= 4 && in_256(Color::Indexed(52)) >= 4);
        assert_eq!([low, high, one].map(|colour| in_256(rgb(colour))), [0; 3]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn no_size_is_too_small(
            width in 1u16..90, height in 1u16..50, has_help: bool, is_coloured: bool, is_empty: bool,
        ) {
            let style = if is_coloured { TextStyle::Colour } else { TextStyle::Plain };
            let mut view = View { has_help, ..view(style) };
            if is_empty {
                view.looked_at = LookedAt::default();
                view.n_heads.clear();
                view.loss = Curve::default();
                view.pace = Pace::default();
            }
            let screen = screen(&view, width, height);
            prop_assert!(screen[0].trim_end().starts_with(&"step"[..usize::from(width.min(4))]));
        }
    }
}
