//! A training on the names of numbers, and the alignment of digits with the characters that say them, measured.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::Device;
use qkv_train::{
    AnyModel, Batch, ConfigSource, Examples, Model, Registry, Side, Split, Task, Trainer, draw, evaluate,
};

const ONES: [&str; 10] = ["", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"];

const TENS: [&str; 10] =
    ["", "zehn", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"];

/// A German number as it is spelt, and of each digit but zeros the characters that say it.
#[derive(Default)]
struct Spelt {
    name: String,
    /// Places of digits, 0 for ones, and where they are said.
    said: Vec<(u32, Range<usize>)>,
}

impl Spelt {
    fn of(number: usize) -> Self {
        let mut spelt = Self::default();
        if number >= 1000 {
            spelt.below_a_thousand(number / 1000, 3);
            spelt.name += "tausend";
        }
        spelt.below_a_thousand(number % 1000, 0);
        if number % 100 == 1 {
            spelt.name += "s";
        }
        spelt
    }

    fn below_a_thousand(&mut self, number: usize, place: u32) {
        let [hundreds, tens, ones] = [number / 100, number / 10 % 10, number % 10];
        if hundreds > 0 {
            self.say(&[place + 2], ONES[hundreds]);
            self.name += "hundert";
        }
        match (tens, ones) {
            (1, 1) => self.say(&[place + 1, place], "elf"),
            (1, 2) => self.say(&[place + 1, place], "zwölf"),
            (1, 6) => self.say(&[place], "sech"),
            (1, 7) => self.say(&[place], "sieb"),
            (_, 0) => {}
            _ => self.say(&[place], ONES[ones]),
        }
        if tens > 1 && ones > 0 {
            self.name += "und";
        }
        if tens > 0 && !(tens == 1 && matches!(ones, 1 | 2)) {
            self.say(&[place + 1], TENS[tens]);
        }
    }

    fn say(&mut self, places: &[u32], word: &str) {
        let start = self.name.chars().count();
        self.name += word;
        self.said.extend(places.iter().map(|&place| (place, start..self.name.chars().count())));
    }
}

/// Of each head of the last cross-attention, the mean weight of a digit that is being written on the characters that say
/// it.
fn alignment(model: &AnyModel, task: &dyn Task, n_examples: u64) -> Vec<f64> {
    let examples: Vec<_> = (0..n_examples).map(|index| draw(task, 0, Split::Test, index).unwrap()).collect();
    let batch = Batch::new(task, &examples, &Device::flex()).unwrap();
    let weights = model.attention_weights(batch.tokens).pop().unwrap();
    let [_, n_heads, n_rows, n_columns] = weights.dims();
    let weights: Vec<f32> = weights.into_data().iter().collect();
    let translation = task.translation().unwrap();
    let (mut sums, mut n) = (vec![0.0; n_heads], 0);
    for (example, found) in examples.iter().enumerate() {
        let (source, answer) = found.tokens.split_at(Side::Source.positions(task).end);
        let digits = translation.reference(answer);
        let spelt = Spelt::of(digits.parse().unwrap());
        assert_eq!(spelt.name, translation.text(source));
        for (place, characters) in spelt.said {
            // The sign that begins the answer writes the first digit.
            let row = digits.len() - 1 - place as usize;
            n += 1;
            for (head, sum) in sums.iter_mut().enumerate() {
                let start = ((example * n_heads + head) * n_rows + row) * n_columns;
                *sum += weights[start..][characters.clone()].iter().map(|&w| f64::from(w)).sum::<f64>();
            }
        }
    }
    sums.into_iter().map(|sum| sum / f64::from(n)).collect()
}

/// Sequence accuracy of number names after a training, and the alignment of each head.
pub fn learn(settings: &[&str]) -> (f64, Vec<f64>) {
    let device = Device::flex().autodiff();
    let few = ["task.to=digits", "train.eval_every=100000", "train.eval_examples=10"];
    let settings = [&few, settings].concat();
    let experiment = Registry::new().read(ConfigSource::Task("translate"), &settings).unwrap();
    let model = experiment.model(&device).unwrap();
    let task = &*experiment.task;
    let trainer = Trainer::with_parts(model, task, experiment.parts.clone(), &device).unwrap();
    let model = trainer.run().unwrap().state.model.valid();
    let test = Examples { task, seed: 0, split: Split::Test };
    let found = evaluate(&model, test, 1000, &device).unwrap();
    (found.sequence_accuracy, alignment(&model, task, 200))
}

pub fn best(heads: &[f64]) -> f64 {
    heads.iter().copied().fold(0.0, f64::max)
}
