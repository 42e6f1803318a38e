//! The keys of the live view.

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Another layer, head or input.
    Move(Axis, Direction),
    /// Hold the training, or go on.
    Pause,
    /// Save a checkpoint now.
    Save,
    /// Save and leave.
    Stop,
    /// Show or hide the help.
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
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        let key = match first {
            // An arrow is three bytes: ESC, `[` or `O`, and a letter.
            b'\x1b' => match rest {
                [b'[' | b'O', letter, rest @ ..] => {
                    bytes = rest;
                    match letter {
                        b'A' => Key::Move(Layer, Previous),
                        b'B' => Key::Move(Layer, Next),
                        b'C' => Key::Move(Head, Next),
                        b'D' => Key::Move(Head, Previous),
                        _ => continue,
                    }
                }
                _ => continue,
            },
            b'l' => Key::Move(Layer, Next),
            b'L' => Key::Move(Layer, Previous),
            b'h' => Key::Move(Head, Next),
            b'H' => Key::Move(Head, Previous),
            b'i' => Key::Move(Input, Next),
            b'I' => Key::Move(Input, Previous),
            b'p' | b' ' => Key::Pause,
            b's' => Key::Save,
            b'q' => Key::Stop,
            b'?' => Key::Help,
            _ => continue,
        };
        keys.push(key);
    }
    keys
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
