use std::error::Error;

use qkv_web::{Answer, Desk, Place, Session, WebError};
use safetensors::SafeTensors;
use serde_json::Value;

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

/// A model that learns in a moment.
pub(crate) const SMALL: [&str; 4] =
    ["task.seq_len=4", "model.d_model=8", "train.batch_size=16", "train.eval_examples=50"];

pub(crate) fn small(task: &str, more: &[&str]) -> Result<Session, WebError> {
    Session::of_task(task, &[&SMALL, more].concat())
}

/// `letters`, learned.
pub(crate) fn learned(more: &[&str]) -> Result<Session, WebError> {
    let mut session = Session::of_task("letters", &[&["train.eval_examples=100"], more].concat())?;
    session.step(session.last_step())?;
    Ok(session)
}

pub(crate) fn place(head: usize, matrix: &str) -> Place {
    Place { layer: 0, head, matrix: matrix.to_owned() }
}

/// The values of a tensor of a weight file.
pub(crate) fn values(bytes: &[u8], name: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let file = SafeTensors::deserialize(bytes)?;
    let tensor = file.tensor(name)?;
    Ok(tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The values of a tensor whose bits an edit has changed.
pub(crate) fn changed(session: &Session, before: &[u8], name: &str) -> Result<Vec<usize>, Box<dyn Error>> {
    let (old, new) = (values(before, name)?, values(&session.weights()?, name)?);
    Ok((0..old.len()).filter(|&i| old[i].to_bits() != new[i].to_bits()).collect())
}

/// What a desk answers with in JSON.
pub(crate) fn ask(desk: &mut Desk, request: &[u8]) -> Result<Value, Box<dyn Error>> {
    match desk.answer(request)? {
        Answer::Json(json) => Ok(serde_json::from_str(&json)?),
        Answer::Bytes(_) => Err("bytes came in the place of JSON".into()),
    }
}
