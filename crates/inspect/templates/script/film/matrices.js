// W_Q, W_K, W_V and W_O, what they do together, and how training moved them.
const chosenLayer = () => film.layers.find((layer) => layer.name === state.layer);
const chosenHead = () => chosenLayer()?.heads[state.head];

// The gauge, or the reason why the model has no balanced one.
function gaugeInWords() {
  if (!chosenHead()) return "";
  if (film.no_gauge) return `W_Q and W_K as they were trained. There is no balanced gauge here: ${film.no_gauge}.`;
  if (!state.gauge) return "W_Q and W_K as they were trained. For every invertible A, W_Q A and W_K A⁻ᵀ give the same scores, so that single columns mean little by themselves; the balanced gauge chooses one of these pairs.";
  return "W_Q and W_K in the balanced gauge: of all pairs W_Q A, W_K A⁻ᵀ with the same scores, the one with orthogonal columns, equally long in both, from the singular value decomposition of W_Q W_Kᵀ. Sorted by their part in the scores at the first frame, then kept. The attention map is the same. W_V and W_O as they were trained.";
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
    describe: (row, column, x) => `${matrix.name}, ${called[0][row]}, ${called[1][column]}: ${number(x)}${isBlocks ? " (largest of its block)" : ""}`,
  });
  const singular = make("div");
  const isOpen = !isCircuit;
  place.append(make("details", isOpen ? { open: "" } : {}, make("summary", {}, "Singular values"), singular));
  const missing = make("p", { class: "hint" }, `${matrix.name} was not kept at this step.`);
  place.prepend(missing);
  return () => {
    const frame = matrix.frames[state.frame];
    missing.hidden = Boolean(frame);
    for (const child of place.children) if (child !== missing) child.hidden = !frame;
    if (!frame) return;
    const moved = isCircuit || frame.moved === null ? "" : `, moved by ${number(frame.moved)} times its first length`;
    const blocks = isBlocks ? `; each cell is a block of ${matrix.block.join(" × ")}` : "";
    const facts = ` ${matrix.size[0]} × ${matrix.size[1]}, ${matrix.axes[0]} down, ${matrix.axes[1]} across; norm ${number(frame.norm)}${moved}${blocks}`;
    map.show(cellsOf(matrix, frame), [make("h3", {}, ...formula(matrix.name)), ...prose(facts)], `${matrix.name} at step ${film.frames[state.frame].step}:${facts}. Values in the table below.`);
    const most = Math.max(...matrix.frames.map((one) => one?.singular_values[0] ?? 0), 1e-300);
    singular.replaceChildren(bars("", "singular value", frame.singular_values.map((value, i) => [`σ ${i + 1}`, value, number(value)]), most));
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
  add("Gradient: ‖d(loss)/dW‖", head.flows.map((flow) => [flow.name, flow.gradient]));
  add("Update to weight: ‖ΔW‖ / ‖W‖ of one step", head.flows.map((flow) => [flow.name, flow.update]));
  for (const matrix of head.raw.slice(0, 3)) {
    const value = (i) => matrix.frames.map((frame) => frame?.singular_values[i] ?? null);
    const last = matrix.frames.findLast((frame) => frame);
    add(`Largest singular values of ${matrix.name}`, last.singular_values.slice(0, 4).map((_, i) => [`σ ${i + 1}`, value(i)]));
  }
  if (!all.length) place.append(make("p", {}, "This run kept no gradients."));
  return () => all.forEach((curves) => curves.show(state.frame));
}
