//! The names of numbers in several languages, as they are drawn and as an independent parser reads them.

use std::collections::{BTreeMap, HashSet};

use qkv_train::{
    ConfigSource, Example, Language, Level, Registry, Split, Task, Translate, TranslateConfig, Translation,
    draw,
};

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

fn numbers(from: Language, to: Language, largest: usize) -> Translate {
    let (pairs, level, fingerprint) = ("".into(), Level::Character, String::new());
    TranslateConfig { pairs, level, max_len: 40, min_count: 1, from, to, largest, fingerprint }
        .load()
        .unwrap()
}

/// Source and answer of an example.
fn texts(task: &Translate, Example { tokens, .. }: &Example) -> (String, String) {
    let (source, answer) = tokens.split_at(task.source_len());
    (Translation::text(task, source), task.reference(answer))
}

/// The name of a number, from the digits task.
fn name(task: &Translate, number: usize) -> Option<String> {
    (0..).map_while(|index| draw(task, 1, Split::Train, index).ok()).take(20_000).find_map(|example| {
        let (source, answer) = texts(task, &example);
        (source == number.to_string()).then_some(answer)
    })
}

/// Reads English and French, in which words are added, and multiplied by a hundred or a thousand that follows.
fn sum_of_words(text: &str, words: &BTreeMap<&str, usize>) -> usize {
    let (mut thousands, mut sum) = (0, 0);
    for word in text.split([' ', '-']).filter(|word| !matches!(*word, "et" | "and")) {
        match words[word] {
            1000 => (thousands, sum) = (1000 * sum.max(1), 0),
            100 => sum = 100 * sum.max(1),
            20 if sum % 100 == 4 && word.starts_with("vingt") => sum += 76,
            value => sum += value,
        }
    }
    thousands + sum
}

fn english(text: &str) -> usize {
    let names = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                 seventeen eighteen nineteen";
    let tens = "twenty thirty forty fifty sixty seventy eighty ninety";
    let mut words: BTreeMap<&str, usize> = names.split_whitespace().zip(0..).collect();
    words.extend(tens.split_whitespace().zip((2..).map(|tens| 10 * tens)));
    words.extend([("hundred", 100), ("thousand", 1000)]);
    sum_of_words(text, &words)
}

fn french(text: &str) -> usize {
    let names =
        "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize";
    let tens = [
        ("vingt", 20),
        ("vingts", 20),
        ("trente", 30),
        ("quarante", 40),
        ("cinquante", 50),
        ("soixante", 60),
    ];
    let mut words: BTreeMap<&str, usize> = names.split_whitespace().zip(0..).collect();
    words.extend(tens);
    words.extend([("cent", 100), ("cents", 100), ("mille", 1000)]);
    sum_of_words(text, &words)
}

/// Reads German: "tausend" and "hundert" divide a word, "und" stands between ones and tens.
fn german(text: &str) -> usize {
    let multiple = |before: &str| if before.is_empty() { 1 } else { german(before) };
    if let Some((before, after)) = text.split_once("tausend") {
        return 1000 * multiple(before) + if after.is_empty() { 0 } else { german(after) };
    }
    if let Some((before, after)) = text.split_once("hundert") {
        return 100 * multiple(before) + if after.is_empty() { 0 } else { german(after) };
    }
    let tens = ["zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];
    if let Some(index) = tens.iter().position(|tens| text.ends_with(tens)) {
        let ones = text.strip_suffix(tens[index]).unwrap();
        let ones = if ones.is_empty() { 0 } else { german(ones.strip_suffix("und").unwrap()) };
        return 10 * (index + 2) + ones;
    }
    let small = "null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn \
                 siebzehn achtzehn neunzehn";
    match text {
        "ein" => 1,
        text => small.split_whitespace().position(|name| name == text).unwrap_or_else(|| panic!("{text}")),
    }
}

type Read = fn(&str) -> usize;

#[test]
fn a_parser_of_its_own_reads_every_number_back() {
    let languages: [(Language, Read); 3] =
        [(Language::English, english), (Language::French, french), (Language::German, german)];
    for (language, read) in languages {
        let task = numbers(language, Language::Digits, 999_999);
        let mut n_long = 0;
        for split in SPLITS {
            for index in 0..3000 {
                let (source, answer) = texts(&task, &draw(&task, 2, split, index).unwrap());
                assert_eq!(read(&source).to_string(), answer, "{source}");
                n_long += usize::from(answer.len() == 6);
            }
        }
        assert!(n_long > 1000, "{n_long} of 9,000 numbers have six digits");
    }
}

#[test]
fn all_numbers_below_a_thousand_are_drawn_and_none_of_them_twice_under_one_name() {
    let task = numbers(Language::German, Language::French, 999);
    let mut names = BTreeMap::new();
    let mut parts = BTreeMap::new();
    for split in SPLITS {
        for index in 0..20_000 {
            let (source, answer) = texts(&task, &draw(&task, 0, split, index).unwrap());
            assert_eq!(german(&source), french(&answer), "{source} is not {answer}");
            assert_eq!(*parts.entry(source.clone()).or_insert(split), split, "{source} is in two parts");
            names.insert(answer, source);
        }
    }
    assert!(names.len() > 990, "{} of 1,000 numbers were drawn", names.len());
    assert_eq!(names.values().collect::<HashSet<_>>().len(), names.len());
}

#[test]
fn the_digits_of_a_number_are_its_name_in_digits() {
    let task = numbers(Language::Digits, Language::German, 99);
    let names: Vec<Option<String>> = [21, 30, 97].map(|number| name(&task, number)).into_iter().collect();
    // Those that are not in training are held out.
    let expected = ["einundzwanzig", "dreißig", "siebenundneunzig"];
    assert!(names.iter().any(Option::is_some));
    for (name, expected) in names.iter().zip(expected) {
        assert!(name.as_deref().is_none_or(|name| name == expected), "{name:?}");
    }
}

#[test]
fn an_input_is_the_source_its_padding_and_the_answer_so_far() {
    let task = numbers(Language::German, Language::Digits, 99);
    // siebenundneunzig, among others, has sixteen characters; two digits and the sign before them make three.
    assert_eq!((task.source_len(), task.seq_len()), (16, 19));
    let labels = task.vocabulary();
    let shown =
        |tokens: &[u32]| tokens.iter().map(|&token| labels[token as usize].as_str()).collect::<String>();
    let input = task.input("einundzwanzig").unwrap();
    assert_eq!(shown(&input), "einundzwanzig□□□⊢□□");
    let two = labels.iter().position(|label| label == "2").unwrap() as u32;
    let written = [&input[..17], &[two; 2]].concat();
    let targets = task.targets(&written);
    assert!(targets[..16].iter().all(Option::is_none));
    let targets: Vec<u32> = targets[16..].iter().map(|target| target.unwrap()).collect();
    assert_eq!(shown(&targets), "22⊣");
    assert_eq!(task.slices(), ["0", "1", "2"]);
    assert_eq!((task.slice(&written, 15), task.slice(&written, 18)), (None, Some(2)));
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let refused = |settings: &[&str], message: &str| {
        let error = Registry::new().read(ConfigSource::Task("translate"), settings).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(error.is_usage());
    };
    refused(
        &["task.from=english"],
        "task.to must be another language than task.from, which is English, got English",
    );
    refused(&["task.largest=1000000"], "task.largest must be between 99 and 999999, got 1000000");
    refused(&["task.max_len=0"], "task.max_len must be between 1 and 2047, got 0");
    refused(
        &["task.level=word"],
        "task.level must be `character` without a file, because a number is one word; name one by task.pairs, got word",
    );
    let error =
        Registry::new().read(ConfigSource::Task("translate"), &["task.from=latin"]).unwrap_err().to_string();
    assert!(error.contains("latin") && error.contains("german"), "{error}");
}
