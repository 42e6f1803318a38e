//! The live view supports Unix terminals only; here every call fails or does nothing.

use std::convert::Infallible;
use std::io;

use ratatui::Frame;

/// A terminal that cannot exist.
pub struct Terminal(Infallible);

/// Why there can be no view.
pub fn obstacle() -> Option<&'static str> {
    Some("it supports Unix terminals only")
}

/// Does nothing: no terminal was taken.
pub fn close() {}

/// Does nothing either.
pub fn settle() {}

impl Terminal {
    /// Fails.
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The bytes of the keys that were pressed since the last call.
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
