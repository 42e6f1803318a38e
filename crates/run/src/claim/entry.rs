//! The name of the one file in the folder of a claim.

use std::fmt;

/// What has become of a claim, by which worker, and the how manyth of its names that is: no name is there twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub(super) state: State,
    pub(super) worker: String,
    pub(super) number: u64,
}

/// The first word of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A worker trains the run, or died.
    Held,
    /// A worker gave it back.
    Free,
    /// Its training failed.
    Failed,
}

impl State {
    const ALL: [Self; 3] = [Self::Held, Self::Free, Self::Failed];

    fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Free => "free",
            Self::Failed => "failed",
        }
    }
}

impl Entry {
    /// The entry that a file name stands for.
    pub fn parse(name: &str) -> Option<Self> {
        let (state, rest) = name.split_once('.')?;
        let state = State::ALL.into_iter().find(|known| known.word() == state)?;
        let (worker, number) = rest.rsplit_once('.')?;
        let number = number.parse().ok()?;
        (!worker.is_empty()).then(|| Self { state, worker: worker.to_owned(), number })
    }

    /// What has become of the claim.
    pub fn state(&self) -> State {
        self.state
    }

    /// The worker that wrote it.
    pub fn worker(&self) -> &str {
        &self.worker
    }
}

/// As the file is called.
impl fmt::Display for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}.{}", self.state.word(), self.worker, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_from_its_name_and_nothing_else_is_one() {
        for state in State::ALL {
            let entry = Entry { state, worker: "node-7-4711".to_owned(), number: 12 };
            assert_eq!(Entry::parse(&entry.to_string()), Some(entry));
        }
        for other in
            ["", "held", "held.a", "held..1", "held.a.", "held.a.-1", "taken.a.1", ".nfs0000", "notes.txt"]
        {
            assert_eq!(Entry::parse(other), None, "{other}");
        }
    }
}
