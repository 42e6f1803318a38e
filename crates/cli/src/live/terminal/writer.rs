//! Writes pictures beside the training, which must not wait for a slow terminal, and gives the screen back at the end.

use std::io::{self, stdout};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Bytes that are written at once. A stalled terminal still takes about as many, so giving it back does not wait long.
const PIECE: usize = 1024;

/// Cancels a half-written sequence; default colours, a cursor, the screen of before.
const LEAVE: &[u8] = b"\x18\x1b[0m\x1b[?25h\x1b[?1049l";

/// The work of the thread. Never locked while bytes are written, because a stalled terminal takes none.
static STATE: Mutex<State> = Mutex::new(State { stage: Stage::Closed, picture: None, has_written: false });

/// Notified when [`STATE`] has changed.
static CHANGED: Condvar = Condvar::new();

struct State {
    stage: Stage,
    /// The picture to write; it stays until it is written.
    picture: Option<Vec<u8>>,
    has_written: bool,
}

/// The life of a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Closed,
    /// Pictures may be written.
    Open,
    /// Only the bytes that give the screen back are still written.
    Leaving,
    /// The terminal takes nothing any more.
    Gone,
}

/// Starts a thread that writes to standard output until [`leave`].
pub fn start() -> io::Result<()> {
    *lock() = State { stage: Stage::Open, picture: None, has_written: false };
    std::thread::Builder::new().name("writer".to_owned()).spawn(work)?;
    Ok(())
}

/// Whether every picture is written.
///
/// # Errors
/// If the terminal takes nothing any more.
pub fn is_idle() -> io::Result<bool> {
    let state = lock();
    match state.stage {
        Stage::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        _ => Ok(state.picture.is_none()),
    }
}

/// Has `picture` written after the one before.
pub fn write(picture: Vec<u8>) {
    lock().picture = Some(picture);
    CHANGED.notify_all();
}

/// Has the screen given back, and nothing else written.
pub fn leave() {
    let mut state = lock();
    if state.stage == Stage::Open {
        state.stage = Stage::Leaving;
    }
    CHANGED.notify_all();
}

/// Waits until the screen is given back, but no longer than `patience`, where there is an end to it.
pub fn wait(patience: Option<Duration>) {
    let is_leaving = |state: &mut State| state.stage == Stage::Leaving;
    // A time-out changes nothing: the thread goes on.
    match patience {
        Some(patience) => drop(CHANGED.wait_timeout_while(lock(), patience, is_leaving)),
        None => drop(CHANGED.wait_while(lock(), is_leaving)),
    }
}

fn work() {
    let end = loop {
        let mut state = lock();
        while state.stage == Stage::Open && state.picture.is_none() {
            state = CHANGED.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stage == Stage::Leaving {
            let screen = if state.has_written { LEAVE } else { b"" };
            drop(state);
            break write_all(screen);
        }
        state.has_written = true;
        let picture = state.picture.clone().unwrap_or_default();
        drop(state);
        let mut pieces = picture.chunks(PIECE).take_while(|_| lock().stage == Stage::Open);
        if let Err(error) = pieces.try_for_each(write_all) {
            break Err(error);
        }
        lock().picture = None;
    };
    lock().stage = if end.is_ok() { Stage::Closed } else { Stage::Gone };
    CHANGED.notify_all();
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

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
