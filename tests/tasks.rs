//! What each task asks for, in the examples of its own documentation, and that held-out examples are held out.

use std::collections::HashSet;

use qkv_train::{Copy, Example, Recall, Reverse, Sort, Split, Task, TrainError, draw};

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

fn tasks() -> Vec<Box<dyn Task>> {
    vec![
        Box::new(Reverse { seq_len: 7, n_symbols: 5 }),
        Box::new(Copy { len: 7, n_symbols: 5 }),
        Box::new(Sort { len: 7, n_symbols: 5 }),
        Box::new(Recall { n_pairs: 3, n_keys: 7, n_values: 5 }),
    ]
}

/// The targets of a task as text, `·` where nothing is asked.
fn answers(task: &dyn Task, tokens: &[u32]) -> String {
    let answer = |target: &Option<u32>| target.map_or("·".to_owned(), |target| target.to_string());
    task.targets(tokens).iter().map(answer).collect::<Vec<_>>().join(" ")
}

#[test]
fn reverse_says_its_input_backwards() {
    let task = Reverse { seq_len: 6, n_symbols: 10 };
    assert_eq!(answers(&task, &[3, 1, 4, 1, 5, 9]), "9 5 1 4 1 3");
}

#[test]
fn copy_says_its_input_again() {
    let task = Copy { len: 4, n_symbols: 10 };
    assert_eq!(answers(&task, &[3, 1, 4, 1, 3, 1, 4]), "· · · 3 1 4 1");
}

#[test]
fn sort_says_its_input_in_order() {
    let task = Sort { len: 6, n_symbols: 3 };
    assert_eq!(answers(&task, &[0, 0, 2, 1, 0, 1, 0, 0, 0, 1, 1]), "· · · · · 0 0 0 1 1 2");
}

#[test]
fn recall_says_the_value_that_stood_with_the_key() {
    // Keys a..g are 0..7, the questions A..G 7..14, the values 0..5 14..19, and nothing is 19.
    let task = Recall { n_pairs: 3, n_keys: 7, n_values: 5 };
    let labels = task.vocabulary();
    let token = |label: &str| labels.iter().position(|known| known == label).unwrap() as u32;
    let tokens: Vec<u32> = ["d", "4", "a", "2", "g", "0", "G", "·", "D", "·", "A", "·"].map(token).to_vec();
    let answers: Vec<Option<&str>> =
        task.targets(&tokens).iter().map(|target| target.map(|t| labels[t as usize].as_str())).collect();
    assert_eq!(answers, [None, None, None, Some("0"), Some("4"), Some("2")]);
}

#[test]
fn every_example_has_the_shape_that_its_task_states() {
    for task in tasks() {
        let vocab_size = task.vocabulary().len() as u32;
        for split in SPLITS {
            for index in 0..100 {
                let Example { tokens, targets } = draw(&*task, 1, split, index).unwrap();
                assert_eq!(tokens.len(), task.seq_len() * task.stack(), "{}", task.name());
                assert_eq!(targets.len(), task.seq_len(), "{}", task.name());
                assert!(tokens.iter().chain(targets.iter().flatten()).all(|&token| token < vocab_size));
                assert!(targets.iter().any(Option::is_some), "{} asks for nothing", task.name());
            }
        }
    }
}

#[test]
fn labels_are_unique() {
    let large = Recall { n_pairs: 2, n_keys: 40, n_values: 5 };
    for task in tasks().into_iter().chain([Box::new(large) as Box<dyn Task>]) {
        let labels = task.vocabulary();
        assert_eq!(labels.iter().collect::<HashSet<_>>().len(), labels.len(), "{}", task.name());
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
fn every_numbered_input_is_met_once() {
    let task = Sort { len: 4, n_symbols: 3 };
    let n_inputs = task.n_inputs().unwrap();
    let inputs: HashSet<Vec<u32>> = (0..n_inputs).map(|index| task.input(index).unwrap()).collect();
    assert_eq!((n_inputs, inputs.len()), (81, 81));
    assert_eq!(Reverse { seq_len: 40, n_symbols: 10 }.n_inputs(), None, "10^40 is more than can be numbered");
}

#[test]
fn a_task_without_held_out_inputs_is_an_error() {
    let task = Reverse { seq_len: 1, n_symbols: 2 };
    let error = SPLITS.into_iter().find_map(|split| draw(&task, 0, split, 0).err());
    let message = error.map(|error: TrainError| error.to_string()).unwrap_or_default();
    assert!(message.starts_with("the task `reverse` has too few different inputs"), "{message}");
}

#[test]
fn the_split_of_an_input_never_changes() {
    // By an independent program: FNV-1a over the little-endian tokens, then MurmurHash3's finalizer, modulo 8, for 0 1 4 to 5 1 4.
    let expected = [3, 1, 0, 2, 5, 7].map(|rest| match rest {
        0 => Split::Test,
        1 => Split::Validation,
        _ => Split::Train,
    });
    let found = [0, 1, 2, 3, 4, 5].map(|first| Split::of(&[first, 1, 4]));
    assert_eq!(found, expected);
}
