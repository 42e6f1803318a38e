//! The key for which a slow lecture waits between two steps.

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    /// The lecture ends here.
    End,
    /// It is ended as by the signal of Ctrl-C.
    Interrupt,
}

#[cfg(unix)]
pub use unix::{PROMPT, wait};

#[cfg(not(unix))]
pub use lines::{PROMPT, wait};

#[cfg(unix)]
mod unix {
    use std::io::{self, stdin};

    use rustix::io::{read, retry_on_intr};
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

    use super::Wish;

    pub const PROMPT: &str = "any key goes on, q ends ";

    /// Most bytes of one key.
    const MAX_KEY: usize = 64;

    const CTRL_C: u8 = 3;
    const CTRL_D: u8 = 4;

    /// Shows the prompt and waits for one key. What was typed before is forgotten.
    pub fn wait(show: impl FnOnce() -> io::Result<()>) -> io::Result<Wish> {
        let before = tcgetattr(stdin())?;
        let mut modes = before.clone();
        // Ctrl-C is read as a key, so that the modes are restored before the process ends.
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Flush, &modes)?;
        let mut key = [0; MAX_KEY];
        let n_bytes = show().and_then(|()| Ok(retry_on_intr(|| read(stdin(), &mut key))?));
        tcsetattr(stdin(), OptionalActions::Now, &before)?;
        Ok(wish(&key[..n_bytes?]))
    }

    /// The end of the input ends the lecture, too.
    fn wish(key: &[u8]) -> Wish {
        match key {
            [CTRL_C, ..] => Wish::Interrupt,
            [] | [CTRL_D | b'q', ..] => Wish::End,
            _ => Wish::GoOn,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn any_key_goes_on_but_those_that_end() {
            for key in ["\n", " ", "n", "\x1b[C", "Q", "é"] {
                assert_eq!(wish(key.as_bytes()), Wish::GoOn, "{key:?}");
            }
            assert_eq!(["q", "", "\x04"].map(|key| wish(key.as_bytes())), [Wish::End; 3]);
            assert_eq!(wish(b"\x03"), Wish::Interrupt);
        }
    }
}

#[cfg(not(unix))]
mod lines {
    use std::io::{self, stdin};

    use super::Wish;

    pub const PROMPT: &str = "Enter goes on, q and Enter end ";

    /// Shows the prompt and waits for a line. Ctrl-C ends the process.
    pub fn wait(show: impl FnOnce() -> io::Result<()>) -> io::Result<Wish> {
        show()?;
        let mut line = String::new();
        let n_bytes = stdin().read_line(&mut line)?;
        Ok(if n_bytes == 0 || line.trim_start().starts_with('q') { Wish::End } else { Wish::GoOn })
    }
}
