// What the live page adds to the table of texts.
Object.assign(TEXTS, {
  "live.train": "Train", "live.pause": "Pause", "live.again": "Train on",
  "live.loading": "The trainer is being unpacked …",
  "live.pace": "{rate} steps a second", "live.finished": "finished after {step} steps", "live.early": "the goal is reached after {step} steps",
  "live.nan": "The training met a number that is not finite, and stopped: {message}.",
  "live.panic": "The trainer has failed, and begins again: {message}",
  "live.changed": "{what}. Undo goes back to step {step}.", "live.undone": "Undone: the model is as it was at step {step}.",
  "live.wrongInput": "Write {n} tokens of this task, with spaces between them.",
  "edit.zero": "A matrix is zero", "edit.zero-head": "The head is zero", "edit.noise": "A matrix has noise on it", "edit.cell": "A cell has another value", "edit.matrix": "A matrix has other values",
});
