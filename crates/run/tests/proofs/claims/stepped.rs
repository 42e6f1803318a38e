use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use qkv_run::{Entry, Lock, Storage};

use crate::support::simulated::Simulated;

/// What a worker does with its storage.
pub type Script = fn(Stepped);

/// A worker at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Work,
    ItsTurn,
    Wait,
    End,
}

/// Who waits, and how many operations have been done.
#[derive(Debug)]
struct Turns {
    workers: Vec<At>,
    dead: Option<usize>,
    time: usize,
}

/// A disk on which an operation of one worker, as far as others can see it, waits for its turn.
#[derive(Clone)]
pub struct Stepped {
    disk: Simulated,
    worker: usize,
    waits_to_sync: bool,
    turns: Arc<(Mutex<Turns>, Condvar)>,
}

impl fmt::Debug for Stepped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the disk of worker {}", self.worker)
    }
}

impl Stepped {
    /// The same, where the sync of a file waits for its turn as well. No other worker sees it, so that it would only add
    /// orders where its result is not looked at.
    pub fn waiting_to_sync(self) -> Self {
        Self { waits_to_sync: true, ..self }
    }

    /// The number of this worker.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Whether this worker has died.
    pub fn is_dead(&self) -> bool {
        self.turns.0.lock().unwrap().dead == Some(self.worker)
    }

    /// The operations that all workers have done.
    pub fn time(&self) -> usize {
        self.turns.0.lock().unwrap().time
    }

    /// An operation, by itself if `path` is one that other workers look at.
    fn step<T>(&self, path: &Path, operation: impl FnOnce(&Simulated) -> io::Result<T>) -> io::Result<T> {
        self.when_it_is_time(!is_private(path), operation)
    }

    fn when_it_is_time<T>(
        &self,
        is_shared: bool,
        operation: impl FnOnce(&Simulated) -> io::Result<T>,
    ) -> io::Result<T> {
        let (turns, changed) = &*self.turns;
        let mut turns = turns.lock().unwrap();
        if is_shared {
            turns.workers[self.worker] = At::Wait;
            changed.notify_all();
            turns = changed.wait_while(turns, |turns| turns.workers[self.worker] == At::Wait).unwrap();
            turns.workers[self.worker] = At::Work;
        }
        if turns.dead == Some(self.worker) {
            return Err(io::Error::other("the worker is dead"));
        }
        turns.time += 1;
        operation(&self.disk)
    }
}

/// Ends the turns of a worker, also where its script panics.
struct End(Stepped);

impl Drop for End {
    fn drop(&mut self) {
        let (turns, changed) = &*self.0.turns;
        turns.lock().unwrap().workers[self.0.worker] = At::End;
        changed.notify_all();
    }
}

/// Whether a worker alone sees what lies there: a claim in the making, and claims that are removed.
fn is_private(path: &Path) -> bool {
    let names = path.components().map(|name| name.as_os_str().to_string_lossy());
    names.into_iter().any(|name| name.starts_with('+') || name.ends_with(".tmp"))
}

/// Runs the scripts in every order of their operations on copies of a disk, with and without the death of one worker, and
/// calls `check` after each with the disk and the worker that died. Returns how many orders there are.
pub fn in_every_order(
    disk: &Simulated,
    scripts: &[Script],
    check: impl Fn(&Simulated, Option<usize>),
) -> usize {
    let mut choices: Vec<(usize, usize)> = Vec::new();
    for n_orders in 1.. {
        let disk = disk.copy();
        let dead = run(&disk, scripts, &mut choices);
        check(&disk, dead);
        while let Some((choice, n_choices)) = choices.pop() {
            if choice + 1 < n_choices {
                choices.push((choice + 1, n_choices));
                break;
            }
        }
        if choices.is_empty() {
            return n_orders;
        }
    }
    unreachable!("the orders are not infinitely many")
}

/// Runs them once, by these choices and then always by the first; adds those to the choices.
fn run(disk: &Simulated, scripts: &[Script], choices: &mut Vec<(usize, usize)>) -> Option<usize> {
    let turns = Turns { workers: vec![At::Work; scripts.len()], dead: None, time: 0 };
    let shared = Arc::new((Mutex::new(turns), Condvar::new()));
    thread::scope(|scope| {
        for (worker, script) in scripts.iter().enumerate() {
            let turns = Arc::clone(&shared);
            let stepped = Stepped { disk: disk.clone(), worker, waits_to_sync: false, turns };
            let end = End(stepped.clone());
            scope.spawn(move || {
                let _end = end;
                script(stepped);
            });
        }
        let (turns, changed) = &*shared;
        let mut n_made = 0;
        loop {
            let is_working =
                |turns: &mut Turns| turns.workers.iter().any(|at| matches!(at, At::Work | At::ItsTurn));
            let mut turns = changed.wait_while(turns.lock().unwrap(), is_working).unwrap();
            let waiting: Vec<usize> =
                (0..scripts.len()).filter(|worker| turns.workers[*worker] == At::Wait).collect();
            if waiting.is_empty() {
                return turns.dead;
            }
            // Each of them goes on or, if none is dead, dies.
            let n_choices = if turns.dead.is_none() { 2 * waiting.len() } else { waiting.len() };
            if n_made == choices.len() {
                choices.push((0, n_choices));
            }
            let choice = choices[n_made].0;
            n_made += 1;
            let worker = waiting[choice % waiting.len()];
            if choice >= waiting.len() {
                turns.dead = Some(worker);
            }
            turns.workers[worker] = At::ItsTurn;
            changed.notify_all();
        }
    })
}

impl Storage for Stepped {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        self.step(path, |disk| disk.entry(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        self.step(folder, |disk| disk.list(folder))
    }

    fn read(&self, file: &Path, at_most: u64) -> io::Result<Vec<u8>> {
        self.step(file, |disk| disk.read(file, at_most))
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(folder, |disk| disk.create_folder(folder))
    }

    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step(file, |disk| disk.write_new(file, bytes))
    }

    // What stands in the file of a claim decides nothing here.
    fn append(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        self.when_it_is_time(false, |disk| disk.append(file, bytes))
    }

    // The name may be another one since the append.
    fn sync_file(&self, file: &Path) -> io::Result<()> {
        self.when_it_is_time(self.waits_to_sync, |disk| disk.sync_file(file))
    }

    // No other worker sees the sync of a folder.
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.when_it_is_time(!(is_private(from) && is_private(to)), |disk| disk.rename(from, to))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.step(file, |disk| disk.remove_file(file))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step(folder, |disk| disk.remove_folder(folder))
    }

    fn lock(&self, file: &Path, owner: &str) -> io::Result<Option<Arc<dyn Lock>>> {
        self.disk.lock(file, owner)
    }
}
