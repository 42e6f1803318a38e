//! Whole screens of every size, as text.

use std::collections::BTreeMap;

use proptest::prelude::*;
use qkv_inspect::{Matrix, TextStyle};
use qkv_train::StepReport;
use ratatui::buffer::Cell;
use ratatui::style::Color;

use super::*;
use crate::live::pace::Pace;
use crate::live::view::{Capture, Motion, Place};
use crate::output::training::series::Series;

/// A run after step 7 of 11: 2 layers with 3 heads, 5 positions on the anti-diagonal, W_Q of 13 × 17.
fn view(style: TextStyle) -> View {
    let mut loss = Series::default();
    let mut accuracy = Series::default();
    for step in 1..=7 {
        loss.push(step, 2.0 / step as f64);
        accuracy.push(step, 0.125 * step as f64);
    }
    let map = (0..25).map(|i| if i % 5 + i / 5 == 4 { 1.0 } else { 0.0 }).collect();
    let w_q = (0..13 * 17).map(|i| f64::from(i - 110) / 110.0).collect();
    let w_k = vec![f64::NAN, f64::INFINITY, -1.0, 0.0, 1.0, f64::NEG_INFINITY];
    let matrix = |rows, columns, values| Matrix::new(rows, columns, values).expect("a value a cell");
    let place = Place { layer: 1, head: 2, input: 0 };
    let report = StepReport {
        step: 7,
        loss: 0.2857,
        lr: 0.005,
        grad_norm: 1.0,
        tokens_per_second: 1.0,
        loss_parts: BTreeMap::new(),
    };
    View {
        task: "reverse".to_owned(),
        style,
        pace: Pace {
            step: 7,
            last_step: 11,
            report: Some(report),
            tokens_per_second: Some(1234.0),
            seconds_left: Some(67.0),
        },
        loss,
        accuracy,
        place,
        n_heads: vec![3, 3],
        layer_names: Vec::new(),
        n_inputs: 3,
        capture: Capture {
            place,
            map: Ok(matrix(5, 5, map)),
            labels: both(["a", "b", "c", "d", "e"]),
            projections: [
                Ok(matrix(13, 17, w_q)),
                Ok(matrix(2, 3, w_k)),
                Err("no W_V in this layer".to_owned()),
            ],
        },
        training: Training::Runs,
        motion: Motion::Full,
        has_help: false,
        message: String::new(),
        ending: String::new(),
    }
}

/// The labels of rows and columns that are the same.
fn both<const N: usize>(labels: [&str; N]) -> [Vec<String>; 2] {
    [labels.map(str::to_owned).to_vec(), labels.map(str::to_owned).to_vec()]
}

fn drawn(view: &View, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(view, area, &mut buffer);
    buffer
}

/// The screen as lines of text.
fn screen(view: &View, width: u16, height: u16) -> Vec<String> {
    let row = |row: &[Cell]| row.iter().map(|cell| cell.symbol()).collect();
    drawn(view, width, height).content().chunks(usize::from(width)).map(row).collect()
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
    let texts = [
        "step  7/11  loss 0.2857     1:07 left    1,234 tokens/s  lr 5.0e-3  reverse",
        "loss 0.2857  log scale",
        "2.0e0",
        "held-out accuracy 0.8750",
        "layer 1 of 2  head 2 of 3  input 0 of 3  [5 × 5] ─",
        "a                                 @@@@@@@@",
        "e @@@@@@@@",
        "     a       b       c       d       e",
        "W_Q  ±1.000  [13 × 17] ─",
        "-9-9-9",
        "W_K  ±1.000  [2 × 3] ─",
        "??      +∞    -1.00",
        "W_V ─",
        "no W_V in this layer",
        "q stop  ? help  p pause  n step  s save  l layer  h head  i input  m slow motion",
    ];
    shows(&screen, &texts);
    let first = screen.iter().position(|line| line.contains("layer 1 of 2")).expect("a title") + 1;
    let column = |line: &str| Some(line[..line.find("@@")?].chars().count());
    let diagonal: Vec<_> = (0..5).map(|row| column(&screen[first + 4 * row]).expect("a one")).collect();
    assert!(diagonal.windows(2).all(|pair| pair[0] == pair[1] + 8), "{diagonal:?}");
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
fn the_head_and_the_foot_name_the_state_of_the_training() {
    let mut view = view(TextStyle::Plain);
    view.training = Training::Held;
    shows(&screen(&view, 80, 24), &["step  7/11  paused", "q stop  ? help  p go on  n step"]);
    view = View { training: Training::Runs, motion: Motion::Slow, ..view };
    shows(&screen(&view, 80, 24), &["step  7/11  slow motion  loss 0.2857"]);
    shows(&screen(&view, 120, 24), &["i input  m full speed"]);
    let ending = "test accuracy 1.0000   sequence accuracy 1.0000   loss 8.17e-4".to_owned();
    view = View { motion: Motion::Short, ..view };
    shows(&screen(&view, 120, 24), &["step  7/11  slow motion  loss 0.2857", "i input  m full speed"]);
    view = View { training: Training::Over, ending, ..view };
    let screen = screen(&view, 80, 24);
    shows(&screen, &["step  7/11  the end  loss 0.2857", "loss 8.17e-4", "q leave  ? help  l layer  h head"]);
    assert!(!screen.concat().contains("slow motion") && !screen.concat().contains("tokens/s"));
}

#[test]
fn cells_grow_with_the_screen_and_have_numbers_where_there_is_room() {
    let mut view = view(TextStyle::Colour);
    let thirds = (0..4).map(|i| f64::from(i) / 3.0).collect();
    view.capture.map = Ok(Matrix::new(2, 2, thirds).expect("four values"));
    view.capture.labels = both(["a", "b"]);
    let texts = ["a   .00     .33", "b   .67     1.00", "     a       b"];
    shows(&screen(&view, 80, 24), &texts);
    shows(&screen(&view, 120, 40), &texts);
    // Four columns have room for three characters.
    let small = screen(&view, 20, 10);
    shows(&small, &["a .00 .33", "b .67 1.0"]);
}

#[test]
fn before_the_first_step_nothing_of_the_model_is_shown() {
    let mut view = view(TextStyle::Plain);
    view.capture = Capture::default();
    view.pace = Pace { step: 7, last_step: 11, ..Pace::default() };
    view.place = Place::default();
    let screen = screen(&view, 120, 40);
    shows(&screen, &["after the first step", "step  7/11  reverse"]);
    assert!(!screen.iter().any(|line| line.contains("no W_V")), "{}", screen.join("\n"));
}

#[test]
fn a_capture_of_another_place_is_not_shown_under_this_title() {
    let mut view = view(TextStyle::Plain);
    view.place.head = 0;
    let screen = screen(&view, 120, 40);
    shows(&screen, &["head 0 of 3", "after the next capture", "no W_V in this layer"]);
    assert!(!screen.iter().any(|line| line.contains("@@")), "{}", screen.join("\n"));
}

#[test]
fn a_map_between_two_sequences_has_words_of_its_own_on_each_side() {
    let mut view = view(TextStyle::Plain);
    let ones = (0..21).map(|i| if i / 7 == i % 7 { 1.0 } else { 0.0 }).collect();
    view.capture.map = Ok(Matrix::new(3, 7, ones).expect("a value a cell"));
    view.capture.labels =
        [["2", "1", "⊣"].map(str::to_owned).to_vec(), both(["z", "w", "a", "n", "d", "e", "r"])[0].clone()];
    view.layer_names = ["encoder.0", "decoder.0.cross"].map(str::to_owned).to_vec();
    let large = screen(&view, 200, 60);
    shows(&large, &["decoder.0.cross  head 2 of 3  input 0 of 3  [3 × 7] ─"]);
    for (width, height) in [(200, 60), (80, 24), (60, 20)] {
        let screen = screen(&view, width, height);
        let row = |label: &str| {
            let row = screen.iter().position(|line| line.contains(label));
            row.unwrap_or_else(|| panic!("no row {label}:\n{}", screen.join("\n")))
        };
        let below =
            screen.iter().position(|line| line.split_whitespace().collect::<String>().contains("zwander"));
        let below = below.unwrap_or_else(|| panic!("{}", screen.join("\n")));
        assert!(row("2 @") < row("⊣") && row("⊣") < below, "{}", screen.join("\n"));
    }
}

#[test]
fn the_title_of_a_model_without_layers_counts_inputs_alone() {
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
    view.capture.labels = both(["a", "\u{200b}", "c", "d", "e"]);
    view.has_help = false;
    shows(&screen(&view, 200, 60), &["     a               c       d       e"]);
}

#[test]
fn a_map_has_the_whole_height_where_that_makes_it_larger() {
    let mut view = view(TextStyle::Plain);
    let eye = (0..256).map(|i| if i % 17 == 0 { 1.0 } else { 0.0 }).collect();
    view.capture.map = Ok(Matrix::new(16, 16, eye).expect("16 rows"));
    let labels: Vec<String> = (0..16).map(|i| format!("{i:02}")).collect();
    view.capture.labels = [labels.clone(), labels];
    // A word a row, none below, because they would run together.
    for (width, height) in [(80, 24), (120, 40)] {
        let screen = screen(&view, width, height);
        let texts = ["00 @@", "15                               @@", "input 0 of 3", "W_V", "held-out"];
        shows(&screen, &texts);
    }
    shows(&screen(&view, 80, 17), &["cells of 2 × 2"]);
    // In colour, halves of characters are left.
    view.style = TextStyle::Colour;
    let small = screen(&view, 80, 17);
    shows(&small, &["▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀"]);
    assert!(!small.iter().any(|line| line.contains("cells of")), "{}", small.join("\n"));
}

#[test]
fn colours_are_orange_and_blue_around_zero_and_absent_where_not_wanted() {
    let backgrounds = |style| {
        let cells = drawn(&view(style), 120, 40).content;
        move |colour: Color| cells.iter().filter(|cell| cell.bg == colour || cell.fg == colour).count()
    };
    let [low, high, one] = [(0xe0, 0x7b, 0x00), (0x1f, 0x8f, 0xe0), (0x14, 0x21, 0x3d)];
    let rgb = |(r, g, b)| Color::Rgb(r, g, b);
    let in_colour = backgrounds(TextStyle::Colour);
    // −1 and 1 stand in W_K, and −1 and 1 at the ends of W_Q; five weights of the map are 1, in cells of 8 × 4.
    assert!(in_colour(rgb(low)) >= 4 && in_colour(rgb(high)) >= 4);
    assert_eq!((in_colour(rgb(one)), in_colour(Color::Yellow) > 0), (5 * 8 * 4, true));
    let plain = backgrounds(TextStyle::Plain);
    assert_eq!(plain(Color::Reset), 120 * 40);
    assert_eq!([low, high, one].map(|colour| plain(rgb(colour))), [0; 3]);
    assert_eq!(plain(Color::Yellow), 0);
    let in_256 = backgrounds(TextStyle::Colour256);
    assert!(in_256(Color::Indexed(172)) >= 4 && in_256(Color::Indexed(32)) >= 4);
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
            view.capture = Capture::default();
            view.n_heads.clear();
            view.loss = Series::default();
            view.pace = Pace::default();
        }
        let screen = screen(&view, width, height);
        prop_assert!(screen[0].trim_end().starts_with(&"step"[..usize::from(width.min(4))]));
    }
}
