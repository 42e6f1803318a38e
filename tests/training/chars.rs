//! The language model of a text: how the text is split, what it is held against, and what is refused.

use std::collections::HashSet;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use burn::tensor::Device;
use qkv_model::{Init, Transformer, TransformerConfig};
use qkv_train::{
    Baseline, Chars, CharsConfig, ConfigSource, Corpus, Example, Examples, HeldOutLists, Registry, Split,
    Task, TextFault, TrainError, draw, evaluate,
};
use tempfile::NamedTempFile;

/// A text in a file of its own.
struct TextFile(NamedTempFile);

impl TextFile {
    fn new(bytes: impl AsRef<[u8]>) -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::write(&file, bytes).unwrap();
        Self(file)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn config(&self, seq_len: usize) -> CharsConfig {
        CharsConfig { text: self.path().to_owned(), seq_len, fingerprint: String::new() }
    }

    fn load(&self, seq_len: usize) -> Result<Chars, TrainError> {
        self.config(seq_len).load()
    }

    #[track_caller]
    fn refused(&self, seq_len: usize, message: &str) {
        let error = self.load(seq_len).unwrap_err();
        assert_eq!(error.to_string().replace(&self.path().display().to_string(), "FILE"), message);
        assert!(error.is_usage());
    }
}

/// 80 letters for training, 10 for validation, 10 for testing, none of them in two parts.
fn three_parts() -> TextFile {
    TextFile::new("abcde".repeat(16) + "klmnopqrst" + "KLMNOPQRST")
}

#[test]
fn each_position_asks_for_the_next_character() {
    let chars = TextFile::new("never odd or even ".repeat(5)).load(6).unwrap();
    let labels = chars.vocabulary();
    assert_eq!(labels, ["␣", "d", "e", "n", "o", "r", "v"]);
    let tokens: Vec<u32> =
        ["n", "e", "v", "e", "r", "␣"].map(|c| labels.iter().position(|l| l == c).unwrap() as u32).to_vec();
    let targets = chars.targets(&tokens);
    assert_eq!(targets, [Some(2), Some(6), Some(2), Some(5), Some(0), None]);
    assert_eq!(chars.text(&tokens), "never ");
}

#[test]
fn a_training_window_lies_in_the_training_part() {
    let chars = three_parts().load(7).unwrap();
    for index in 0..200 {
        let Example { tokens, targets, .. } = draw(&chars, 0, Split::Train, index).unwrap();
        assert!("abcdeabcdeabcde".contains(&chars.text(&tokens)));
        assert_eq!(targets.iter().flatten().count(), 6);
    }
}

#[test]
fn every_held_out_character_is_a_target_exactly_once() {
    for (seq_len, n_windows) in [(7, 2), (6, 2), (2, 10), (10, 2)] {
        let chars = three_parts().load(seq_len).unwrap();
        for (split, part) in [(Split::Validation, "klmnopqrst"), (Split::Test, "KLMNOPQRST")] {
            assert_eq!(chars.n_held_out(split), n_windows);
            let examples = (0..n_windows).map(|index| draw(&chars, 3, split, index).unwrap());
            let targets: Vec<u32> =
                examples.flat_map(|example| example.targets.into_iter().flatten()).collect();
            assert_eq!(chars.text(&targets), part, "windows of {seq_len}");
        }
    }
}

#[test]
fn a_held_out_split_starts_again_at_its_end_for_every_seed() {
    let chars = three_parts().load(7).unwrap();
    let example = |seed, index| draw(&chars, seed, Split::Test, index).unwrap();
    assert_eq!(example(0, 0), example(1, 2));
    assert_ne!(example(0, 0), example(0, 1));
}

#[test]
fn an_evaluation_counts_no_held_out_window_twice() {
    let chars = three_parts().load(7).unwrap();
    let device = Device::flex();
    let config = TransformerConfig::new(chars.vocabulary().len(), 7, 8);
    let model: Transformer = config.init(&Init::new(&device, 0)).unwrap();
    let on = |n_examples| {
        evaluate(&model, Examples { task: &chars, seed: 0, split: Split::Test }, n_examples, &device).unwrap()
    };
    assert_eq!(on(10_000), on(2));
    assert_eq!((on(10_000).examples, on(1).examples), (2, 1));
}

fn baselines(chars: &Chars, split: Split) -> Vec<Baseline> {
    chars.baselines(split, &mut |_| ControlFlow::Continue(())).continue_value().unwrap()
}

#[test]
fn count_models_predict_a_text_of_two_letters_in_turn() {
    let chars = TextFile::new("ab".repeat(5000)).load(10).unwrap();
    let losses: Vec<f64> = baselines(&chars, Split::Test).iter().map(|baseline| baseline.loss).collect();
    assert!((losses[0] - 2_f64.ln()).abs() < 1e-3, "{losses:?}");
    assert!(losses[1] < 1e-3 && losses[2] < 1e-3, "{losses:?}");
    let names: Vec<String> = baselines(&chars, Split::Validation).into_iter().map(|b| b.name).collect();
    assert_eq!(names, ["unigram", "bigram", "trigram"]);
    assert!(baselines(&chars, Split::Train).is_empty());
}

#[test]
fn labels_can_be_seen_and_told_apart_and_the_text_stays_as_it_was() {
    let odd = "\0\t\n\r \"'\\\u{7f}\u{a0}\u{ad}\u{301}\u{200b}␣⏎é漢🦀";
    let text = TextFile::new(odd.repeat(5));
    let chars = text.load(2).unwrap();
    let labels = chars.vocabulary();
    assert_eq!(labels.iter().collect::<HashSet<_>>().len(), odd.chars().count());
    let shown = |c: char| !c.is_control() && !c.is_whitespace();
    assert!(labels.iter().all(|label| label.chars().all(shown)), "{labels:?}");
    for label in ["␣", "\\n", "\\t", "\\u{301}", "\"", "\\", "漢"] {
        assert!(labels.iter().any(|known| known == label), "{label} is not in {labels:?}");
    }
    let tokens: Vec<u32> = (0..labels.len() as u32).collect();
    let mut sorted: Vec<char> = odd.chars().collect();
    sorted.sort_unstable();
    assert_eq!(chars.text(&tokens), sorted.into_iter().collect::<String>());
}

#[test]
fn a_sample_starts_from_a_new_line_where_there_is_one() {
    let start = |text: &str| {
        let chars = TextFile::new(text.repeat(10)).load(3).unwrap();
        chars.text(&chars.prompt().unwrap())
    };
    assert_eq!(start("one\ntwo\n"), "\n");
    assert_eq!(start("one "), "o");
}

#[test]
fn what_is_no_usable_text_is_refused() {
    TextFile::new("short").refused(
        3,
        "FILE has 5 characters, but task.seq_len = 3 needs at least 30; take a longer text or a shorter \
         task.seq_len",
    );
    TextFile::new(b"fa\xe7ade".repeat(20)).refused(
        3,
        "FILE is not UTF-8 from byte 2 on; convert it with its own encoding after -f, such as: \
         iconv -f ISO-8859-1 -t UTF-8 'FILE' > 'FILE.utf8'",
    );
    let many: String = ('\u{10000}'..).take(8193).collect();
    TextFile::new(many)
        .refused(3, "FILE has 8193 different characters, at most 8192 are possible; is it a text?");
    three_parts().refused(1, "task.seq_len must be between 2 and 4096, got 1");
    let missing = TextFile::new("");
    fs::remove_file(missing.path()).unwrap();
    missing.refused(3, "cannot read the text FILE: No such file or directory (os error 2)");
}

#[test]
fn a_byte_order_mark_is_no_character_and_the_summary_has_it() {
    let text = "never odd or even ".repeat(5);
    let plain = TextFile::new(&text).load(6).unwrap();
    let marked = TextFile::new(format!("\u{feff}{text}")).load(6).unwrap();
    assert_eq!(marked.vocabulary(), plain.vocabulary());
    for split in [Split::Train, Split::Validation, Split::Test] {
        assert_eq!(draw(&marked, 0, split, 1).unwrap(), draw(&plain, 0, split, 1).unwrap());
    }
    assert!(marked.summary().ends_with("90 characters, 7 different, byte-order mark left out"));
    assert!(plain.summary().ends_with("90 characters, 7 different"));
}

#[test]
fn utf_16_and_utf_32_are_recognised() {
    let text = "né à Évian\n".repeat(6);
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    let wide: Vec<u8> = text.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
    let is = |encoding: &str, bytes: Vec<u8>| {
        let message = format!(
            "FILE is {encoding}, but a text must be UTF-8; convert it: \
             iconv -f {encoding} -t UTF-8 'FILE' > 'FILE.utf8'"
        );
        TextFile::new(bytes).refused(3, &message);
    };
    is("UTF-16", [&[0xff, 0xfe], &little[..]].concat());
    is("UTF-16", [&[0xfe, 0xff], &big[..]].concat());
    is("UTF-32", [&[0xff, 0xfe, 0, 0], &wide[..]].concat());
    // Without a byte-order mark, and valid UTF-8 as it stands where the letters are English.
    is("UTF-16LE", "plain".repeat(10).encode_utf16().flat_map(u16::to_le_bytes).collect());
    is("UTF-16BE", big);
}

#[test]
fn a_text_is_a_regular_file() {
    let refused = |path: &str, found: &str| {
        let config = CharsConfig { text: path.into(), seq_len: 3, fingerprint: String::new() };
        let error = config.load().unwrap_err();
        let expected = format!("{path} is {found}, but a text must be a regular file; copy it into one");
        assert_eq!(error.to_string(), expected);
        assert!(error.is_usage());
    };
    refused(env!("CARGO_MANIFEST_DIR"), "a folder");
    if cfg!(unix) {
        refused("/dev/zero", "a device");
    }
}

/// Opening a pipe without a writer would wait for ever.
#[cfg(unix)]
#[test]
fn a_pipe_is_refused_before_it_is_opened() {
    let pipe = TextFile::new("");
    fs::remove_file(pipe.path()).unwrap();
    assert!(Command::new("mkfifo").arg(pipe.path()).status().unwrap().success());
    pipe.refused(3, "FILE is a pipe, but a text must be a regular file; copy it into one");
}

#[test]
fn without_a_text_the_message_names_the_setting() {
    let error = Registry::new().read(ConfigSource::Task("chars"), &[] as &[&str]).unwrap_err();
    assert_eq!(error.to_string(), "the task `chars` needs a text, but task.text is empty");
}

#[test]
fn a_text_of_exactly_ten_windows_is_enough() {
    assert!(TextFile::new("a".repeat(29)).load(3).is_err());
    let chars = TextFile::new("a".repeat(30)).load(3).unwrap();
    for split in [Split::Train, Split::Validation, Split::Test] {
        draw(&chars, 0, split, 0).unwrap();
    }
}

#[test]
fn a_run_is_never_continued_with_another_text() {
    let text = TextFile::new("a rose is ".repeat(10));
    let settings = format!("task.text={}", text.path().display());
    let registry = Registry::new();
    let settings = [settings.as_str(), "task.seq_len=8"];
    let config = registry.read(ConfigSource::Task("chars"), &settings).unwrap().config;
    let settled: CharsConfig = config.task.read("task").unwrap();
    // By an independent program: FNV-1a over the same bytes.
    assert_eq!(settled.fingerprint, "6bd5805c642ffaa1");
    let again = registry.read(ConfigSource::Toml(&config.to_toml()), &[] as &[&str]).unwrap();
    assert_eq!(again.config, config);
    fs::write(text.path(), "a nose is ".repeat(10)).unwrap();
    let error = settled.load().unwrap_err();
    let message = error.to_string().replace(&text.path().display().to_string(), "FILE");
    assert_eq!(
        message,
        "FILE has changed: the run was made with the text of fingerprint 6bd5805c642ffaa1, this one has \
         c307e07d43082ea9; put the old text back, or leave task.fingerprint empty in a new run"
    );
    assert!(matches!(error, TrainError::Text { fault: TextFault::Changed { .. }, .. }));
}
