//! Where requests of a page arrive: JSON in, JSON or bytes out.

use std::collections::BTreeMap;

use qkv_train::{ConfigSource, Registry};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::WebError;
use crate::request::Request;
use crate::session::{Kept, MOST_MEMORY, Session, Text};

/// One session and what was kept of it, behind requests.
///
/// ```
/// use qkv_web::{Answer, Desk};
///
/// let mut desk = Desk::default();
/// let begin = br#"{"do": "begin", "task": "copy", "settings": ["model.d_model=8"]}"#;
/// let Answer::Json(ready) = desk.answer(begin)? else { panic!("a session is described in JSON") };
/// assert!(ready.contains(r#""task":"copy""#));
/// assert!(ready.contains(r#""most_memory":1073741824"#));
/// let error = desk.answer(br#"{"do": "begin", "task": "copi"}"#).unwrap_err();
/// assert!(error.to_string().contains("unknown task `copi`"));
/// assert!(desk.answer(br#"{"do": "step", "n": 1}"#).is_ok());
/// # Ok::<(), qkv_web::WebError>(())
/// ```
#[derive(Default)]
pub struct Desk {
    session: Option<Session>,
    kept: BTreeMap<u64, Kept>,
    next: u64,
}

/// What a request is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A JSON value.
    Json(String),
    /// A file.
    Bytes(Vec<u8>),
}

impl Desk {
    /// Answers a request: JSON in one line, and behind the line end the bytes that some come with.
    ///
    /// # Errors
    /// If the request cannot be read, or the session cannot do it; the session stands as it did before.
    pub fn answer(&mut self, request: &[u8]) -> Result<Answer, WebError> {
        let end = request.iter().position(|&byte| byte == b'\n').unwrap_or(request.len());
        let (line, bytes) = (&request[..end], request.get(end + 1..).unwrap_or_default());
        let request: Request = serde_json::from_slice(line).map_err(|error| {
            WebError::Request(format!("expected a request in JSON, {error}; reload the page that sent it"))
        })?;
        let json = match request {
            Request::Tasks => json(&Registry::new().task_names().collect::<Vec<_>>()),
            Request::Begin { config, task, settings, text, n_weights } => {
                let source = match (&config, &task) {
                    (Some(config), None) => ConfigSource::Toml(config),
                    (None, Some(task)) => ConfigSource::Task(task),
                    _ => {
                        let message = "a session begins with either a config or the name of a task";
                        return Err(WebError::Request(message.to_owned()));
                    }
                };
                let n = n_weights.unwrap_or(0);
                let Some((of_text, weights)) = bytes.split_at_checked(bytes.len().wrapping_sub(n)) else {
                    return Err(WebError::Request(format!(
                        "the weights of a session should have {n} bytes, and {} came; send them behind the text",
                        bytes.len()
                    )));
                };
                let text = text.map(|name| Text { name, bytes: of_text.to_vec() });
                let mut begun = Session::begin(source, &settings, text)?;
                if n_weights.is_some() {
                    begun.load_weights(weights.to_vec())?;
                    begun.figures()?;
                }
                let answer = json(&described(&begun)?);
                self.session = Some(begun);
                self.kept.clear();
                answer
            }
            Request::Step { n, watched: false } => json(&self.session()?.step(n)?),
            Request::Step { n, watched: true } => json(&self.session()?.step_watched(n.saturating_sub(1))?),
            Request::Evaluate => json(&self.session()?.evaluate()?),
            Request::Moment => return Ok(Answer::Bytes(self.session()?.moment()?.into_bytes())),
            Request::Config => json(&self.session()?.config()),
            Request::Weights => return Ok(Answer::Bytes(self.session()?.weights()?)),
            Request::Keep => {
                let (kept, step) = (self.session()?.keep(), self.session()?.steps_made());
                let id = self.next;
                self.kept.insert(id, kept);
                self.next += 1;
                json(&json!({ "kept": id, "step": step }))
            }
            Request::Restore { kept } => {
                let Self { session: Some(session), kept: all, .. } = self else { return Err(not_begun()) };
                let kept = all.get(&kept).ok_or_else(|| {
                    WebError::Request(format!("no state is kept under the number {kept}; it was given up"))
                })?;
                session.restore(kept);
                session.figures()?;
                json(&described(session)?)
            }
            Request::Forget { kept } => {
                self.kept.remove(&kept);
                json(&Value::Null)
            }
            Request::BeginAgain => {
                let session = self.session()?;
                session.begin_again();
                json(&described(session)?)
            }
            Request::Edit { edit } => json(&self.session()?.edit(&edit)?),
            Request::WantedMap { layer, head, input, weights } => {
                json(&self.session()?.wanted_map(layer, head, input, &weights)?)
            }
            Request::Probe { positions, source } => {
                let session = self.session()?;
                match source {
                    Some(source) => session.probe_source(&source)?,
                    None => session.probe(positions.as_deref())?,
                }
                json(&Value::Null)
            }
        };
        Ok(Answer::Json(json))
    }

    fn session(&mut self) -> Result<&mut Session, WebError> {
        self.session.as_mut().ok_or_else(not_begun)
    }
}

fn not_begun() -> WebError {
    WebError::Request("no training has begun; begin one first".to_owned())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names and numbers are JSON")
}

/// What a page shows of a session before its first step.
fn described(session: &Session) -> Result<Value, WebError> {
    let experiment = &session.experiment;
    let (config, task) = (&experiment.config, &experiment.task);
    Ok(json!({
        "tasks": Registry::new().task_names().collect::<Vec<_>>(),
        "task": config.task.name,
        "summary": task.summary(),
        "vocabulary": task.vocabulary(),
        "seq_len": task.seq_len(),
        "source_len": task.source_len(),
        "stack": task.stack(),
        "step": session.steps_made(),
        "last_step": session.last_step(),
        "config": session.config(),
        "values": config,
        "defaults": session.unset,
        "n_parameters": session.n_parameters(),
        "loss": session.loss.filter(|(step, _)| *step == session.steps_made()).map(|(_, loss)| loss),
        "figures": session.evaluated.as_ref().filter(|(step, _)| *step == session.steps_made()).map(|(_, figures)| figures),
        "memory": session.memory_needed(),
        "most_memory": MOST_MEMORY,
    }))
}
