//! Colours for numbers, readable without telling red from green. The only table of them: terminal, SVG, PNG and page
//! mix from it, and zero is light in all four.

use serde::Serialize;

/// How a number becomes a colour or a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Orange below zero, white at zero, blue above: for weights, whose sign matters.
    Diverging,
    /// Light at the low end, dark at the high one: for attention weights, which are amounts.
    Sequential,
}

/// The stops of each palette, red, green and blue, for the script of a page.
#[derive(Serialize)]
pub(crate) struct PaletteStops {
    diverging: &'static [Rgb],
    diverging_on_dark: &'static [Rgb],
    sequential: &'static [Rgb],
    /// Of queries, keys and values.
    identities: [Rgb; 3],
    identities_on_dark: [Rgb; 3],
}

impl PaletteStops {
    pub(crate) fn all() -> Self {
        let [identities, identities_on_dark, _] = IDENTITIES;
        Self {
            diverging: Palette::Diverging.stops(),
            diverging_on_dark: &ORANGE_DARK_BLUE,
            sequential: Palette::Sequential.stops(),
            identities,
            identities_on_dark,
        }
    }
}

/// Red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// Orange below zero, blue above: any two of the three can be told apart by readers who lack one kind of cone, too.
const ORANGE_WHITE_BLUE: [Rgb; 3] = [[0xe0, 0x7b, 0x00], [0xec, 0xee, 0xf0], [0x1f, 0x8f, 0xe0]];

/// The same on a dark ground.
const ORANGE_DARK_BLUE: [Rgb; 3] = [[0xc9, 0x6a, 0x00], [0x2a, 0x2f, 0x38], [0x18, 0x77, 0xc4]];

/// A single hue, whose lightness falls evenly: how much is a matter of lightness alone, also in print.
const WHITE_NAVY: [Rgb; 2] = [[0xff, 0xff, 0xff], [0x14, 0x21, 0x3d]];

/// Queries, keys and values: violet, green and magenta or its light relative. On a light ground, on a dark one, and on one
/// that is not known, such as that of a terminal.
const IDENTITIES: [[Rgb; 3]; 3] = [
    [[0x44, 0x00, 0xee], [0x22, 0x55, 0x22], [0x77, 0x22, 0x55]],
    [[0xcc, 0xaa, 0xff], [0x55, 0xcc, 0xaa], [0xcc, 0xee, 0x55]],
    [[0x87, 0x5f, 0xff], [0x00, 0x87, 0x00], [0xaf, 0x5f, 0x87]],
];

/// The colours of queries, keys and values on a ground that is not known: each can be read on white and on black.
///
/// ```
/// let [query, key, value] = qkv_inspect::identities_on_any_ground();
/// assert!(query != key && key != value);
/// ```
pub const fn identities_on_any_ground() -> [Rgb; 3] {
    IDENTITIES[2]
}

impl Palette {
    /// The colours from the low end to the high one, at equal distances.
    pub(crate) fn stops(self) -> &'static [Rgb] {
        match self {
            Self::Diverging => &ORANGE_WHITE_BLUE,
            Self::Sequential => &WHITE_NAVY,
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
pub(crate) fn is_dark(colour: Rgb) -> bool {
    // Black and white contrast equally there.
    luminance(colour) < 0.179
}

/// Relative luminance of WCAG 2.
fn luminance([red, green, blue]: Rgb) -> f64 {
    let linear = |channel: u8| (f64::from(channel) / 255.0).powf(2.2);
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::colour_vision::least_difference;

    #[test]
    fn zero_is_neutral_and_the_ends_are_orange_and_blue() {
        assert_eq!(Palette::Diverging.colour(0.5), [0xec, 0xee, 0xf0]);
        assert_eq!(Palette::Diverging.colour(0.0), [0xe0, 0x7b, 0x00]);
        assert_eq!(Palette::Diverging.colour(1.0), [0x1f, 0x8f, 0xe0]);
        assert_eq!(Palette::Diverging.colour(7.0), [0x1f, 0x8f, 0xe0]);
    }

    /// Two colours that lie 19 apart are not taken for each other, even as small areas.
    #[test]
    fn colours_are_told_apart_without_one_kind_of_cone() {
        for colours in [
            &ORANGE_WHITE_BLUE[..],
            &ORANGE_DARK_BLUE,
            &WHITE_NAVY,
            &IDENTITIES[0],
            &IDENTITIES[1],
            &IDENTITIES[2],
        ] {
            let least = least_difference(colours);
            assert!(least >= 19.0, "{colours:02x?} are {least:.1} apart");
        }
        // As red and green are not.
        assert!(least_difference(&[[0xc0, 0x39, 0x2b], [0x7a, 0x7a, 0x00]]) < 19.0);
    }

    /// Large letters need a contrast of 3 (WCAG 2).
    #[test]
    fn identities_are_read_on_their_ground() {
        let [light, dark, any] = IDENTITIES;
        for (colours, grounds) in [(light, &[1.0][..]), (dark, &[0.0]), (any, &[0.0, 1.0])] {
            for (colour, ground) in
                colours.iter().flat_map(|colour| grounds.iter().map(move |ground| (colour, ground)))
            {
                let (low, high) = (luminance(*colour).min(*ground), luminance(*colour).max(*ground));
                assert!((high + 0.05) / (low + 0.05) >= 3.0, "{colour:02x?} on {ground}");
            }
        }
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
