//! A short training on the names of numbers.

/// English numbers have words, of which BLEU needs four in a row.
pub const NUMBERS: [&str; 12] = [
    "task.from=digits",
    "task.to=english",
    "task.largest=99999",
    "train.metrics=[\"accuracy\", \"sequence-accuracy\", \"bleu\"]",
    "train.steps=150",
    "train.eval_every=150",
    "train.eval_examples=100",
    "model.d_model=32",
    "model.d_mlp=64",
    "model.n_heads=2",
    "train.batch_size=32",
    "optimizer.lr=1e-2",
];
