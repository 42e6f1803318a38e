//! Answers that a model writes by itself, one token after another, always the likeliest.

use burn::tensor::{Device, Int, Tensor, TensorData};
use qkv_model::Mode;

use super::evaluate::examples_at_once;
use crate::model::Model;
use crate::task::{Task, Translation};
use crate::training::{LossInputs, Prediction};

/// The answers that `model`, a validation copy, writes to `inputs` of a task, with the token that ends each unless there
/// is no room for it; what stands in an input behind the token that begins its answer is not read.
///
/// ```text
/// a_i = argmax logits after (source, begin, a_0, …, a_{i-1})
/// ```
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, MaskConfig, TransformerConfig};
/// use qkv_train::{Dates, Task, Translation, write_answers};
///
/// let device = Device::flex();
/// let task = Dates { first_year: 1900, last_year: 2099 };
/// let mut config = TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 16);
/// config.mask = MaskConfig::Causal.into();
/// let model = config.init(&Init::new(&device, 0))?;
/// // Before a training it is no date.
/// let answers = write_answers(&model, &task, &[task.input("3 March 1987")?], &device);
/// assert_ne!(task.text(&answers[0]), "1987-03-03");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If an input has another number of tokens than those of the task.
pub fn write_answers<M: Model>(
    model: &M,
    task: &dyn Translation,
    inputs: &[Vec<u32>],
    device: &Device,
) -> Vec<Vec<u32>> {
    let device = device.clone().without_autodiff();
    let mut answers = Vec::with_capacity(inputs.len());
    for inputs in inputs.chunks(examples_at_once(task.seq_len())) {
        assert!(inputs.iter().all(|input| input.len() == task.seq_len()), "an input of another length");
        let begun = inputs.iter().map(|input| Begun { input, answer: Vec::new(), is_done: false });
        answers.extend(finish(model, task, begun.collect(), &device));
    }
    answers
}

/// A prediction with the answers, if they are asked for and the task has any.
///
/// As long as an answer is right, the model sees what it sees in the prediction: only what follows the first mistake is
/// computed again.
pub(super) fn with_answers<'a, M: Model>(
    model: &M,
    task: &dyn Task,
    prediction: Prediction<'a>,
    inputs: LossInputs,
) -> Prediction<'a> {
    let Some(translation) = task.translation().filter(|_| inputs.answers) else { return prediction };
    let batch = prediction.batch;
    let tokens: Vec<u32> = batch.tokens.to_data().iter::<u32>().collect();
    let targets: Vec<u32> = batch.targets.to_data().iter::<u32>().collect();
    let choices: Vec<u32> = prediction.logits.clone().argmax(1).into_data().iter::<u32>().collect();
    let mut first = 0;
    let inputs = tokens.chunks_exact(task.seq_len()).zip(&batch.targets_per_example);
    let begun = inputs.map(|(input, &n_targets)| {
        let of_example = first..first + n_targets;
        first += n_targets;
        let (targets, choices) = (&targets[of_example.clone()], &choices[of_example]);
        match (0..n_targets).find(|&at| targets[at] != choices[at]) {
            None => Begun { input, answer: targets.to_vec(), is_done: true },
            Some(at) => {
                Begun { input, answer: choices[..=at].to_vec(), is_done: choices[at] == translation.end() }
            }
        }
    });
    let answers = finish(model, translation, begun.collect(), &batch.tokens.device());
    Prediction { answers: Some(answers), ..prediction }
}

/// An answer, as far as it is written.
struct Begun<'a> {
    input: &'a [u32],
    answer: Vec<u32>,
    is_done: bool,
}

impl Begun<'_> {
    /// The source, the token that begins the answer and the answer, and as much padding as makes `len` tokens.
    fn tokens(&self, source_len: usize, len: usize, padding: u32) -> Vec<i64> {
        let mut tokens: Vec<u32> = self.input[..=source_len].to_vec();
        tokens.extend(&self.answer);
        tokens.resize(len, padding);
        tokens.into_iter().map(i64::from).collect()
    }
}

/// Writes every answer to its end, or until there is no room.
fn finish<M: Model>(
    model: &M,
    task: &dyn Translation,
    mut begun: Vec<Begun<'_>>,
    device: &Device,
) -> Vec<Vec<u32>> {
    let (source_len, padding) = (task.source_len(), task.padding().unwrap_or(0));
    let most = task.seq_len() - source_len;
    loop {
        let mut open: Vec<&mut Begun<'_>> =
            begun.iter_mut().filter(|begun| !begun.is_done && begun.answer.len() < most).collect();
        let Some(longest) = open.iter().map(|begun| begun.answer.len()).max() else { break };
        let len = source_len + 1 + longest;
        let tokens: Vec<i64> = open.iter().flat_map(|begun| begun.tokens(source_len, len, padding)).collect();
        let tokens = Tensor::from_data(TensorData::new(tokens, [open.len(), len, 1]), device);
        let features = model.features(tokens, Mode::Evaluate);
        let d_model = features.dims()[2];
        let last =
            open.iter().enumerate().map(|(row, begun)| (row * len + source_len + begun.answer.len()) as i64);
        let last: Vec<i64> = last.collect();
        let last = Tensor::<1, Int>::from_data(TensorData::new(last, [open.len()]), device);
        let logits = model.logits(features.reshape([open.len() * len, d_model]).select(0, last));
        let next: Vec<u32> = logits.argmax(1).into_data().iter::<u32>().collect();
        for (begun, next) in open.iter_mut().zip(next) {
            begun.answer.push(next);
            begun.is_done = next == task.end();
        }
    }
    begun.into_iter().map(|begun| begun.answer).collect()
}
