//! A folder of its own for every test, and the binary started in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// What lies in a folder, by path: the bytes of a file, nothing for a folder.
pub type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// An empty folder, removed at the end of the test.
pub struct Sandbox {
    folder: TempDir,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One that waits for no disk, where the system has such a place: what a process wrote outlives its death anyway.
    pub fn in_memory() -> Self {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Self { folder: tempfile::tempdir_in(memory).unwrap() } } else { Self::new() }
    }

    /// Where `name` is, or would be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn read_text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// The events that a run logged.
    pub fn metrics(&self, run: &str) -> Vec<Value> {
        events(&self.read_text(&format!("{run}/metrics.jsonl")))
    }

    /// The names in it, unread.
    pub fn names(&self) -> Vec<PathBuf> {
        let mut names: Vec<_> =
            fs::read_dir(self.path(".")).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }

    /// Everything in folder `name`; `"."` is the whole sandbox.
    pub fn tree(&self, name: &str) -> Tree {
        tree_of(&self.path(name))
    }

    /// Writes a tree into folder `name`.
    pub fn place(&self, name: &str, tree: &Tree) {
        for (path, content) in tree {
            let path = format!("{name}/{}", path.display());
            match content {
                None => fs::create_dir_all(self.path(&path)).unwrap(),
                Some(content) => self.write(&path, content),
            }
        }
    }

    /// `qkv` with the arguments of `line`, which are separated by spaces.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qkv"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            // As for a user who starts the binary itself.
            .env_remove("CARGO");
        // The tests may run within a job.
        for (name, _) in std::env::vars_os() {
            let of_a_job = ["SLURM_", "JOB_COMPLETION", "HQ_"];
            if name.to_str().is_some_and(|name| of_a_job.iter().any(|start| name.starts_with(start))) {
                command.env_remove(name);
            }
        }
        command
    }

    /// Runs `qkv` to its end.
    pub fn qkv(&self, line: &str) -> Finished {
        self.command(line).output().unwrap().into()
    }

    /// Runs `qkv` to its end; it must succeed.
    #[track_caller]
    pub fn succeeds(&self, line: &str) -> Finished {
        let run = self.qkv(line);
        assert_eq!(run.code, Some(0), "qkv {line}\n{run:#?}");
        run
    }

    /// Runs the command with which a message ends, as a user pastes it into a shell.
    #[track_caller]
    pub fn paste(&self, message: &str) -> Finished {
        let at = message.find(env!("CARGO_BIN_EXE_qkv")).unwrap_or_else(|| panic!("no command in {message}"));
        let mut shell = Command::new("sh");
        shell.args(["-c", &message[at..]]).current_dir(self.folder.path()).env_remove("CARGO");
        shell.output().unwrap().into()
    }

    /// `qkv` must refuse `line`: exit code 2, a sentence that holds every fragment, and nothing touched.
    #[track_caller]
    pub fn refuses(&self, line: &str, fragments: &[&str]) {
        self.is_refused(self.command(line), fragments);
    }

    /// As [`refuses`](Self::refuses), for arguments with spaces.
    #[track_caller]
    pub fn is_refused(&self, mut command: Command, fragments: &[&str]) {
        let before = self.tree(".");
        let run: Finished = command.output().unwrap().into();
        let report = format!("{command:?}\n{run:#?}");
        assert_eq!(run.code, Some(2), "{report}");
        assert_eq!(run.stdout, "", "{report}");
        assert!(run.stderr.starts_with("error: "), "{report}");
        let from_the_parser = run.stderr.ends_with("For more information, try '--help'.\n");
        let (title, n_below) = (run.stderr.lines().next(), run.stderr.lines().count() - 1);
        let n_faults = title.and_then(|title| title.strip_suffix(" settings are wrong:")?.rsplit(' ').next());
        let n_faults = n_faults.map_or(0, |n| n.parse().unwrap());
        assert!(from_the_parser || n_below == n_faults, "{report}");
        for fragment in fragments {
            assert!(run.stderr.contains(fragment), "no `{fragment}` in {report}");
        }
        assert!(self.tree(".") == before, "something was created or changed: {report}");
    }
}

impl Finished {
    /// The lines of standard output, each of them a JSON object.
    #[track_caller]
    pub fn events(&self) -> Vec<Value> {
        events(&self.stdout)
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Everything in a folder.
pub fn tree_of(folder: &Path) -> Tree {
    let mut tree = Tree::new();
    collect(folder, folder, &mut tree);
    tree
}

#[track_caller]
fn events(lines: &str) -> Vec<Value> {
    let event = |line: &str| -> Value {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event.is_object(), "{line}");
        event
    };
    lines.lines().map(event).collect()
}

fn collect(root: &Path, folder: &Path, tree: &mut Tree) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().to_owned();
        if path.is_dir() {
            tree.insert(name, None);
            collect(root, &path, tree);
        } else {
            tree.insert(name, Some(fs::read(&path).unwrap()));
        }
    }
}
