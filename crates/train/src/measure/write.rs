//! Answers that a model writes by itself, one token after another.

use burn::tensor::{Device, Tensor};

use super::evaluate::examples_at_once;
use super::next::{Reader, Text, rows};
use super::sampling::{Drawn, Sampler, Sampling};
use crate::error::TrainError;
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
    let device = &device.clone().without_autodiff();
    let mut answers = Vec::with_capacity(inputs.len());
    for inputs in inputs.chunks(examples_at_once(task.seq_len())) {
        answers.extend(Writing { model, task, device }.finish(begin(task, inputs), likeliest));
    }
    answers
}

/// The input of a pair of a source and the answer that `model`, a validation copy, [writes](write_answers) to it.
///
/// # Errors
/// As [`Translation::input`].
pub fn write_pair<M: Model>(
    model: &M,
    task: &dyn Translation,
    source: &str,
    device: &Device,
) -> Result<Vec<u32>, TrainError> {
    let mut tokens = task.input(source)?;
    let answers = write_answers(model, task, std::slice::from_ref(&tokens), device);
    let answer = answers.into_iter().flatten().take_while(|&token| token != task.end());
    // Behind the token that begins it.
    tokens[task.source_len() + 1..].iter_mut().zip(answer).for_each(|(place, token)| *place = token);
    Ok(tokens)
}

/// The same as [`write_answers`] with tokens that are chosen by `sampling`: answer number `i` is its sample number `index + i`.
///
/// ```
/// use burn::tensor::Device;
/// use qkv_model::{Init, MaskConfig, TransformerConfig};
/// use qkv_train::{Dates, Sampling, Task, Translation, draw_answers};
///
/// let device = Device::flex();
/// let task = Dates { first_year: 1900, last_year: 2099 };
/// let mut config = TransformerConfig::new(task.vocabulary().len(), task.seq_len(), 16);
/// config.mask = MaskConfig::Causal.into();
/// let model = config.init(&Init::new(&device, 0))?;
/// let source = task.input("3 March 1987")?;
/// let answers = draw_answers(&model, &task, &[source.clone(), source], &Sampling::default(), &device)?;
/// assert_ne!(answers[0], answers[1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If the temperature is below 0 or not finite, or `top_k` is 0.
///
/// # Panics
/// As [`write_answers`].
pub fn draw_answers<M: Model>(
    model: &M,
    task: &dyn Translation,
    inputs: &[Vec<u32>],
    sampling: &Sampling,
    device: &Device,
) -> Result<Vec<Vec<Drawn>>, TrainError> {
    let device = &device.clone().without_autodiff();
    let mut answers: Vec<Vec<Drawn>> = Vec::with_capacity(inputs.len());
    for inputs in inputs.chunks(examples_at_once(task.seq_len())) {
        let index = |at: usize| sampling.index + (answers.len() + at) as u64;
        let samplers = (0..inputs.len()).map(|at| Sampler::new(&Sampling { index: index(at), ..*sampling }));
        let mut samplers = samplers.collect::<Result<Vec<_>, _>>()?;
        let mut drawn: Vec<Vec<Drawn>> = vec![Vec::new(); inputs.len()];
        Writing { model, task, device }.finish(begin(task, inputs), |open, logits| {
            let next = open.iter().zip(rows(logits)).map(|(&at, logits)| {
                let next = samplers[at].draw(&logits);
                drawn[at].push(next);
                next.token
            });
            next.collect()
        });
        answers.append(&mut drawn);
    }
    Ok(answers)
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
    let device = &batch.tokens.device();
    let answers = Writing { model, task: translation, device }.finish(begun.collect(), likeliest);
    Prediction { answers: Some(answers), ..prediction }
}

/// An answer, as far as it is written.
struct Begun<'a> {
    input: &'a [u32],
    answer: Vec<u32>,
    is_done: bool,
}

impl Begun<'_> {
    /// The source, the token that begins the answer and the answer.
    fn tokens(&self, source_len: usize) -> Vec<u32> {
        [&self.input[..=source_len], &self.answer].concat()
    }
}

/// An answer to each of these inputs, of which nothing is written.
fn begin<'a>(task: &dyn Translation, inputs: &'a [Vec<u32>]) -> Vec<Begun<'a>> {
    assert!(inputs.iter().all(|input| input.len() == task.seq_len()), "an input of another length");
    inputs.iter().map(|input| Begun { input, answer: Vec::new(), is_done: false }).collect()
}

/// The likeliest token of each row.
fn likeliest(_: &[usize], logits: Tensor<2>) -> Vec<u32> {
    logits.argmax(1).into_data().iter::<u32>().collect()
}

/// What writes answers.
struct Writing<'a, M> {
    model: &'a M,
    task: &'a dyn Translation,
    device: &'a Device,
}

impl<M: Model> Writing<'_, M> {
    /// Writes every answer to its end, or until there is no room. `choose` gives the next token of those with these
    /// numbers by their logits, `[n, vocab_size]`.
    fn finish(
        &self,
        mut begun: Vec<Begun<'_>>,
        mut choose: impl FnMut(&[usize], Tensor<2>) -> Vec<u32>,
    ) -> Vec<Vec<u32>> {
        let (source_len, padding) = (self.task.source_len(), self.task.padding().unwrap_or(0));
        let most = self.task.seq_len() - source_len;
        let mut reader = Reader::new(self.model, padding, self.device.clone());
        loop {
            let is_open = |&at: &usize| !begun[at].is_done && begun[at].answer.len() < most;
            let open: Vec<usize> = (0..begun.len()).filter(is_open).collect();
            if open.is_empty() {
                break;
            }
            let text = |&number: &usize| Text { number, tokens: begun[number].tokens(source_len) };
            let texts: Vec<Text> = open.iter().map(text).collect();
            let (answered, logits) = reader.next_logits(&texts);
            for (&at, next) in answered.iter().zip(choose(&answered, logits)) {
                begun[at].answer.push(next);
                begun[at].is_done = next == self.task.end();
            }
        }
        begun.into_iter().map(|begun| begun.answer).collect()
    }
}
