//! What git has about the sources of the program.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is compiled from, below the folder of the workspace.
const SOURCES: [&str; 6] =
    ["Cargo.toml", "Cargo.lock", "crates", ":!crates/*/tests/*", ":!crates/*/benches/*", ":!crates/*.md"];

/// The folder of the workspace, where git tracks it.
pub struct Checkout {
    folder: PathBuf,
}

impl Checkout {
    /// `None` without git, and in a folder of which a repository around it has nothing.
    pub fn of(folder: &Path) -> Option<Self> {
        let checkout = Self { folder: folder.to_owned() };
        checkout.git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
        Some(checkout)
    }

    /// HEAD's, followed by `-dirty` where tracked sources are not as they are in it, as of `git describe --dirty`.
    pub fn commit(&self) -> Option<String> {
        let head = self.git(&["rev-parse", "HEAD"])?;
        let status = ["status", "--porcelain", "--untracked-files=no", "--"];
        let changed = self.git(&[&status[..], &SOURCES].concat())?;
        Some(if changed.is_empty() { head } else { head + "-dirty" })
    }

    /// Files one of which changes where [`commit`](Self::commit) does.
    ///
    /// The index is not among them: whether a change was staged makes no difference, and git writes it at every look.
    pub fn decided_by(&self) -> Vec<PathBuf> {
        // One of them changes with every commit and every checkout.
        let branch = self.git(&["symbolic-ref", "--quiet", "HEAD"]);
        let of_git = ["HEAD", "logs/HEAD"].into_iter().chain(branch.as_deref());
        let of_git = of_git.filter_map(|file| self.git(&["rev-parse", "--git-path", file]));
        let sources = self.git(&[&["ls-files", "-z", "--"][..], &SOURCES].concat()).unwrap_or_default();
        let sources = sources.split_terminator('\0').map(str::to_owned);
        let paths = of_git.chain(sources).map(|path| self.folder.join(path));
        // Cargo would take a file that is not there for one that has changed, at every build.
        paths.filter(|path| path.exists()).collect()
    }

    /// What git prints, unless it fails.
    fn git(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("git");
        // Nothing is written: the index belongs to the user.
        let output =
            command.arg("--no-optional-locks").args(arguments).current_dir(&self.folder).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim_end_matches('\n').to_owned())
    }
}
