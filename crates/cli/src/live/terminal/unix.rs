//! The terminal while the live view has it, and how it is given back, whatever happens.

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

/// What a terminal may need until it has taken what gives the screen back; a checkpoint waits for it.
const PATIENCE: Duration = Duration::from_millis(500);

/// Most bytes of keys that are read at once; nobody types faster.
const MAX_KEYS: usize = 64;

/// The modes to go back to while a view is open. Static, because a panic hook knows nothing else.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal in which keys arrive at once and a picture can be drawn. There is one at a time.
pub struct Terminal {
    screen: ratatui::Terminal<TermionBackend<Sheet>>,
    sheet: Sheet,
}

/// The bytes of one picture.
#[derive(Clone)]
struct Sheet(Rc<RefCell<Vec<u8>>>);

/// What keeps a view from being seen; `None` where a person sits at both ends.
pub fn obstacle() -> Option<&'static str> {
    match (stdin().is_terminal(), stdout().is_terminal()) {
        (true, true) if std::env::var_os("TERM").is_some_and(|name| name == "dumb") => {
            Some("TERM=dumb is one that cannot be drawn on")
        }
        (true, true) => None,
        (false, true) => Some("standard input is none"),
        (true, false) => Some("standard output is none"),
        (false, false) => Some("neither standard input nor standard output is one"),
    }
}

impl Terminal {
    /// Takes the terminal. Ctrl-C stays the signal that it is.
    pub fn open() -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let report = std::panic::take_hook();
            // First, so that the report of the panic stands on the screen that stays.
            std::panic::set_hook(Box::new(move |panic| {
                close();
                report(panic);
            }));
        });
        let before = tcgetattr(stdin())?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        // Ctrl-C would throw away what is on its way, and Linux does not wake a thread that waits for room in there.
        modes.local_modes.insert(LocalModes::NOFLSH);
        // Ctrl-S would hold the training, because the view could not be written.
        modes.input_modes.remove(InputModes::IXON);
        // Ctrl-Z and Ctrl-\ would leave the view on the shell's screen. A zero turns a key off.
        modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        modes.special_codes[SpecialCodeIndex::VQUIT] = 0;
        // Reading returns at once, with nothing where no key was pressed.
        modes.special_codes[SpecialCodeIndex::VMIN] = 0;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Comes with the first picture.
        let sheet = Sheet(Rc::new(RefCell::new(ENTER.as_bytes().to_vec())));
        let screen = ratatui::Terminal::new(TermionBackend::new(sheet.clone()))?;
        let mut taken = taken();
        // Before the modes, which nobody would restore without it.
        writer::start()?;
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        *taken = Some(before);
        Ok(Self { screen, sheet })
    }

    /// Whether the picture before is on the screen.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub fn is_ready(&self) -> io::Result<bool> {
        writer::is_idle()
    }

    /// What was typed since the last time.
    pub fn typed(&self) -> io::Result<Vec<u8>> {
        let taken = taken();
        // With the modes of before, reading would wait for a line.
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
        writer::write(self.sheet.0.take());
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        close();
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives the terminal back; does nothing where none was taken. The modes come first, because a terminal that nobody reads
/// takes nothing that is written.
pub fn close() {
    if let Some(before) = taken().take() {
        // Where the terminal is gone, nothing is left to be restored.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
        writer::leave();
    }
    writer::wait(Some(PATIENCE));
}

/// Waits until the screen is given back, so that what is said next stands on the one that stays.
pub fn settle() {
    writer::wait(None);
}

fn taken() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
