//! Writes pictures beside the training, which must not wait for a slow terminal.

use std::io::{self, Write, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that are written at once. A terminal takes about as many without anybody reading them, so whoever wants to give it
/// back does not wait long.
const PIECE: usize = 1024;

/// Whether pictures may be written. Held while a piece is.
static OPEN: Mutex<bool> = Mutex::new(false);

/// A thread that writes to standard output until it is silenced.
pub struct Writer {
    pictures: Sender<Vec<u8>>,
    is_idle: Arc<AtomicBool>,
}

impl Writer {
    pub fn start() -> io::Result<Self> {
        let (pictures, received) = channel::<Vec<u8>>();
        let is_idle = Arc::new(AtomicBool::new(true));
        let has_written = Arc::clone(&is_idle);
        *open() = true;
        std::thread::Builder::new().name("writer".to_owned()).spawn(move || {
            for picture in received {
                // A terminal that is gone takes no further picture, and the view stands still until the run ends.
                if picture.chunks(PIECE).try_for_each(write).is_err() {
                    return;
                }
                has_written.store(true, Ordering::Release);
            }
        })?;
        Ok(Self { pictures, is_idle })
    }

    /// Whether everything that it was given is written.
    pub fn is_idle(&self) -> bool {
        self.is_idle.load(Ordering::Acquire)
    }

    /// Has `picture` written after those before it.
    pub fn write(&self, picture: Vec<u8>) {
        self.is_idle.store(false, Ordering::Release);
        // A thread that ended has nobody to write for.
        let _ = self.pictures.send(picture);
    }
}

/// Has nothing further written; for as long as the guard lives, nobody starts again.
pub fn silence() -> MutexGuard<'static, bool> {
    let mut open = open();
    *open = false;
    open
}

fn write(piece: &[u8]) -> io::Result<()> {
    let open = open();
    if *open {
        let mut out = stdout();
        out.write_all(piece)?;
        out.flush()?;
    }
    Ok(())
}

fn open() -> MutexGuard<'static, bool> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
