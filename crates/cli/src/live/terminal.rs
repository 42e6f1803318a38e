//! The terminal while the live view has it, and how it is given back, whatever happens.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use ratatui::Frame;
use ratatui::backend::TermionBackend;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::writer::{self, Writer};

/// Another screen, empty and without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[2J\x1b[?25l";

/// An end to what was half written; colours as before, with a cursor, the screen of before.
const LEAVE: &str = "\x18\x1b[0m\x1b[?25h\x1b[?1049l";

/// Most bytes of keys that are read at once; nobody types faster.
const MOST_KEYS: usize = 64;

/// The modes to go back to while a view is open. Static, because a panic hook knows nothing else.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal in which keys arrive at once and a picture can be drawn. There is one at a time.
pub struct Terminal {
    screen: ratatui::Terminal<TermionBackend<Sheet>>,
    sheet: Sheet,
    writer: Writer,
    signals: Handle,
}

/// The bytes of one picture.
#[derive(Clone)]
struct Sheet(Rc<RefCell<Vec<u8>>>);

/// What keeps a view from being seen; `None` where a person sits at both ends.
pub fn obstacle() -> Option<&'static str> {
    match (stdin().is_terminal(), stdout().is_terminal()) {
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
        let signals = close_at_signals()?;
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
        let writer = Writer::start()?;
        let mut taken = taken();
        tcsetattr(stdin(), OptionalActions::Now, &modes)?;
        *taken = Some(before);
        drop(taken);
        Ok(Self { screen, sheet, writer, signals })
    }

    /// Whether the picture before is on the screen.
    pub fn is_ready(&self) -> bool {
        self.writer.is_idle()
    }

    /// What was typed since the last time.
    pub fn typed(&self) -> io::Result<Vec<u8>> {
        let taken = taken();
        // With the modes of before, reading would wait for a line.
        if taken.is_none() {
            return Ok(Vec::new());
        }
        let mut bytes = [0; MOST_KEYS];
        let count = rustix::io::read(stdin(), &mut bytes)?;
        Ok(bytes[..count].to_vec())
    }

    /// Draws one picture in the size that the terminal has now; only what changed is sent.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.screen.draw(picture)?;
        self.writer.write(self.sheet.0.take());
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.signals.close();
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

/// Gives the terminal back at the first signal, however long the step takes that is under way: the second signal ends the
/// process without asking anybody.
fn close_at_signals() -> io::Result<Handle> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let handle = signals.handle();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        if signals.forever().next().is_some() {
            close();
        }
    })?;
    Ok(handle)
}

/// Gives the terminal back, once; does nothing where none was taken.
fn close() {
    let mut taken = taken();
    let Some(before) = taken.take() else { return };
    let _nothing_follows = writer::silence();
    let mut out = stdout();
    // Where the terminal is gone, nothing is left to be restored.
    let _ = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    let _ = tcsetattr(stdin(), OptionalActions::Now, &before);
}

fn taken() -> MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
