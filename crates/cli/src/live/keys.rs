//! The keys of the live view.

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Move(Axis, Direction),
    /// Hold the training, or go on.
    Pause,
    Save,
    /// Save and leave.
    Stop,
    Help,
}

/// An axis along which the place moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    Layer,
    Head,
    Input,
}

/// The way along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Next,
    Previous,
}

/// What each key does, as the help shows it.
pub const HELP: [(&str, &str); 7] = [
    ("l L  ↓ ↑", "next, previous layer"),
    ("h H  → ←", "next, previous head"),
    ("i I", "next, previous test input"),
    ("p  space", "pause, go on"),
    ("s", "save a checkpoint now"),
    ("q", "save and stop; --resume goes on"),
    ("?", "close this help"),
];

/// The keys in the bytes of a terminal; bytes of other keys are left out.
pub fn keys(mut bytes: &[u8]) -> Vec<Key> {
    use Axis::{Head, Input, Layer};
    use Direction::{Next, Previous};
    let mut keys = Vec::new();
    loop {
        let (letter, rest) = match bytes {
            [] => return keys,
            // An arrow is three bytes: ESC, `[` or `O`, and a letter.
            [b'\x1b', b'[' | b'O', b'A', rest @ ..] => (b'L', rest),
            [b'\x1b', b'[' | b'O', b'B', rest @ ..] => (b'l', rest),
            [b'\x1b', b'[' | b'O', b'C', rest @ ..] => (b'h', rest),
            [b'\x1b', b'[' | b'O', b'D', rest @ ..] => (b'H', rest),
            [b'\x1b', b'[' | b'O', _, rest @ ..] => (0, rest),
            [letter, rest @ ..] => (*letter, rest),
        };
        bytes = rest;
        keys.extend(match letter {
            b'l' => Some(Key::Move(Layer, Next)),
            b'L' => Some(Key::Move(Layer, Previous)),
            b'h' => Some(Key::Move(Head, Next)),
            b'H' => Some(Key::Move(Head, Previous)),
            b'i' => Some(Key::Move(Input, Next)),
            b'I' => Some(Key::Move(Input, Previous)),
            b'p' | b' ' => Some(Key::Pause),
            b's' => Some(Key::Save),
            b'q' => Some(Key::Stop),
            b'?' => Some(Key::Help),
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_arrows_are_keys_and_the_rest_is_ignored() {
        use Direction::{Next, Previous};
        let moves = [Key::Move(Axis::Layer, Next), Key::Move(Axis::Head, Previous)];
        assert_eq!(keys(b"lH"), moves);
        assert_eq!(keys(b"\x1b[B\x1bOD"), moves);
        assert_eq!(keys(b"x\x1b[Zp\xff\x1b"), [Key::Pause]);
        assert_eq!(keys(b"\x1bq"), [Key::Stop]);
    }
}
