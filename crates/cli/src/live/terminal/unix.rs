//! The terminal while the live view has it; it is given back at the end, at a signal and in a panic.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use ratatui::Frame;
use ratatui::backend::TermionBackend;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

use super::writer;

/// Another screen, empty and without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[?25l";

/// Time that a terminal may need to take the bytes that give the screen back; a checkpoint waits for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Most bytes of keys that are read at once; no person types faster.
const MAX_KEYS: usize = 64;

/// The modes to go back to while a view is open. Static, because a panic hook reaches nothing else.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal in which keys arrive at once and a picture can be drawn. At most one exists at a time.
pub struct Terminal {
    screen: ratatui::Terminal<TermionBackend<Picture>>,
    picture: Picture,
}

/// The bytes of one picture.
#[derive(Clone)]
struct Picture(Rc<RefCell<Vec<u8>>>);

/// Why there can be no view; `None` where standard input and output are terminals.
pub fn obstacle() -> Option<&'static str> {
    match (stdin().is_terminal(), stdout().is_terminal()) {
        (true, true) if std::env::var_os("TERM").is_some_and(|name| name == "dumb") => {
            Some("a terminal of TERM=dumb cannot show pictures")
        }
        (true, true) => None,
        (false, true) => Some("standard input is not a terminal"),
        (true, false) => Some("standard output is not a terminal"),
        (false, false) => Some("standard input and standard output are not terminals"),
    }
}

impl Terminal {
    /// Takes the terminal. Ctrl-C stays the signal that it is.
    pub fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let report = std::panic::take_hook();
            // First, so that the report of the panic stands on the screen of before.
            std::panic::set_hook(Box::new(move |panic| {
                close();
                report(panic);
            }));
        });
        let before = tcgetattr(stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // Ctrl-C would discard output on its way, and Linux does not wake a thread that waits for room in the buffer.
        modes.local_modes.insert(LocalModes::NOFLSH);
        // Ctrl-S would hold the training, because the view could not be written.
        modes.input_modes.remove(InputModes::IXON);
        // Ctrl-Z and Ctrl-\ would leave the view on the shell's screen. A zero turns a key off.
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        modes.special_codes[SpecialCodeIndex::VQUIT] = 0;
        // Reading returns at once, with nothing where no key was pressed.
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Written with the first picture.
        let picture = Picture(Rc::new(RefCell::new(ENTER.as_bytes().to_vec())));
        let screen = ratatui::Terminal::new(TermionBackend::new(picture.clone()))?;
        let mut taken = taken();
        // Before the modes, which are restored only after a start.
        writer::start()?;
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        *taken = Some(before);
        Ok(Self { screen, picture })
    }

    /// Whether the picture before is on the screen.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn is_ready(&self) -> io::Result<bool> {
        writer::is_idle()
    }

    /// The bytes of the keys that were pressed since the last call.
    pub fn typed(&self) -> io::Result<Vec<u8>> {
        let taken = taken();
        // In the modes of before, reading would wait for a line.
        if taken.is_none() {
            return Ok(Vec::new());
        }
        let mut bytes = [0; MAX_KEYS];
        let count = rustix::io::read(stdin(), &mut bytes)?;
        Ok(bytes[..count].to_vec())
    }

    /// Draws one picture in the size that the terminal has now; only what changed is sent.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.screen.draw(picture)?;
        writer::write(self.picture.0.take());
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        close();
    }
}

impl Write for Picture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the terminal back, if it was taken. The modes come first, because a stalled terminal takes nothing that is
/// written.
pub fn close() {
    if let Some(before) = taken().take() {
        // A terminal that is gone has no modes to restore.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        writer::leave();
    }
    writer::wait(Some(PATIENCE));
}

/// Waits until the screen is given back, so that the next line is printed on the screen of before.
pub fn settle() {
    writer::wait(None);
}

fn taken() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
