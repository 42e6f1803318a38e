//! What each task asks for, in the examples of its own documentation, and that held-out examples are held out.

use std::collections::HashSet;
use std::ops::ControlFlow;

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    ConfigSource, Copy, Example, Examples, HeldOut, Induction, InductionForm, Layout, Max, ModularAddition,
    Recall, Registry, Reverse, Sort, SortedList, Split, Task, TrainError, Trainer, draw,
};

use crate::support::given::Given;

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

fn tasks() -> Vec<Box<dyn Task>> {
    vec![
        Box::new(Reverse { seq_len: 7, n_symbols: 5 }),
        Box::new(Copy { len: 7, n_symbols: 5 }),
        Box::new(Sort { len: 7, n_symbols: 5 }),
        Box::new(recall(Layout::Stacked)),
        Box::new(recall(Layout::Interleaved)),
        Box::new(SortedList { len: 5, n_symbols: 11 }),
        Box::new(induction(InductionForm::Repeated)),
        Box::new(induction(InductionForm::Safari)),
        Box::new(ModularAddition { modulus: 13, train_share: 0.6 }),
        Box::new(Max { len: 5, n_symbols: 7 }),
    ]
}

fn recall(layout: Layout) -> Recall {
    Recall { layout, n_pairs: 3, n_keys: 7, n_values: 5 }
}

fn induction(form: InductionForm) -> Induction {
    Induction { form, seq_len: 8, n_symbols: 10 }
}

#[test]
fn each_task_asks_for_what_its_documentation_shows() {
    let modular = || ModularAddition { modulus: 7, train_share: 0.5 };
    let examples: [(&dyn Task, &str, &str); 12] = [
        (&Reverse { seq_len: 6, n_symbols: 10 }, "D B E B F J", "J F B E B D"),
        (&Copy { len: 4, n_symbols: 10 }, "D B E B D B E", "· · · D B E B"),
        (&Sort { len: 6, n_symbols: 3 }, "0 0 2 1 0 1 0 0 0 1 1", "· · · · · 0 0 0 1 1 2"),
        (&recall(Layout::Stacked), "d 4 a 2 g 0 G · D · A ·", "· · · 0 4 2"),
        (&recall(Layout::Interleaved), "d 4 a 2 g 0 G D A", "· · · · · · 0 4 2"),
        (&SortedList { len: 3, n_symbols: 10 }, "7 2 9 SEP 2 7", "· · · 2 7 9"),
        (&induction(InductionForm::Repeated), "H C J H C J H C", "· · · C J H C J"),
        (&induction(InductionForm::Repeated), "H C H C H C H C", "· · C H C H C H"),
        (&induction(InductionForm::Safari), "D B ★ E B F J ★", "· · · · · · · E"),
        (&modular(), "5 4 =", "· · 2"),
        (&modular(), "2 4 =", "· · 6"),
        (&Max { len: 5, n_symbols: 10 }, "3 1 4 1 3 ?", "· · · · · 4"),
    ];
    for (task, input, targets) in examples {
        let labels = task.vocabulary();
        let token = |label: &str| labels.iter().position(|known| known == label).unwrap() as u32;
        let tokens: Vec<u32> = input.split(' ').map(token).collect();
        let label = |target: &Option<u32>| target.map_or("·", |target| labels[target as usize].as_str());
        let found = task.targets(&tokens).iter().map(label).collect::<Vec<_>>().join(" ");
        assert_eq!(found, targets, "{}", task.summary());
    }
}

#[test]
fn a_sorted_list_has_distinct_numbers_and_ends_before_the_last_answer() {
    let task = SortedList { len: 5, n_symbols: 11 };
    for index in 0..100 {
        let Example { tokens, targets, .. } = draw(&task, 0, Split::Train, index).unwrap();
        assert_eq!(tokens[..5].iter().collect::<HashSet<_>>().len(), 5);
        let next: Vec<Option<u32>> = tokens[6..].iter().copied().map(Some).collect();
        assert_eq!((tokens[5], &targets[5..9]), (11, &next[..]));
    }
}

#[test]
fn a_repeated_input_repeats_all_lengths_from_a_quarter_to_a_half_of_it() {
    let task = Induction { form: InductionForm::Repeated, seq_len: 17, n_symbols: 11 };
    let mut lengths = HashSet::new();
    for index in 0..200 {
        let Example { tokens, targets, .. } = draw(&task, 0, Split::Train, index).unwrap();
        let length = tokens.iter().collect::<HashSet<_>>().len();
        assert!((length..17).all(|at| tokens[at] == tokens[at - length]));
        // The answer at every position but the last is the token that stands next.
        let next: Vec<Option<u32>> = tokens[length + 1..].iter().copied().map(Some).collect();
        assert_eq!(targets[length..16], next);
        assert!(targets[..length].iter().all(Option::is_none));
        lengths.insert(length);
    }
    assert_eq!(lengths, HashSet::from([5, 6, 7, 8]));
}

#[test]
fn a_safari_input_has_two_stars_and_a_symbol_after_the_first() {
    let task = induction(InductionForm::Safari);
    let mut places = HashSet::new();
    for index in 0..200 {
        let Example { tokens, targets, .. } = draw(&task, 0, Split::Train, index).unwrap();
        let stars: Vec<usize> = (0..8).filter(|&at| tokens[at] == 10).collect();
        assert_eq!((stars.len(), stars[1]), (2, 7));
        assert!(targets[7].unwrap() < 10);
        places.insert(stars[0]);
    }
    assert_eq!(places, (0..6).collect());
}

#[test]
fn every_example_has_the_shape_that_its_task_states() {
    for task in tasks() {
        let vocab_size = task.vocabulary().len() as u32;
        for split in SPLITS {
            for index in 0..100 {
                let Example { tokens, targets, .. } = draw(&*task, 1, split, index).unwrap();
                assert_eq!(tokens.len(), task.seq_len() * task.stack(), "{}", task.summary());
                assert_eq!(targets.len(), task.seq_len(), "{}", task.summary());
                assert!(tokens.iter().chain(targets.iter().flatten()).all(|&token| token < vocab_size));
                assert!(targets.iter().any(Option::is_some), "{}: no target", task.summary());
            }
        }
    }
}

#[test]
fn labels_are_unique() {
    let large = Recall { layout: Layout::Stacked, n_pairs: 2, n_keys: 40, n_values: 5 };
    // As many symbols as there are letters, and one more.
    let reverse = [26, 27].map(|n_symbols| Reverse { seq_len: 3, n_symbols });
    let others = reverse.map(|task| Box::new(task) as Box<dyn Task>);
    for task in tasks().into_iter().chain([Box::new(large) as Box<dyn Task>]).chain(others) {
        let labels = task.vocabulary();
        assert_eq!(labels.iter().collect::<HashSet<_>>().len(), labels.len(), "{}", task.summary());
    }
}

#[test]
fn symbols_without_an_order_are_letters_as_far_as_there_are_letters() {
    let of_reverse = |n_symbols| Reverse { seq_len: 3, n_symbols }.vocabulary();
    assert_eq!(of_reverse(4), ["A", "B", "C", "D"]);
    assert_eq!(of_reverse(26)[25], "Z");
    assert_eq!((of_reverse(27)[0].as_str(), of_reverse(27)[26].as_str()), ("0", "26"));
    let sort = Sort { len: 3, n_symbols: 4 };
    assert_eq!(sort.vocabulary(), ["0", "1", "2", "3"]);
}

#[test]
fn letters_are_learned_with_every_seed() {
    let (registry, device) = (Registry::new(), Device::flex().autodiff());
    for seed in 0..10 {
        let settings = [format!("seed={seed}")];
        let experiment = registry.read(ConfigSource::Task("letters"), &settings).unwrap();
        let model = experiment.model(&device).unwrap();
        let task = &*experiment.task;
        let trainer = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap();
        let model = trainer.run().unwrap().state.model.valid();
        let held_out = HeldOut { examples: Examples { task, seed, split: Split::Test }, n_examples: 300 };
        let mut go_on = |_| Ok(ControlFlow::Continue(()));
        let measured = held_out.evaluate_while(&model, experiment.parts.measures(), &device, &mut go_on);
        let found = measured.unwrap().continue_value().unwrap();
        assert_eq!(found.figure("sequence_accuracy"), Some(1.0), "seed {seed}: {found:?}");
    }
}

#[test]
fn an_example_is_a_function_of_seed_split_and_index() {
    let task = Reverse { seq_len: 16, n_symbols: 10 };
    let example = |seed, split, index| draw(&task, seed, split, index).unwrap();
    let one = example(1, Split::Train, 2);
    // Others in between change nothing.
    example(9, Split::Test, 9);
    assert_eq!(one, example(1, Split::Train, 2));
    assert_ne!(one, example(2, Split::Train, 2));
    assert_ne!(one, example(1, Split::Train, 3));
    assert_ne!(one, example(1, Split::Test, 2));
}

#[test]
fn splits_share_no_input_even_in_a_small_space_and_across_seeds() {
    // 3^6 = 729 inputs, of which thousands of draws meet nearly every one.
    let task = Sort { len: 6, n_symbols: 3 };
    let inputs = |split| -> HashSet<Vec<u32>> {
        (0..4000).map(|index| draw(&task, index % 3, split, index).unwrap().tokens).collect()
    };
    let [train, validation, test] = SPLITS.map(inputs);
    assert!(train.is_disjoint(&validation) && train.is_disjoint(&test) && validation.is_disjoint(&test));
    let all = train.len() + validation.len() + test.len();
    assert!(all > 715, "only {all} of 729 inputs were drawn");
    // One in eight each; five standard deviations of a binomial with 729 draws are 45.
    for held_out in [validation.len(), test.len()] {
        assert!((46..=136).contains(&held_out), "{held_out} of 729 inputs are held out");
    }
}

#[test]
fn the_training_share_of_modular_addition_is_as_set() {
    for train_share in [0.3, 0.8] {
        let task = ModularAddition { modulus: 59, train_share };
        let inputs = task.inputs().unwrap();
        let splits = (0..3481).map(|index| task.split(&inputs.nth(index)));
        let mut counts = [0_usize; 3];
        splits.for_each(|split| counts[SPLITS.iter().position(|&known| known == split).unwrap()] += 1);
        let held_out = (1.0 - train_share) / 2.0;
        // Five standard deviations of a binomial with 3481 draws are at most 0.0424.
        for (count, share) in counts.into_iter().zip([train_share, held_out, held_out]) {
            assert!((count as f64 / 3481.0 - share).abs() < 0.0424, "{count} instead of {share}");
        }
        for split in SPLITS {
            let drawn = draw(&task, 0, split, 0).unwrap();
            assert_eq!(task.split(&drawn.tokens), split);
        }
    }
}

#[test]
fn every_numbered_input_is_met_once() {
    let numbered: [(Box<dyn Task>, u64); 3] = [
        (Box::new(Sort { len: 4, n_symbols: 3 }), 81),
        (Box::new(Max { len: 3, n_symbols: 5 }), 125),
        (Box::new(ModularAddition { modulus: 11, train_share: 0.5 }), 121),
    ];
    for (task, expected) in numbered {
        let numbered = task.inputs().unwrap();
        let n_inputs = numbered.count.unwrap();
        let inputs: HashSet<Vec<u32>> = (0..n_inputs).map(|index| numbered.nth(index)).collect();
        assert_eq!((n_inputs, inputs.len() as u64), (expected, expected), "{}", task.summary());
    }
    let too_many = Reverse { seq_len: 40, n_symbols: 10 };
    assert_eq!(too_many.inputs().unwrap().count, None, "10^40 is more than can be numbered");
}

#[test]
fn a_task_without_held_out_inputs_is_an_error() {
    let task = Reverse { seq_len: 1, n_symbols: 2 };
    let error = SPLITS.into_iter().find_map(|split| draw(&task, 0, split, 0).err());
    let message = error.map(|error: TrainError| error.to_string()).unwrap_or_default();
    assert!(message.starts_with("the task has too few different inputs"), "{message}");
}

#[test]
fn the_split_of_an_input_never_changes() {
    // By an independent program: FNV-1a over the little-endian tokens, then MurmurHash3's finalizer, modulo 8, for 0 1
    // 4 to 5 1 4.
    let expected = [3, 1, 0, 2, 5, 7].map(|rest| match rest {
        0 => Split::Test,
        1 => Split::Validation,
        _ => Split::Train,
    });
    let found = [0, 1, 2, 3, 4, 5].map(|first| Split::of(&[first, 1, 4]));
    assert_eq!(found, expected);
}

#[test]
fn the_tokens_of_a_corpus_read_as_their_labels_and_no_sample_is_asked_for() {
    let task = Given(Max { len: 5, n_symbols: 10 });
    let corpus = task.corpus().unwrap();
    assert_eq!(corpus.text(&[3, 1, 4, 1, 3, 10]), "31413?");
    assert!(corpus.prompt().is_none() && corpus.resolved_settings().is_empty());
    assert_eq!(corpus.unit(), "target");
    assert!(tasks().iter().all(|task| task.corpus().is_none()));
}

#[test]
fn a_size_out_of_range_is_refused_with_the_numbers() {
    let refused = |settings: &[&str], task: &str, message: &str| {
        let error = Registry::new().read(ConfigSource::Task(task), settings).unwrap_err();
        assert_eq!(error.to_string(), message);
    };
    refused(&["task.n_symbols=9"], "sorted-list", "task.n_symbols must be between 10 and 65536, got 9");
    refused(&["task.n_symbols=15"], "induction", "task.n_symbols must be between 16 and 65536, got 15");
    refused(&["task.seq_len=3"], "induction", "task.seq_len must be between 4 and 4096, got 3");
    refused(&["task.modulus=1"], "modular-addition", "task.modulus must be between 2 and 65536, got 1");
    refused(
        &["task.train_share=1.0"],
        "modular-addition",
        "task.train_share must be above 0 and below 1, got 1",
    );
    refused(&["task.len=1"], "max", "task.len must be between 2 and 4095, got 1");
}
