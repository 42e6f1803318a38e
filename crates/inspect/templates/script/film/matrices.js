// W_Q, W_K, W_V and W_O, what they do together, and how training moved them.
const chosenLayer = () => film.layers.find((layer) => layer.name === state.layer);
const chosenHead = () => chosenLayer()?.heads[state.head];

// The gauge, or the reason why the model has no balanced one.
function gaugeInWords() {
  if (!chosenHead()) return "";
  if (film.no_gauge) return say("gauge.impossible", { why: film.no_gauge });
  return say(state.gauge ? "gauge.balanced" : "gauge.trained");
}

function shownMatrices() {
  const head = chosenHead();
  if (!head) return [];
  const balanced = (matrix) => (state.gauge ? head.balanced.find((one) => one.name === matrix.name) : null);
  return head.raw.map((matrix) => balanced(matrix) ?? matrix);
}

// Tokens by their labels, everything else by its number.
function matrixNames(matrix, i) {
  const [axis, size, block] = [matrix.axes[i], matrix.size[i], matrix.block[i]];
  const some = i === 1 ? (matrix.column_tokens ?? []).map((token) => film.vocabulary[token]) : [];
  const tokens = some.length ? some : film.vocabulary;
  const isTokens = axis.endsWith("token") && tokens.length === size && block === 1;
  return isTokens ? tokens.map((label) => `${axis} ${label}`) : names(axis, [], matrix.cells[i], block, size);
}

// One picture of a matrix; the returned function shows it at the current step.
function buildMatrix(matrix, place, isCircuit) {
  const called = [0, 1].map((i) => matrixNames(matrix, i));
  const [rows, columns] = matrix.cells;
  const limit = scaleOf(matrix);
  const isBlocks = matrix.block[0] * matrix.block[1] > 1;
  const map = new HeatMap(place, {
    rows, columns, palette: "diverging", low: -limit, high: limit,
    labels: isCircuit && rows <= 48 && columns <= 48, rowNames: called[0], columnNames: called[1],
    describe: (row, column, x) => `${matrix.name}, ${called[0][row]}, ${called[1][column]}: ${number(x)}${isBlocks ? say("matrix.largest") : ""}`,
  });
  const singular = make("div");
  const isOpen = !isCircuit;
  place.append(make("details", isOpen ? { open: "" } : {}, make("summary", {}, say("matrix.singular")), singular));
  const missing = make("p", { class: "hint" }, say("matrix.notKept", { name: matrix.name }));
  place.prepend(missing);
  return () => {
    const frame = matrix.frames[state.frame];
    missing.hidden = Boolean(frame);
    for (const child of place.children) if (child !== missing) child.hidden = !frame;
    if (!frame) return;
    const moved = isCircuit || frame.moved === null ? "" : say("matrix.moved", { size: number(frame.moved) });
    const blocks = isBlocks ? say("matrix.blocks", { block: matrix.block.join(" × ") }) : "";
    const facts = say("matrix.facts", { rows: matrix.size[0], columns: matrix.size[1], down: matrix.axes[0], across: matrix.axes[1], norm: number(frame.norm), moved, blocks });
    map.show(cellsOf(matrix, frame), [make("h3", {}, ...formula(matrix.name)), ...prose(facts)], say("matrix.label", { name: matrix.name, step: film.frames[state.frame].step, facts }));
    const most = Math.max(...matrix.frames.map((one) => one?.singular_values[0] ?? 0), 1e-300);
    singular.replaceChildren(bars("", say("matrix.singularValue"), frame.singular_values.map((value, i) => [`σ ${i + 1}`, value, number(value)]), most));
  };
}

function buildMatrices(place, matrices, isCircuit) {
  // All places first: how wide one is depends on how many there are.
  const places = matrices.map(() => make("div"));
  place.append(...places);
  return matrices.map((matrix, i) => buildMatrix(matrix, places[i], isCircuit));
}

// Gradients, updates and singular values of the chosen head over all steps.
function buildChanges(place) {
  const head = chosenHead();
  if (!head) return () => {};
  const all = [];
  const add = (title, series) => {
    if (series.some(([, values]) => values.some((x) => Number.isFinite(x)))) all.push(new Curves(place, title, series, go));
  };
  add(say("changes.gradient"), head.flows.map((flow) => [flow.name, flow.gradient]));
  add(say("changes.update"), head.flows.map((flow) => [flow.name, flow.update]));
  for (const matrix of head.raw.slice(0, 3)) {
    const value = (i) => matrix.frames.map((frame) => frame?.singular_values[i] ?? null);
    const last = matrix.frames.findLast((frame) => frame);
    add(say("changes.singular", { name: matrix.name }), last.singular_values.slice(0, 4).map((_, i) => [`σ ${i + 1}`, value(i)]));
  }
  if (!all.length) place.append(make("p", {}, say("changes.none")));
  return () => all.forEach((curves) => curves.show(state.frame));
}
