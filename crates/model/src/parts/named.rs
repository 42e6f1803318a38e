//! From a name and settings to what is built of them, for everything that a config can name.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::choice::{Choice, fields};
use crate::error::ModelError;

/// Types of one kind under their names. Settings become a `B`: a function that builds, such as
/// `dyn Fn(&Init, HeadShape) -> Result<AnyScore, ModelError>`.
///
/// A name can be taken only once; the first that was taken twice is reported by the next use.
pub struct Named<B: ?Sized> {
    kind: &'static str,
    entries: BTreeMap<String, Arc<Read<B>>>,
    taken_twice: Option<String>,
}

type Read<B> = dyn Fn(&Choice) -> Result<Ready<B>, ModelError> + Send + Sync;

/// Everything of one kind that a config can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNames<'a> {
    /// What the names stand for, such as `score`.
    pub kind: &'static str,
    /// In alphabetical order.
    pub names: Vec<&'a str>,
}

/// A [`Choice`] that was looked up and read.
pub struct Ready<B: ?Sized> {
    /// The choice with every setting filled in.
    pub choice: Choice,
    /// Every key that its settings can have.
    pub keys: Vec<String>,
    /// Builds it from these settings.
    pub build: Box<B>,
}

impl<B: ?Sized + 'static> Named<B> {
    /// Without any name yet; `kind` is what the names stand for in errors, for example `"score"`.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, entries: BTreeMap::new(), taken_twice: None }
    }

    /// Adds a type with settings `C`, of which `build` makes what builds it.
    pub fn add<C: Serialize + DeserializeOwned + 'static>(
        &mut self,
        name: &str,
        build: impl Fn(C) -> Box<B> + Send + Sync + 'static,
    ) {
        let kind = self.kind;
        let read = move |choice: &Choice| {
            let by_itself = || serde_json::to_value(Choice::new("").read::<C>(kind).ok()?).ok();
            let settings: C = choice.read_or_advise(kind, by_itself)?;
            let keys = fields(&settings).into_iter().map(|(key, _)| key).collect();
            Ok(Ready { choice: choice.with_settings(&settings), keys, build: build(settings) })
        };
        if self.entries.insert(name.to_owned(), Arc::new(read)).is_some() {
            self.taken_twice.get_or_insert(name.to_owned());
        }
    }

    /// Looks `choice` up and reads its settings.
    ///
    /// # Errors
    /// If there is no such name, its settings are wrong, or a name was taken twice.
    pub fn read(&self, choice: &Choice) -> Result<Ready<B>, ModelError> {
        self.find(&choice.name)?(choice)
    }

    /// Looks a name up.
    ///
    /// # Errors
    /// If there is no such name, or one was taken twice.
    pub fn check_name(&self, name: &str) -> Result<(), ModelError> {
        self.find(name).map(|_| ())
    }

    /// Whether every name was taken only once.
    ///
    /// # Errors
    /// If one was not.
    pub fn check(&self) -> Result<(), ModelError> {
        match &self.taken_twice {
            None => Ok(()),
            Some(name) => Err(ModelError::NameTaken { kind: self.kind, name: name.clone() }),
        }
    }

    /// The names in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The names with their kind.
    pub fn known(&self) -> KnownNames<'_> {
        KnownNames { kind: self.kind, names: self.names().collect() }
    }

    fn find(&self, name: &str) -> Result<&Read<B>, ModelError> {
        self.check()?;
        self.entries.get(name).map(Arc::as_ref).ok_or_else(|| ModelError::Unknown {
            kind: self.kind,
            name: name.to_owned(),
            known: self.entries.keys().cloned().collect(),
        })
    }
}

impl<B: ?Sized> Clone for Named<B> {
    fn clone(&self) -> Self {
        let Self { kind, entries, taken_twice } = self;
        Self { kind, entries: entries.clone(), taken_twice: taken_twice.clone() }
    }
}

impl<B: ?Sized> Debug for Named<B> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}
