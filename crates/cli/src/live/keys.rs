//! The keys of the live view.

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    Move(Axis, Direction),
    /// Hold the training, or go on.
    Pause,
    /// Make one step and hold the training.
    Step,
    /// Slow motion, or full speed.
    Motion,
    Save,
    /// Save and leave.
    Stop,
    /// Leave at the end: no key will follow, as under `script` without a keyboard.
    InputEnded,
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
pub const HELP: [(&str, &str); 9] = [
    ("l L  ↓ ↑", "next, previous layer"),
    ("h H  → ←", "next, previous head"),
    ("i I", "next, previous test input"),
    ("p  space", "pause, go on"),
    ("n", "make one step, and pause"),
    ("q", "save and stop (--resume goes on), or at the end leave"),
    ("s", "save a checkpoint now"),
    ("m", "slow motion, full speed"),
    ("?", "close this help"),
];

/// The keys in the bytes of a terminal; bytes of other keys are left out.
pub fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    loop {
        let (key, rest) = match bytes {
            [] => return keys,
            // An arrow is three bytes: ESC, `[` or `O`, and a letter.
            [b'\x1b', b'[' | b'O', arrow, rest @ ..] => (of_arrow(*arrow), rest),
            [letter, rest @ ..] => (of_letter(*letter), rest),
        };
        keys.extend(key);
        bytes = rest;
    }
}

fn of_arrow(last: u8) -> Option<Key> {
    Some(match last {
        b'A' => Key::Move(Axis::Layer, Direction::Previous),
        b'B' => Key::Move(Axis::Layer, Direction::Next),
        b'C' => Key::Move(Axis::Head, Direction::Next),
        b'D' => Key::Move(Axis::Head, Direction::Previous),
        _ => return None,
    })
}

fn of_letter(letter: u8) -> Option<Key> {
    Some(match letter {
        b'l' => Key::Move(Axis::Layer, Direction::Next),
        b'L' => Key::Move(Axis::Layer, Direction::Previous),
        b'h' => Key::Move(Axis::Head, Direction::Next),
        b'H' => Key::Move(Axis::Head, Direction::Previous),
        b'i' => Key::Move(Axis::Input, Direction::Next),
        b'I' => Key::Move(Axis::Input, Direction::Previous),
        b'p' | b' ' => Key::Pause,
        b'n' => Key::Step,
        b'm' => Key::Motion,
        b's' => Key::Save,
        b'q' => Key::Stop,
        // Ctrl-D.
        b'\x04' => Key::InputEnded,
        b'?' => Key::Help,
        _ => return None,
    })
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
        // A zero is Ctrl-Space.
        assert_eq!(keys(b"\0\x04"), [Key::InputEnded]);
        assert_eq!(keys(b"nm"), [Key::Step, Key::Motion]);
    }
}
