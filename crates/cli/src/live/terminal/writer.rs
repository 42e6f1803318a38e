//! Writes pictures beside the training, which must not wait for a slow terminal, and gives the screen back at the end.

use std::io::{self, stdout};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that are written at once. A terminal takes about as many without anybody reading them, so whoever wants to give it
/// back does not wait long.
const PIECE: usize = 1024;

/// An end to what was half written; colours as before, with a cursor, the screen of before.
const LEAVE: &[u8] = b"\x18\x1b[0m\x1b[?25h\x1b[?1049l";

/// What there is to write. Never held while something is written, because a terminal that nobody reads takes nothing.
static DESK: Mutex<Desk> = Mutex::new(Desk { stage: Stage::Closed, picture: None, has_written: false });

/// Rings when the desk has changed.
static BELL: Condvar = Condvar::new();

struct Desk {
    stage: Stage,
    /// Stays until it is written.
    picture: Option<Vec<u8>>,
    has_written: bool,
}

/// How far a view is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none.
    Closed,
    /// Pictures may be written.
    Open,
    /// Only what gives the screen back is still to be written.
    Leaving,
    /// The terminal takes nothing any more.
    Gone,
}

/// Starts a thread that writes to standard output until it is told to leave.
pub fn start() -> io::Result<()> {
    *desk() = Desk { stage: Stage::Open, picture: None, has_written: false };
    std::thread::Builder::new().name("writer".to_owned()).spawn(work)?;
    Ok(())
}

/// Whether everything that it was given is written.
///
/// # Errors
/// If the terminal takes nothing any more.
pub fn is_idle() -> io::Result<bool> {
    let desk = desk();
    match desk.stage {
        Stage::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        _ => Ok(desk.picture.is_none()),
    }
}

/// Has `picture` written, once the one before is.
pub fn write(picture: Vec<u8>) {
    desk().picture = Some(picture);
    BELL.notify_all();
}

/// Has nothing further written but what gives the screen back.
pub fn leave() {
    let mut desk = desk();
    if desk.stage == Stage::Open {
        desk.stage = Stage::Leaving;
    }
    BELL.notify_all();
}

/// Waits until the screen is given back, but no longer than `patience`, where there is an end to it.
pub fn wait(patience: Option<Duration>) {
    let is_leaving = |desk: &mut Desk| desk.stage == Stage::Leaving;
    // Whether it was in time changes nothing: the thread goes on.
    match patience {
        Some(patience) => drop(BELL.wait_timeout_while(desk(), patience, is_leaving)),
        None => drop(BELL.wait_while(desk(), is_leaving)),
    }
}

fn work() {
    let end = loop {
        let mut desk = desk();
        while desk.stage == Stage::Open && desk.picture.is_none() {
            desk = BELL.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        if desk.stage == Stage::Leaving {
            let screen = if desk.has_written { LEAVE } else { b"" };
            drop(desk);
            break write_all(screen);
        }
        desk.has_written = true;
        let picture = desk.picture.clone().unwrap_or_default();
        drop(desk);
        let mut pieces = picture.chunks(PIECE).take_while(|_| self::desk().stage == Stage::Open);
        if let Err(error) = pieces.try_for_each(write_all) {
            break Err(error);
        }
        self::desk().picture = None;
    };
    desk().stage = if end.is_ok() { Stage::Closed } else { Stage::Gone };
    BELL.notify_all();
}

/// Past the buffer of standard output, whose lock would be held for as long as the terminal takes nothing.
fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(stdout(), bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn desk() -> MutexGuard<'static, Desk> {
    DESK.lock().unwrap_or_else(PoisonError::into_inner)
}
