use qkv_web::Desk;
use serde_json::json;

use crate::support::{Outcome, ask, learned, small};

/// The anti-diagonal of a map, the right one of `reverse`.
fn anti_diagonal(n: usize) -> Vec<f32> {
    (0..n * n).map(|cell| if cell / n + cell % n == n - 1 { 1.0 } else { 0.0 }).collect()
}

#[test]
fn the_models_own_map_gives_its_own_loss() -> Outcome {
    let session = learned(&[])?;
    let weights = session.weights()?;
    // Nothing drawn is the model as it is.
    let nothing = session.wanted_map(0, 0, 0, &[0.0; 16])?;
    assert_eq!(nothing.held_out.before, nothing.held_out.after);
    assert_eq!((nothing.here.cross_entropy, nothing.here.entropy), (None, None));
    let effect = nothing.here.effect.ok_or("the input asks for something")?;
    assert_eq!(effect.before, effect.after);
    // Uniform rows are far from those of a learned model, and at the entropy of four keys.
    let uniform = session.wanted_map(0, 0, 1, &[0.5; 16])?;
    assert!(uniform.held_out.after.loss > uniform.held_out.before.loss + 0.1, "{uniform:?}");
    assert!(uniform.here.entropy.is_some_and(|nats| (nats - 4_f64.ln()).abs() < 1e-12));
    assert!(uniform.here.cross_entropy > uniform.here.entropy);
    assert_eq!(session.weights()?, weights);
    Ok(())
}

#[test]
fn the_right_map_is_as_good_as_what_was_learned() -> Outcome {
    let session = learned(&[])?;
    let right = session.wanted_map(0, 0, 0, &anti_diagonal(4))?;
    assert!(right.held_out.after.accuracy > 0.95, "{right:?}");
    assert_eq!(right.here.answers.len(), 4);
    let diagonal: Vec<f32> = (0..16).map(|cell| if cell % 5 == 0 { 1.0 } else { 0.0 }).collect();
    let wrong = session.wanted_map(0, 0, 0, &diagonal)?;
    assert!(wrong.held_out.after.accuracy < 0.5, "{wrong:?}");
    // The weights of a row matter, not their sum.
    let twice: Vec<f32> = anti_diagonal(4).iter().map(|weight| 2.0 * weight).collect();
    assert_eq!(session.wanted_map(0, 0, 0, &twice)?, right);
    // One row: the others are the model's own.
    let mut one = [0.0; 16];
    one[3] = 1.0;
    let one = session.wanted_map(0, 0, 0, &one)?;
    assert!(one.held_out.after.accuracy > 0.95 && one.here.entropy == Some(0.0), "{one:?}");
    Ok(())
}

#[test]
fn a_map_that_cannot_be_is_refused() -> Outcome {
    let mut desk = Desk::default();
    ask(
        &mut desk,
        br#"{"do":"begin","task":"letters","settings":["model.mask=causal","train.eval_examples=10"]}"#,
    )?;
    let mut wanted = |layer: usize, head: usize, input: usize, weights: &[f32]| {
        let request =
            json!({ "do": "wanted-map", "layer": layer, "head": head, "input": input, "weights": weights });
        match desk.answer(request.to_string().as_bytes()) {
            Ok(_) => String::new(),
            Err(error) => format!("{}: {error}", error.kind()),
        }
    };
    let diagonal: Vec<f32> = (0..16).map(|cell| if cell % 5 == 0 { 1.0 } else { 0.0 }).collect();
    assert_eq!(wanted(0, 0, 0, &diagonal), "");
    for (found, message) in [
        (wanted(0, 0, 0, &anti_diagonal(4)), "at query 0, key 3, which the mask hides"),
        (wanted(0, 0, 0, &[1.0; 9]), "edit: map must be 4 × 4 weights, one for each query and key, got 9"),
        (wanted(0, 0, 0, &[-1.0; 16]), "0 or more, and finite, at query 0, key 0, got -1"),
        (wanted(1, 0, 0, &diagonal), "there is no layer 1"),
        (wanted(0, 1, 0, &diagonal), "there is no head 1"),
        (wanted(0, 0, 3, &diagonal), "the page shows 3 inputs, counted from 0; there is no input 3"),
    ] {
        assert!(found.contains(message), "{found}");
    }
    Ok(())
}

#[test]
fn a_map_is_wanted_of_one_head_of_one_layer() -> Outcome {
    let session = small("reverse", &["model.n_layers=2", "model.n_heads=2", "model.w_o=true"])?;
    let mut losses = Vec::new();
    for (layer, head) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let wanted = session.wanted_map(layer, head, 2, &anti_diagonal(4))?;
        assert_eq!(
            wanted.held_out.before.loss,
            session.wanted_map(0, 0, 0, &[0.0; 16])?.held_out.before.loss
        );
        losses.push(wanted.held_out.after.loss.to_bits());
    }
    losses.sort_unstable();
    losses.dedup();
    assert_eq!(losses.len(), 4);
    Ok(())
}
