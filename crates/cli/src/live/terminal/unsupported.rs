//! Elsewhere than on Unix nobody has written down yet how keys arrive, so there is no live view.

use std::convert::Infallible;
use std::io;

use ratatui::Frame;

/// A terminal that cannot be had.
pub struct Terminal(Infallible);

/// What keeps a view from being seen.
pub fn obstacle() -> Option<&'static str> {
    Some("on this system qkv cannot draw on one yet")
}

/// Does nothing: there is none to give back.
pub fn close() {}

/// Does nothing either.
pub fn settle() {}

impl Terminal {
    /// Fails.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What was typed since the last time.
    pub fn typed(&self) -> io::Result<Vec<u8>> {
        match self.0 {}
    }

    /// Whether the picture before is on the screen.
    pub fn is_ready(&self) -> io::Result<bool> {
        match self.0 {}
    }

    /// Draws one picture.
    pub fn draw(&mut self, _picture: impl FnOnce(&mut Frame)) -> io::Result<()> {
        match self.0 {}
    }
}
