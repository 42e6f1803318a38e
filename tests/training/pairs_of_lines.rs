//! Pairs of lines of a file, as they are read, divided and refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use qkv_model::random::fnv1a;
use qkv_train::{
    ConfigSource, Corpus, Example, HeldOutLists, Language, Level, Registry, Split, Task, TrainError,
    Translate, TranslateConfig, Translation, UnknownSymbol, draw,
};
use tempfile::{TempDir, tempdir};

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// Source and answer of an example.
fn texts(task: &Translate, Example { tokens, .. }: &Example) -> (String, String) {
    let (source, answer) = tokens.split_at(task.source_len());
    (Translation::text(task, source), task.reference(answer))
}

/// A folder with a file of pairs.
struct File {
    folder: TempDir,
}

impl File {
    fn new(bytes: impl AsRef<[u8]>) -> Self {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("pairs.tsv"), bytes).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("pairs.tsv")
    }

    fn config(&self) -> TranslateConfig {
        TranslateConfig {
            pairs: self.path(),
            level: Level::Character,
            max_len: 40,
            min_count: 1,
            from: Language::German,
            to: Language::English,
            largest: 99,
            fingerprint: String::new(),
        }
    }

    fn load(&self) -> Result<Translate, TrainError> {
        self.config().load()
    }

    #[track_caller]
    fn refused(&self, message: &str) {
        let error = self.load().unwrap_err();
        assert_eq!(error.to_string(), format!("{} {message}", self.path().display()));
        assert!(error.is_usage());
    }
}

/// Twenty-four pairs, of which two have the same source.
fn lines() -> String {
    let lines = (0..23).map(|n| format!("quelle {n}, ja\tsource {n}, yes\n"));
    lines.chain(["quelle 3, ja\tspring 3, yes\n".to_owned()]).collect()
}

#[test]
fn every_pair_of_a_file_is_in_one_part_and_no_source_in_two() {
    let task = File::new(lines()).load().unwrap();
    let [train, validation, test] = SPLITS.map(|split| -> Vec<(String, String)> {
        let n = match split {
            Split::Train => 400,
            split => task.n_held_out(split),
        };
        (0..n).map(|index| texts(&task, &draw(&task, 0, split, index).unwrap())).collect()
    });
    let held_out = |pairs: &[(String, String)]| -> BTreeSet<String> {
        pairs.iter().map(|pair| pair.0.clone()).collect()
    };
    // One in eight of 23 different sources.
    assert_eq!([&validation, &test].map(|pairs| held_out(pairs).len()), [2, 2]);
    let sources = [&train, &validation, &test].map(|pairs| held_out(pairs));
    assert_eq!(sources.iter().map(BTreeSet::len).sum::<usize>(), 23);
    let pairs: BTreeSet<(String, String)> = [train, validation, test].concat().into_iter().collect();
    let expected: BTreeSet<(String, String)> = lines()
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect();
    assert_eq!(pairs, expected);
    let labels: Vec<String> = task.vocabulary();
    assert_eq!(labels[..5], ["□", "⊢", "⊣", "<unk>", "␣"]);
}

#[test]
fn words_come_back_as_lines_and_rare_ones_are_counted() {
    let file = File::new(lines());
    let task = TranslateConfig { level: Level::Word, min_count: 2, ..file.config() }.load().unwrap();
    // The numbers are rare, but for those that both sides of a line share.
    let once = TranslateConfig { level: Level::Word, min_count: 3, ..file.config() }.load().unwrap();
    let summary = once.summary();
    assert!(
        summary.starts_with("translate 24 pairs of pairs.tsv, ") && summary.contains(" rare words are <unk>"),
        "{summary}"
    );
    assert_eq!(task.unit(), "word");
    let input = task.input("quelle 7, ja").unwrap();
    assert_eq!(Translation::text(&task, &input[..task.source_len()]), "quelle 7, ja");
    let unknown = task.input("quelle, niemand ja").unwrap();
    assert_eq!(Translation::text(&task, &unknown[..task.source_len()]), "quelle, ⁇ ja");
    let niemand = UnknownSymbol { symbol: "niemand".to_owned(), position: 3 };
    assert_eq!(task.unknown("quelle, niemand ja"), [niemand]);
    // Tied to what stands before it, a word is another one.
    let symbols = task.unknown("quelle-7").into_iter().map(|unknown| (unknown.symbol, unknown.position));
    assert_eq!(symbols.collect::<Vec<_>>(), [("‿-".to_owned(), 2), ("‿7".to_owned(), 3)]);
    // What is not known is never taken for the right word.
    assert_eq!(task.reference(&unknown[..task.source_len()]), "quelle, \u{fffd} ja");
    let too_long = task.input("a b c d e f").unwrap_err().to_string();
    assert_eq!(too_long, "a source may have at most 4 tokens, got 6; shorten it");
}

#[test]
fn the_vocabulary_is_that_of_the_training_part() {
    let file = File::new(lines());
    let task = TranslateConfig { level: Level::Word, ..file.config() }.load().unwrap();
    let of_test: Vec<String> =
        (0..task.n_held_out(Split::Test)).map(|index| held_out_source(&task, index)).collect();
    for source in of_test {
        // The number is in no other part; both lines of the third source are in one.
        assert!(source.contains('\u{fffd}'), "{source}");
    }
}

/// A source of the test part, as a right answer is shown.
fn held_out_source(task: &Translate, index: u64) -> String {
    task.reference(&task.held_out(Split::Test, index).tokens[..task.source_len()])
}

#[test]
fn long_pairs_are_left_out_and_counted() {
    let text = lines() + &format!("{}\tlong\n", "x".repeat(41));
    let task = File::new(text).load().unwrap();
    assert!(task.summary().ends_with("; 1 longer pair left out"), "{}", task.summary());
    assert!(task.source_len() <= 40);
}

#[test]
fn a_file_that_is_no_list_of_pairs_is_refused_with_the_line() {
    File::new("").refused("has no pairs; write one in each line: a source, a tab and its target");
    File::new("\n\n").refused("has no pairs; write one in each line: a source, a tab and its target");
    File::new("a\tb\nno tab\nc\td\n")
        .refused("has no tab in line 2; write a source, a tab and its target there");
    File::new("a\tb\n\tb\n").refused("has an empty source in line 2; write one, or remove the line");
    File::new("a\tb\nc\t \n").refused("has an empty target in line 2; write one, or remove the line");
    File::new("a\tb\n").refused(
        "has 1 different source of at most task.max_len = 40, expected at least 8, of which one is held out for \
         validation and one for the test; take a longer file",
    );
    let file = File::new("a\tb\nc\td\te\n");
    let path = file.path().display().to_string();
    file.refused(&format!(
        "has 3 columns in line 2, expected 2; keep two of them: cut -f1,2 '{path}' > '{path}.pairs'"
    ));
    let file = File::new(b"a\tb\nc\td\nM\xe4rz\tMarch\n");
    let path = file.path().display().to_string();
    file.refused(&format!(
        "is not UTF-8 in line 3; convert it with its own encoding after -f, such as: iconv -f ISO-8859-1 -t UTF-8 \
         '{path}' > '{path}.utf8'"
    ));
    let utf_16: Vec<u8> = "a\tb\nc\td".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let error = File::new(utf_16).load().unwrap_err().to_string();
    assert!(error.contains("is UTF-16LE, but a text must be UTF-8"), "{error}");
}

#[test]
fn a_file_is_remembered_and_another_one_refused() {
    let file = File::new(lines());
    let setting = format!("task.pairs={}", file.path().display());
    let registry = Registry::new();
    let experiment = registry.read(ConfigSource::Task("translate"), &[setting]).unwrap();
    let settled: TranslateConfig = experiment.config.task.read("task").unwrap();
    assert_eq!(settled.fingerprint, format!("{:016x}", fnv1a(lines().as_bytes())));
    fs::write(file.path(), lines().replace("yes", "no")).unwrap();
    let error = settled.load().unwrap_err().to_string();
    assert!(error.contains("has changed: the run was made with the text of fingerprint"), "{error}");
    fs::remove_file(file.path()).unwrap();
    let error = settled.load().unwrap_err();
    assert!(error.to_string().starts_with("cannot read the pairs ") && error.is_usage(), "{error}");
    let error = TranslateConfig { pairs: file.folder.path().to_owned(), ..settled }.load().unwrap_err();
    assert!(error.to_string().contains("is a folder, but"), "{error}");
}

#[test]
fn a_page_is_given_the_bytes_of_its_pairs() {
    let registry = Registry::with_texts(|path| {
        assert_eq!(path, Path::new("mine.tsv"));
        Ok(lines().into_bytes())
    });
    let experiment = registry.read(ConfigSource::Task("translate"), &["task.pairs=mine.tsv"]).unwrap();
    assert!(experiment.task.summary().starts_with("translate 24 pairs of mine.tsv"));
    let without = registry.read(ConfigSource::Task("translate"), &["task.largest=999"]).unwrap();
    assert_eq!(without.task.summary(), "translate the numbers from 0 to 999 from German to English");
}
