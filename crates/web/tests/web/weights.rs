use qkv_web::Desk;
use serde_json::json;

use crate::support::{Outcome, SMALL, ask, small};

#[test]
fn weights_go_out_and_come_back() -> Outcome {
    let mut trained = small("reverse", &["train.steps=20"])?;
    trained.step(20)?;
    let saved = trained.weights()?;
    let mut fresh = small("reverse", &["train.steps=20"])?;
    assert_ne!(fresh.weights()?, saved);
    fresh.load_weights(saved.clone())?;
    assert_eq!((fresh.weights()?, fresh.steps_made()), (saved.clone(), 0));
    let mut other = small("reverse", &["model.d_model=16"])?;
    let before = other.weights()?;
    assert!(
        other.load_weights(saved).is_err_and(|error| error.to_string().contains("does not fit the model"))
    );
    assert!(other.load_weights(b"no weights".to_vec()).is_err());
    assert_eq!(other.weights()?, before);
    Ok(())
}

#[test]
fn a_session_begins_with_its_weights_or_not_at_all() -> Outcome {
    let mut desk = Desk::default();
    let request = |more: serde_json::Value, bytes: &[u8]| {
        let mut request = json!({ "do": "begin", "task": "reverse", "settings": SMALL });
        request
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        [request.to_string().as_bytes(), b"\n", bytes].concat()
    };
    ask(&mut desk, &request(json!({}), b""))?;
    ask(&mut desk, br#"{"do":"step","n":9}"#)?;
    let mut other = small("reverse", &["train.steps=30"])?;
    other.step(30)?;
    let weights = other.weights()?;
    let begun = ask(&mut desk, &request(json!({ "n_weights": weights.len() }), &weights))?;
    assert_eq!(
        (&begun["step"], begun["figures"]["loss"].as_f64()),
        (&0.into(), Some(other.evaluate()?.loss))
    );
    ask(&mut desk, br#"{"do":"step","n":5}"#)?;
    let kept = ask(&mut desk, br#"{"do":"keep"}"#)?;
    assert_eq!(kept["step"], 5);
    // Weights of another model, too few bytes, no weights at all: the run that was there goes on.
    let wide = small("reverse", &["model.d_model=16"])?.weights()?;
    for (n_weights, bytes) in [(wide.len(), &wide[..]), (weights.len() + 1, &weights), (4, b"none"), (0, b"")]
    {
        let kind =
            desk.answer(&request(json!({ "n_weights": n_weights }), bytes)).err().map(|error| error.kind());
        assert!(kind.is_some_and(|kind| ["config", "request"].contains(&kind)), "{kind:?}");
        let restored = ask(&mut desk, format!(r#"{{"do":"restore","kept":{}}}"#, kept["kept"]).as_bytes())?;
        assert_eq!(restored["step"], 5);
    }
    // A text comes before the weights.
    let text = b"la lo li, la lo li, la lo li, la lo li, la lo li, la lo li, la lo li, la lo li, la lo li, la lo li, ";
    let settings = ["task.seq_len=4", "train.batch_size=4", "train.eval_examples=5"];
    let begin = |n_weights: Option<usize>, weights: &[u8]| {
        let begin = json!({ "do": "begin", "task": "chars", "settings": settings, "text": "t", "n_weights": n_weights });
        [begin.to_string().as_bytes(), b"\n", text, weights].concat()
    };
    ask(&mut desk, &begin(None, b""))?;
    let qkv_web::Answer::Bytes(weights) = desk.answer(br#"{"do":"weights"}"#)? else {
        return Err("bytes".into());
    };
    ask(&mut desk, &begin(Some(weights.len()), &weights))?;
    assert_eq!(desk.answer(br#"{"do":"weights"}"#)?, qkv_web::Answer::Bytes(weights));
    Ok(())
}
