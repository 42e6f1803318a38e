//! Colours for numbers, readable without telling red from green. The only table of them: terminal, SVG, PNG and page
//! mix from it, and zero is light in all four.

use serde::Serialize;

/// How a number becomes a colour or a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Blue below zero, white at zero, red above: for weights, whose sign matters.
    Diverging,
    /// Light at the low end, dark at the high one: for attention weights, which are amounts.
    Sequential,
}

/// The stops of each palette, red, green and blue, for the script of a page.
#[derive(Serialize)]
pub(crate) struct PaletteStops {
    diverging: &'static [Rgb],
    sequential: &'static [Rgb],
}

impl PaletteStops {
    pub(crate) fn all() -> Self {
        Self { diverging: Palette::Diverging.stops(), sequential: Palette::Sequential.stops() }
    }
}

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// The eleven classes of RdBu, blue first; safe for colour-blind readers
/// ([Brewer, ColorBrewer 2.0](https://colorbrewer2.org/#type=diverging&scheme=RdBu&n=11)).
const BLUE_WHITE_RED: [Rgb; 11] = [
    [0x05, 0x30, 0x61],
    [0x21, 0x66, 0xac],
    [0x43, 0x93, 0xc3],
    [0x92, 0xc5, 0xde],
    [0xd1, 0xe5, 0xf0],
    [0xf7, 0xf7, 0xf7],
    [0xfd, 0xdb, 0xc7],
    [0xf4, 0xa5, 0x82],
    [0xd6, 0x60, 0x4d],
    [0xb2, 0x18, 0x2b],
    [0x67, 0x00, 0x1f],
];

/// The nine classes of YlGnBu, whose lightness falls evenly; safe for colour-blind readers and in print
/// ([Brewer, ColorBrewer 2.0](https://colorbrewer2.org/#type=sequential&scheme=YlGnBu&n=9)).
const YELLOW_GREEN_BLUE: [Rgb; 9] = [
    [0xff, 0xff, 0xd9],
    [0xed, 0xf8, 0xb1],
    [0xc7, 0xe9, 0xb4],
    [0x7f, 0xcd, 0xbb],
    [0x41, 0xb6, 0xc4],
    [0x1d, 0x91, 0xc0],
    [0x22, 0x5e, 0xa8],
    [0x25, 0x34, 0x94],
    [0x08, 0x1d, 0x58],
];

impl Palette {
    /// The colours from the low end to the high one, at equal distances.
    pub(crate) fn stops(self) -> &'static [Rgb] {
        match self {
            Self::Diverging => &BLUE_WHITE_RED,
            Self::Sequential => &YELLOW_GREEN_BLUE,
        }
    }

    /// The colour at `fraction` of the way from the low end to the high one.
    pub(crate) fn colour(self, fraction: f64) -> Rgb {
        let stops = self.stops();
        let place = fraction.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
        let below = (place as usize).min(stops.len() - 2);
        let share = place - below as f64;
        std::array::from_fn(|i| {
            let (low, high) = (f64::from(stops[below][i]), f64::from(stops[below + 1][i]));
            (low + share * (high - low)).round() as u8
        })
    }
}

/// The index of the nearest of xterm's 256 colours: its cube of six levels a channel or its 24 greys. The first 16 are
/// the user's own and differ from terminal to terminal.
///
/// ```
/// assert_eq!([[0, 0, 95], [238; 3], [255, 0, 0]].map(qkv_inspect::of_256), [17, 255, 196]);
/// ```
pub fn of_256(colour: Rgb) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let cube =
        (0..216_u8).map(|i| (16 + i, [i / 36, i / 6 % 6, i % 6].map(|level| LEVELS[usize::from(level)])));
    let greys = (0..24_u8).map(|i| (232 + i, [8 + 10 * i; 3]));
    let distance =
        |other: Rgb| -> u32 { colour.iter().zip(other).map(|(&a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    let nearest = cube.chain(greys).min_by_key(|&(_, other)| distance(other));
    nearest.map_or(16, |(index, _)| index)
}

/// Whether white writing is easier to read on this colour than black.
pub(crate) fn is_dark([red, green, blue]: Rgb) -> bool {
    // Relative luminance of WCAG 2; black and white contrast equally at 0.179.
    let linear = |channel: u8| (f64::from(channel) / 255.0).powf(2.2);
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) < 0.179
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_neutral_and_the_ends_are_blue_and_red() {
        assert_eq!(Palette::Diverging.colour(0.5), [0xf7; 3]);
        assert_eq!(Palette::Diverging.colour(0.0), [0x05, 0x30, 0x61]);
        assert_eq!(Palette::Diverging.colour(1.0), [0x67, 0x00, 0x1f]);
        assert_eq!(Palette::Diverging.colour(7.0), [0x67, 0x00, 0x1f]);
    }

    #[test]
    fn nothing_is_light_and_amounts_only_grow_darker() {
        let luminance = |i: u32| {
            let [r, g, b] = Palette::Sequential.colour(f64::from(i) / 90.0).map(f64::from);
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        assert!((1..=90).all(|i| luminance(i) < luminance(i - 1)));
        assert!(!is_dark(Palette::Sequential.colour(0.0)) && is_dark(Palette::Sequential.colour(1.0)));
        assert!(!is_dark(Palette::Diverging.colour(0.5)));
    }
}
