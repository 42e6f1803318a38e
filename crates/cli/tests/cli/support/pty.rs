//! `qkv` in a terminal of its own: keys in, a screen out.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::ink::backgrounds;
use crate::support::sandbox::Sandbox;

/// Time that a busy machine may need until the screen changes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process with a terminal.
pub struct Pty {
    keyboard: File,
    /// Our end of what the process has, so that its modes outlive it.
    line: OwnedFd,
    terminal: Arc<Terminal>,
    reader: JoinHandle<()>,
    child: Running,
}

/// What the thread shares that reads the output of the process.
struct Terminal {
    screen: Mutex<vt100::Parser>,
    /// Whether the view was ever on the screen.
    was_taken: AtomicBool,
    /// What the view showed first; empty as long as it was not there.
    first: Mutex<String>,
    is_read: AtomicBool,
    is_open: AtomicBool,
}

impl Terminal {
    /// Shows what the process writes, with a rest after every 4 KiB.
    fn show(&self, mut output: File, delay: Duration) {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = output.read(&mut bytes) {
            let mut parser = self.screen.lock().unwrap();
            parser.process(&bytes[..count]);
            // What changes to the other screen.
            const ENTER: &[u8] = b"\x1b[?1049h";
            let enters = bytes[..count].windows(ENTER.len()).any(|bytes| bytes == ENTER);
            self.was_taken.fetch_or(enters || parser.screen().alternate_screen(), Ordering::Relaxed);
            let mut first = self.first.lock().unwrap();
            if first.is_empty() && parser.screen().alternate_screen() {
                *first = parser.screen().contents();
            }
            drop((parser, first));
            if !self.is_open.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(delay);
            while !self.is_read.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }
}

/// Does not outlive a test that fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Pty {
    /// Starts `qkv` with the arguments of `line` in a terminal of 100 × 40.
    pub fn start(sandbox: &Sandbox, line: &str) -> Self {
        Self::of(&sandbox.command(line), &[])
    }

    /// Starts `qkv` in a terminal that shows 4 KiB and then rests for as long as `delay`.
    pub fn start_slow(sandbox: &Sandbox, line: &str, delay: Duration) -> Self {
        Self::open(&sandbox.command(line), &[], delay)
    }

    /// Starts `qkv` with the signal of a closed terminal ignored, as `nohup` does.
    pub fn start_without_hang_ups(sandbox: &Sandbox, line: &str) -> Self {
        let qkv = sandbox.command(line);
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]).arg(qkv.get_program()).args(qkv.get_args());
        command.current_dir(qkv.get_current_dir().unwrap());
        Self::of(&command, &[])
    }

    /// Starts any command in a terminal.
    pub fn of(qkv: &Command, variables: &[(&str, &str)]) -> Self {
        Self::open(qkv, variables, Duration::ZERO)
    }

    fn open(qkv: &Command, variables: &[(&str, &str)], delay: Duration) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let slave = ioctl_tiocgptpeer(&master, flags).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        // As a shell starts it: with this terminal as its own, so that Ctrl-C and the signal of a closed terminal
        // reach it, even where the tests run with that signal ignored.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "env", "--default-signal=HUP"]).arg(qkv.get_program()).args(qkv.get_args());
        command
            .current_dir(qkv.get_current_dir().unwrap())
            .env_remove("CARGO")
            .env_remove("NO_COLOR")
            .env_remove("COLORTERM")
            .env("TERM", "xterm");
        command.envs(variables.iter().copied()).stdin(end()).stdout(end()).stderr(end());
        let terminal = Arc::new(Terminal {
            screen: Mutex::new(vt100::Parser::new(40, 100, 0)),
            was_taken: AtomicBool::new(false),
            first: Mutex::new(String::new()),
            is_read: AtomicBool::new(true),
            is_open: AtomicBool::new(true),
        });
        resize(&master, 100, 40);
        let child = Running(command.spawn().unwrap());
        let keyboard = File::from(master.try_clone().unwrap());
        let (output, shared) = (File::from(master), Arc::clone(&terminal));
        let reader = std::thread::spawn(move || shared.show(output, delay));
        Self { keyboard, line: slave, terminal, reader, child }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Sends a signal to the process, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.0.id().to_string()]).status();
        assert!(status.unwrap().success());
    }

    /// Sends Ctrl-C and a signal to end, without waiting in between.
    pub fn signal_twice(&self) {
        let script = format!("kill -s INT {0}; kill -s TERM {0}", self.child.0.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    }

    /// Stops or resumes reading the output of the process.
    pub fn read(&self, is_read: bool) {
        self.terminal.is_read.store(is_read, Ordering::Relaxed);
    }

    /// Whether the process is still there.
    pub fn is_running(&mut self) -> bool {
        self.child.0.try_wait().unwrap().is_none()
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.screen.lock().unwrap().screen_mut().set_size(rows, columns);
        resize(&self.keyboard, columns, rows);
    }

    /// The text that is on the screen now.
    pub fn text(&self) -> String {
        self.terminal.text()
    }

    /// Waits until `text` is on the screen.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Waits until the screen is as it should be; `what` is what was waited for.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&str) -> bool) {
        let started = Instant::now();
        while !is_so(&self.text()) {
            assert!(started.elapsed() < PATIENCE, "waited for: {what}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The step that the heading names.
    #[track_caller]
    pub fn step(&self) -> u64 {
        let text = self.text();
        let number = text.split("step ").nth(1).and_then(|rest| rest.split('/').next());
        number.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no step in\n{text}"))
    }

    /// Whether the process has the modes, the screen and the cursor that the view needs.
    pub fn is_taken(&self) -> [bool; 3] {
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        let parser = self.terminal.screen.lock().unwrap();
        let screen = parser.screen();
        [
            !modes.contains(LocalModes::ICANON | LocalModes::ECHO),
            screen.alternate_screen(),
            screen.hide_cursor(),
        ]
    }

    /// What the view showed first.
    pub fn first_text(&self) -> String {
        self.terminal.first.lock().unwrap().clone()
    }

    /// Leaves the view at the end of a training: what is on the screen then.
    #[track_caller]
    pub fn leaves(mut self) -> String {
        self.wait_for("q leave");
        self.press("q");
        self.ends_with(0)
    }

    /// Closes the terminal and waits for the end: the exit code.
    #[track_caller]
    pub fn hang_up(self) -> Option<i32> {
        let Self { keyboard, line, terminal, reader, mut child } = self;
        terminal.is_open.store(false, Ordering::Relaxed);
        // At the next picture at the latest.
        reader.join().unwrap();
        drop((keyboard, line));
        ended(&mut child, &terminal)
    }

    /// Waits for the end: the exit code.
    #[track_caller]
    pub fn wait_for_the_end(&mut self) -> Option<i32> {
        ended(&mut self.child, &self.terminal)
    }

    /// The same, with this exit code: what is on the screen then.
    #[track_caller]
    pub fn ends_with(self, expected: i32) -> String {
        let (code, text) = self.end();
        assert_eq!(code, Some(expected), "{text}");
        text
    }

    /// Waits for the end of a command without a view: what it printed, and the colours behind it.
    #[track_caller]
    pub fn printed(self) -> (String, Vec<vt100::Color>) {
        self.at_the_end(|screen| (screen.contents(), backgrounds(screen)))
    }

    /// Waits for the end of a command without a view, and looks at the screen.
    #[track_caller]
    pub fn at_the_end<T>(mut self, look: impl FnOnce(&vt100::Screen) -> T) -> T {
        assert_eq!(self.wait_for_the_end(), Some(0), "{}", self.text());
        drop(self.line);
        self.reader.join().unwrap();
        look(self.terminal.screen.lock().unwrap().screen())
    }

    /// Waits for the end: exit code, and what is on the screen then. The view must have been there, and the terminal
    /// must be as it was before.
    #[track_caller]
    pub fn end(mut self) -> (Option<i32>, String) {
        let code = self.wait_for_the_end();
        let [has_modes, _, _] = self.is_taken();
        // Without it, what was written is read to its end.
        drop(self.line);
        self.reader.join().unwrap();
        let parser = self.terminal.screen.lock().unwrap();
        let (screen, text) = (parser.screen(), parser.screen().contents());
        let is_taken = [has_modes, screen.alternate_screen(), screen.hide_cursor()];
        assert_eq!(is_taken, [false; 3], "modes, screen, cursor\n{text}");
        assert!(self.terminal.was_taken.load(Ordering::Relaxed), "the view was never there\n{text}");
        (code, text)
    }
}

#[track_caller]
fn ended(Running(child): &mut Running, terminal: &Terminal) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        assert!(started.elapsed() < PATIENCE, "still running:\n{}", terminal.text());
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn resize(terminal: impl AsFd, columns: u16, rows: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}
