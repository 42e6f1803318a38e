//! The result of each study in a sentence, with the figures of its table.

use super::Shipped;
use super::measured::{Measured, share};

pub fn projections(study: &Shipped) -> String {
    let accuracy = |task, projections, positions| {
        let labels = [
            &format!("task.name={task}"),
            &format!("model.projections={projections}"),
            &format!("model.positions={positions}"),
        ];
        study.with(&labels.map(String::as_str)).accuracy()
    };
    let frozen = ["reverse", "copy", "recall"]
        .map(|task| format!("{} in `{task}`", accuracy(task, "frozen", "sinusoidal")))
        .join(", ");
    format!(
        "with sinusoidal positions, learned matrices reach {} in all three tasks, frozen ones {frozen}; without any, no task \
         gets past {}, whatever the positions. Learned positions let frozen matrices copy, {}, and mostly reverse, {}, but \
         not recall, {}; RoPE, which has only distances, lets learned ones copy, {}, but not reverse, {}",
        study.with(&["model.projections=learned", "model.positions=sinusoidal"]).accuracy(),
        share(study.with(&["model.projections=none"]).spread("accuracy").most),
        accuracy("copy", "frozen", "learned"),
        accuracy("reverse", "frozen", "learned"),
        accuracy("recall", "frozen", "learned"),
        accuracy("copy", "learned", "rope"),
        accuracy("reverse", "learned", "rope"),
    )
}

pub fn matrices(study: &Shipped) -> String {
    let word = |matrix: &str, word: &str| format!("model.projections.{matrix}={word}");
    // Runs in which one of W_Q and W_K has one word, and the other of them the other word.
    let either = |one: &str, other: &str| {
        let runs = |w_q: &str, w_k: &str| study.with(&[&word("w_q", w_q), &word("w_k", w_k)]).0;
        Measured(if one == other { runs(one, one) } else { [runs(one, other), runs(other, one)].concat() })
    };
    let both = |w_v: &str| {
        study.with(&[&word("w_q", "learned"), &word("w_k", "learned"), &word("w_v", w_v)]).steps()
    };
    let without = [either("none", "none"), either("none", "frozen"), either("frozen", "frozen")];
    let without = Measured(without.into_iter().flat_map(|runs| runs.0).collect());
    format!(
        "with W_Q and W_K learned, `reverse` reaches {} whatever W_V is: after {} steps where W_V is learned, {} where it is \
         frozen, {} where it is absent. With one of the two learned it reaches {} beside an absent one and {} beside a frozen \
         one. With neither, no run gets past {}, learned W_V or not",
        either("learned", "learned").accuracy(),
        both("learned"),
        both("frozen"),
        both("none"),
        either("learned", "none").accuracy(),
        either("learned", "frozen").accuracy(),
        share(without.spread("accuracy").most),
    )
}

/// The accuracy of a phase change.
fn is_passed(accuracy: f64) -> bool {
    accuracy >= 0.9
}

pub fn scaling(study: &Shipped) -> String {
    let adam_w = "optimizer.name=adam-w";
    let steps = |score: &str, d_k| {
        study.with(&[adam_w, &format!("model.score={score}"), &format!("model.d_k={d_k}")]).steps()
    };
    let unscaled = ["optimizer.lr=0.5", "model.score=dot"];
    let at = |d_k| study.with(&[unscaled[0], unscaled[1], &format!("model.d_k={d_k}")]).accuracy();
    let never_pass = study.counts(&unscaled, "model.d_k", |run| run["phase_change"].is_none());
    let stay = study.counts(&unscaled, "model.d_k", |run| run["accuracy"].is_some_and(is_passed));
    format!(
        "with AdamW every run reaches {}, but at d_k 512 the unscaled score takes {} steps and the scaled one {}; at d_k 4 it \
         is {} and {}. SGD reaches {} at a rate of 0.1, scaled or not. At 0.5 the scaled score still reaches {}; without the \
         factor {} runs pass 0.9 as well, all but {never_pass}, and {} stay there, {stay}; d_k 4 ends at {}, 64 at {}, 512 at \
         {}",
        study.with(&[adam_w]).accuracy(),
        steps("dot", 512),
        steps("scaled-dot", 512),
        steps("dot", 4),
        steps("scaled-dot", 4),
        study.with(&["optimizer.lr=0.1"]).accuracy(),
        study.with(&["optimizer.lr=0.5", "model.score=scaled-dot"]).accuracy(),
        study.with(&unscaled).share_with("phase_change", f64::is_finite),
        study.with(&unscaled).share_with("accuracy", is_passed),
        at(4),
        at(64),
        at(512),
    )
}

pub fn heads(study: &Shipped) -> String {
    let with = |task: &str, n_heads| study.with(&[task, &format!("model.n_heads={n_heads}")]);
    let found = |n_heads| {
        let runs = with("task.name=recall", n_heads);
        format!("{}, after {} steps", runs.share_with("phase_change", f64::is_finite), runs.steps())
    };
    format!(
        "in `recall`, {} runs with one head find the keys, after {} steps, with two {}, with four {}, and with eight {}; in \
         `reverse`, where every position has one other to look at, one head takes {} steps, and eight take {} steps",
        with("task.name=recall", 1).share_with("phase_change", f64::is_finite),
        with("task.name=recall", 1).steps(),
        found(2),
        found(4),
        found(8),
        with("task.name=reverse", 1).steps(),
        with("task.name=reverse", 8).steps(),
    )
}

pub fn scores(study: &Shipped) -> String {
    let of_each = |task: &str, d_k| {
        ["scaled-dot", "dot", "additive"]
            .map(|score| study.with(&[task, &format!("model.d_k={d_k}"), &format!("model.score={score}")]))
    };
    let recall = |d_k| {
        let [scaled, unscaled, additive] = of_each("task.name=recall", d_k).map(|runs| runs.accuracy());
        format!("{scaled} scaled, {unscaled} unscaled, {additive} additive")
    };
    let reverse = |d_k| {
        let [scaled, unscaled, additive] = of_each("task.name=reverse", d_k).map(|runs| runs.steps());
        format!("{scaled}, {unscaled} and {additive} steps with d_k {d_k}")
    };
    format!(
        "`recall` with d_k 8: {}; with d_k 64: {}. `reverse` reaches {} with each, after {}, and {}",
        recall(8),
        recall(64),
        study.with(&["task.name=reverse"]).accuracy(),
        reverse(8),
        reverse(64),
    )
}

pub fn layers(study: &Shipped) -> String {
    let one = |task: &str, heads: &str| study.with(&[task, "model.n_layers=1", heads]).accuracy();
    let (interleaved, induction) = ("task.name=recall-interleaved", "task.name=induction");
    format!(
        "one layer stays at {} in `recall-interleaved` and at {} in `induction`, with four heads at {} and {}; two layers \
         reach {} in every task, with a phase change after {} and {} steps. In `recall`, where a value stands with its key, \
         one layer is enough: {}",
        one(interleaved, "model.n_heads=1"),
        one(induction, "model.n_heads=1"),
        one(interleaved, "model.n_heads=4"),
        one(induction, "model.n_heads=4"),
        study.with(&["model.n_layers=2"]).accuracy(),
        study.with(&[interleaved, "model.n_layers=2"]).steps(),
        study.with(&[induction, "model.n_layers=2"]).steps(),
        study.with(&["task.name=recall", "model.n_layers=1"]).accuracy(),
    )
}
