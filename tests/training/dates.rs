//! Dates: what is drawn, what is held out, that every spelling says its date, and that they are learned.

use std::collections::{BTreeMap, HashSet};

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    ConfigSource, Dates, Example, Examples, Registry, Split, Task, Trainer, Translation, draw, evaluate,
    write_answers,
};

const DATES: Dates = Dates { first_year: 1900, last_year: 2099 };

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

/// Source and answer of an example.
fn texts(task: &Dates, example: &Example) -> (String, String) {
    let (source, answer) = example.tokens.split_at(task.source_len());
    (task.text(source), task.text(answer))
}

fn drawn(split: Split, n: u64) -> impl Iterator<Item = Example> {
    (0..n).map(move |index| draw(&DATES, 5, split, index).unwrap())
}

/// What a spelling says, by rules that look at its parts one by one: the form in which it is written, and the date.
fn read(source: &str) -> (String, String) {
    const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
    let month_of = |word: &str| {
        let start = word.get(..3)?.to_lowercase();
        MONTHS.split(' ').position(|month| month == start).map(|index| index + 1)
    };
    let number = |word: &str| word.trim_end_matches(['s', 't', 'n', 'd', 'r', 'h']).parse::<usize>().ok();
    let (mut year, mut month, mut day, mut form) = (0, 0, 0, String::new());
    let mut parts = Vec::new();
    for part in source.split_inclusive(['.', '/', '-', ' ', ',']) {
        let (word, sign) = match part.char_indices().last() {
            Some((at, sign)) if !sign.is_alphanumeric() => (&part[..at], sign.to_string()),
            _ => (part, String::new()),
        };
        parts.push(word);
        let kind = match (number(word), month_of(word)) {
            (Some(_), _) if word.len() == 8 => "D8",
            (Some(_), _) if word.ends_with(|last: char| last.is_alphabetic()) => "Dth",
            (Some(_), _) if word.len() == 4 => "Y",
            (Some(_), _) => "N",
            (None, Some(_)) if word.len() > 3 => "M",
            (None, Some(_)) => "m",
            (None, None) if word.ends_with("day") => "W",
            (None, None) if "Mon Tue Wed Thu Fri Sat Sun".split(' ').any(|day| day == word) => "w",
            (None, None) => word,
        };
        form += kind;
        form += &sign;
    }
    let is_year = |word: &str| word.len() == 4 && word.chars().all(|sign| sign.is_ascii_digit());
    let small: Vec<usize> =
        parts.iter().filter(|word| !is_year(word)).filter_map(|word| number(word)).collect();
    for word in &parts {
        match (number(word), month_of(word)) {
            (Some(all), _) if word.len() == 8 => {
                (year, month, day) = (all / 10_000, all / 100 % 100, all % 100)
            }
            (Some(found), _) if is_year(word) => year = found,
            (None, Some(found)) => month = found,
            _ => {}
        }
    }
    if source.contains('/') {
        (month, day) = (small[0], small[1]);
    } else if source.contains('.') {
        (day, month) = (small[0], small[1]);
    } else if day == 0 {
        day = small[0];
    }
    (form, format!("{year:04}-{month:02}-{day:02}"))
}

#[test]
fn every_spelling_occurs_and_says_its_date() {
    let mut forms = BTreeMap::new();
    for example in drawn(Split::Train, 3000) {
        let (source, answer) = texts(&DATES, &example);
        let (form, date) = read(&source);
        assert_eq!(date, answer, "{source}");
        *forms.entry(form).or_insert(0) += 1;
    }
    // Days of one and of two digits between full stops have one form. Where May is like its short name, a form is rare.
    let n_frequent = forms.values().filter(|&&n| n > 60).count();
    assert_eq!(n_frequent, 15, "{forms:?}");
}

#[test]
fn a_date_that_is_held_out_is_held_out_in_all_its_spellings() {
    let [train, validation, test] = SPLITS.map(|split| -> HashSet<String> {
        drawn(split, 6000).map(|example| texts(&DATES, &example).1).collect()
    });
    assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
    assert!(train.len() > 5000 && test.len() > 3000, "{} and {}", train.len(), test.len());
}

#[test]
fn the_years_are_those_that_are_set_and_every_day_of_them_is_drawn() {
    let task = Dates { first_year: 2000, last_year: 2000 };
    let days = |split: Split| -> HashSet<String> {
        (0..3000).map(|index| texts(&task, &draw(&task, 1, split, index).unwrap()).1).collect()
    };
    let all: HashSet<String> = SPLITS.into_iter().flat_map(days).collect();
    assert_eq!(all.len(), 366);
    assert!(all.contains("2000-02-29") && all.iter().all(|day| day.starts_with("2000-")));
}

#[test]
fn padding_carries_no_loss_and_everything_else_of_the_answer_does() {
    let padding = DATES.padding().unwrap();
    for example in drawn(Split::Train, 300) {
        let Example { tokens, targets, .. } = &example;
        let (source, answer) = tokens.split_at(DATES.source_len());
        assert!(targets[..source.len()].iter().all(Option::is_none));
        assert_eq!(answer.len(), 11);
        assert!(!answer.contains(&padding));
        let expected: Vec<Option<u32>> = answer[1..].iter().copied().chain([DATES.end()]).map(Some).collect();
        assert_eq!(targets[source.len()..], expected);
        let (written, rest) = source.split_at(texts(&DATES, &example).0.chars().count());
        assert!(!written.contains(&padding) && rest.iter().all(|token| *token == padding));
    }
}

#[test]
fn every_label_is_one_column_and_each_is_needed() {
    let labels = DATES.vocabulary();
    assert!(labels.iter().all(|label| label.chars().count() == 1), "{labels:?}");
    assert_eq!(labels[..4], ["□", "⊢", "⊣", "␣"]);
    let used: HashSet<u32> = drawn(Split::Train, 3000).flat_map(|example| example.tokens).collect();
    // The end is asked for, and never in an input.
    let unused: Vec<&String> =
        (0..).zip(&labels).filter(|(token, _)| !used.contains(token)).map(|(_, label)| label).collect();
    assert_eq!(unused, ["⊣"]);
}

#[test]
fn a_source_that_cannot_be_written_is_refused_with_its_place() {
    let refused = |source: &str| DATES.input(source).unwrap_err().to_string();
    let unknown = refused("3 Märch 'ää87");
    let start = "the vocabulary lacks `ä` (character 4), `'` (character 9); it has ␣ , - . / 0 1 2 3 4 5";
    assert!(unknown.starts_with(start), "{unknown}");
    assert!(unknown.ends_with(" u v y, where ␣ is a space"), "{unknown}");
    assert_eq!(refused(&"3".repeat(29)), "a source may have at most 28 tokens, got 29; shorten it");
    let input = DATES.input("3 March 1987").unwrap();
    assert_eq!((input.len(), DATES.text(&input[..28]).as_str()), (DATES.seq_len(), "3 March 1987"));
    assert_eq!(DATES.text(&input[28..]), "");
}

#[test]
fn a_year_is_learned_and_written_token_by_token() {
    let device = Device::flex().autodiff();
    let settings = ["train.steps=600", "train.eval_every=600", "task.first_year=1987", "task.last_year=1987"];
    let experiment = Registry::new().read(ConfigSource::Task("dates"), &settings).unwrap();
    let task = &*experiment.task;
    let model = experiment.model(&device).unwrap();
    let trained = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap().run().unwrap();
    let model = trained.state.model.valid();
    let examples = Examples { task, seed: 0, split: Split::Test };
    let found = evaluate(&model, examples, 300, &device).unwrap();
    assert!(found.sequence_accuracy > 0.95, "{found:?}");
    // As often as the teacher's answers are right as a whole, so are those that the model writes alone.
    let (translation, mut n_right) = (task.translation().unwrap(), 0);
    let inputs: Vec<Vec<u32>> = (0..300).map(|index| examples.draw(index).unwrap().tokens).collect();
    let answers = write_answers(&model, translation, &inputs, &device);
    for (input, answer) in inputs.iter().zip(&answers) {
        let right = translation.text(&input[task.source_len()..]);
        n_right += usize::from(translation.text(answer) == right);
    }
    assert_eq!(n_right as f64 / 300.0, found.sequence_accuracy);
}
