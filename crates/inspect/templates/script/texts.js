// Every text that the stage shows, in one table, so that it can be translated: {name} is replaced by a value.
const TEXTS = {
  play: "Play", pause: "Pause", slow: "One step in slow motion", "slow.many": "{n} steps in slow motion", speed: "Speed", loop: "Loop", help: "Help", layer: "Layer", head: "Head", input: "Input",
  "help.pin": "Click a token or a row of the map, or press [Enter] there: its query is pinned, and stays while the film plays. [Esc] lets it go.",
  "help.keys": "[space] plays, [.] and [,] or [→] and [←] go step by step, [Home] and [End] to the ends, [s] shows the way to the next step in slow motion. In a picture, the arrow keys move from cell to cell.",
  "help.frames": "q, k and v keep their frames everywhere: solid, dashed, dotted. The address holds what is shown. Positions, layers and heads count from 0, as in the terminal and in files.",
  pointAtCell: "Point at a cell, or move to it with the arrow keys.", valuesTable: "Values as a table",
  hidden: "hidden", notFinite: "NaN", many: "many", oneStep: "one step", manySteps: "{n} steps", afterStep: "after the step", afterSteps: "after {n} steps", moreKeys: "{n} more keys",
  positionName: "position {position}", tokenAt: "{token} at {position}",
  readout: "Step {step}", "readout.loss": "loss {loss}", "readout.accuracy": "accuracy {accuracy}", "readout.accuracyAt": "accuracy {accuracy} at step {step}", "readout.accuracyLast": "accuracy {accuracy} when last measured", "readout.shown": "{right} of {all} right in these inputs",

  "tokens.label": "The input, the right answers and the model's", "tokens.position": "position", "tokens.input": "input", "tokens.right": "right answer", "tokens.said": "model",
  "tokens.one": "position {position}: {token}; right answer {right}, the model answers {said}", "tokens.silent": "position {position}: {token}; no answer counts here",

  "part.x": "x", "part.q": "q", "part.k": "k", "part.v": "v", "part.scores": "scores", "part.scaled": "scaled", "part.weights": "weights", "part.context": "context", "part.answers": "answer",
  "term.x": "input", "term.same": "= x", "term.score": "{score}(q, k)", "term.weights": "softmax", "term.context": "weights · v", "term.answers": "probability", "term.scaled": "before softmax", "term.added": " + bias",
  pipelineLabel: "From x to the answer for query {query} at step {step}; arrow keys move over its numbers.",
  noAnswer: "no answer counts here",
  "cell.vector": "{part} of {token}: {values}", "cell.context": "context of {token}, the values mixed by their weights: {values}",
  "cell.scores": "q of {query} · k of {key}{sum} = {value}", "cell.scaled": "{query} to {key}: score {scores}, scaled {value}",
  "cell.weights": "{query} gives {value} of its attention to {key}", "cell.hidden": "{key} is hidden from {query}", "cell.notFinite": "{query} to {key}: NaN or infinite",
  "cell.map": "query {query} gives {share} of its attention to key {key}", "cell.matrix": "{name}, {row}, {column}: {value} ({view})",

  "attention.only": "Query {query} sees {key} alone.",
  "attention.notFinite": "The scores of query {query} are NaN or infinite.",
  "attention.first": "At step 0 nothing is learned yet: query {query} leans to {key}, {value} against {otherValue} for {other}.",
  "attention.changed": "Query {query} now prefers {key}: {value} against {otherValue} for {other}.",
  "attention.still": "Query {query} prefers {key}: {value} against {otherValue} for {other}; {share} of its attention.",
  "attention.plain": "Query {query} prefers {key}: {value} against {otherValue} for {other}.",
  noTrace: "This run kept the attention map alone. Runs that are trained now also keep x, q, k, v, the scores and the context.",
  noTraceHere: "Of this input the attention map alone was kept. The first input has x, q, k, v, the scores and the context.",
  noInput: "This run kept no input in its frames, so that attention cannot be shown.",
  "table.title": "The numbers of the stage as a table", "table.query": "Query {query} at step {step}", "table.key": "key", "table.part": "part", "table.values": "values",
  "answer.none": "Query {query}: no answer counts here.",
  "answer.right": "The model answers {said}, with {share}: right.", "answer.right.plain": "The model answers {said}: right.",
  "answer.wrong": "The model answers {said}, with {share}; right is {right}, which has {rightShare}.", "answer.wrong.plain": "The model answers {said}; right is {right}.",
  "matrices.none": "No matrices here: queries, keys and values are x itself.", "matrices.noGradient": "No gradient was kept before this step.", "matrices.noValue": "The matrices were not kept at this step.",
  "matrices.start": "Step 0: the matrices are as they were drawn.", "matrices.noOther": "nothing else", "matrices.notFinite": "The matrices are NaN or infinite here.",
  "matrices.weights": "{name} changed most: by {size} times its first length; {others}.", "matrices.change": "{name} changed most: by {size} times its first length; {others}.",
  "matrices.gradient": "The gradient is largest at {name}: {size}; {others}.", "matrices.delta": "{name} moves most: by {size}; {others}.",
  matrixSwitch: "What of the matrices is shown", "view.weights": "W", "view.change": "change since step 0", "view.gradient": "gradient", "view.delta": "Δ to the next frame",
  gauge: "main directions", gaugeTitle: "W_Q and W_K turned to their main directions: the same scores, with orthogonal columns sorted by their part in them",
  matrixLabel: "{name}, {view}, {rows} × {columns}, at step {step}; arrow keys move from cell to cell.",
  mapTitle: "weights", noMap: "This run kept no attention map of this head.", mapAxes: "query down, key across", mapAxesBlocks: "query down, key across; each cell is the mean of {block}",
  mapLabel: "Attention map, {rows} × {columns}, at step {step}; arrow keys move, Enter pins the query.",
  mapLabelLast: "Attention map, {rows} × {columns}, at the last step; arrow keys move.",
  "plane.exact": "q and k in their plane", "plane.shadow": "q and k projected to a plane that keeps {kept}", "plane.label": "Queries and keys as arrows at step {step}; q of {query}: {values}",
  "timeline.label": "Step of the training", "timeline.value": "step {step}", "timeline.first": "step {step}", "timeline.loss": "loss", "timeline.accuracy": "accuracy", "timeline.shown": "··· here",

  "worked.title": "Query {query}, key {key}, by hand:", "worked.softmax": "exp {value} / ({terms}) = {top} / {sum} = {share}",

  "beats.title": "{n} of 7: {title}", "beats.dot": "Beat {n}: {title}", "beats.back": "Back", "beats.next": "Next", "beats.replay": "Replay", "beats.skip": "Skip",
  "beat.batch": "the batch", "beat.projections": "q, k and v", "beat.scores": "scores", "beat.mixture": "softmax · v", "beat.loss": "the loss", "beat.gradients": "gradients reach W", "beat.update": "W + Δ",
  "beat.batch.line": "Step {step}. A batch of {n} examples comes in; this input stands for them.",
  "beat.batch.many": "Steps {step} to {next}. {steps} batches of {n} examples each come in; this input stands for them.",
  "beat.projections.line": "q of {query} is {before}, {when} {after}.", "beat.projections.plain": "Each x becomes a query, a key and a value.",
  "beat.scores.line": "{query} compares its q with every k: for {key} that gives {before}, {when} {after}.", "beat.scores.plain": "Each query is compared with every key.",
  "beat.mixture.line": "Softmax makes shares of the scores: {key} gets {before}, {when} {after}. The values are mixed by them.", "beat.mixture.plain": "Softmax makes shares of the scores, and mixes the values by them.",
  "beat.loss.line": "The right answer {answer} has {share}: a loss of {loss} here.{all}", "beat.loss.plain": "The answers are compared with the right ones.{all}", "beat.loss.all": " Over the batch of step {at}: {loss}.",
  "beat.gradients.line": "The error goes back through v, the weights, k and q. Lengths of the gradients{which}: {sizes}.", "beat.gradients.last": " of the last step", "beat.gradients.plain": "The error goes back to W. This run kept no gradients.",
  "beat.update.line": "The optimizer moves each matrix against its gradient, here by {steps}: {sizes}.{fall}", "beat.update.plain": "The optimizer moves each matrix against its gradient.", "beat.update.loss": " The batch of step {first} had a loss of {before}, that of step {last} has {after}.",

  "columns.step": "step {step}", "columns.last": "last step", "chapter.first": "Step {step}: nothing is learned yet.", "chapter.loss": "Step {step}: loss {loss}",
  headName: "head {head}", headOfLayer: "head {head} of layer {layer}",
};

function say(key, values = {}) {
  return TEXTS[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}
