//! The live view supports Unix terminals only; here every call of `unix.rs` fails or does nothing.

use std::convert::Infallible;
use std::io;

use ratatui::Frame;

/// A terminal that cannot exist.
pub struct Terminal(Infallible);

pub fn obstacle() -> Option<&'static str> {
    Some("it supports Unix terminals only")
}

pub fn close() {}

pub fn settle() {}

impl Terminal {
    pub fn open() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn typed(&self) -> io::Result<Vec<u8>> {
        match self.0 {}
    }

    pub fn is_ready(&self) -> io::Result<bool> {
        match self.0 {}
    }

    pub fn draw(&mut self, _picture: impl FnOnce(&mut Frame)) -> io::Result<()> {
        match self.0 {}
    }
}
