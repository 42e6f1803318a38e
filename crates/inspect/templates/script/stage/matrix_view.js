// W_Q, W_K, W_V and W_O of a head: their values, their change since step 0, or the gradient of the step before.
const MATRIX_VIEWS = ["weights", "change", "gradient"];
const IDENTITY = { W_Q: "q", W_K: "k", W_V: "v" };

class MatrixView {
  constructor(place, { changed, said }) {
    Object.assign(this, { view: "weights", isBalanced: false, changed, said, after: null });
    this.title = make("h2", { class: "panel-title" });
    this.switch = make("div", { class: "segments", role: "radiogroup", "aria-label": say("matrixSwitch") });
    this.choices = MATRIX_VIEWS.map((view) => {
      const choice = make("button", { type: "button", role: "radio", "data-view": view }, ...prose(say(`view.${view}`)));
      choice.addEventListener("click", () => this.choose(view));
      choice.addEventListener("keydown", (event) => this.key(event, view));
      return choice;
    });
    this.switch.append(...this.choices);
    this.gauge = make("input", { type: "checkbox" });
    this.gauge.addEventListener("change", () => this.changed({ gauge: this.gauge.checked }));
    this.gaugeLabel = make("label", { class: "gauge", title: say("gaugeTitle") }, this.gauge, say("gauge"));
    this.row = make("div", { class: "matrix-row" });
    this.scale = make("div", { class: "small-scale", "aria-hidden": "true" });
    this.words = make("p", { class: "sentence" });
    this.root = make("section", { class: "panel matrices part", "data-part": "matrices" }, make("div", { class: "panel-head" }, this.switch), this.row, make("div", { class: "panel-foot" }, this.gaugeLabel, this.scale), this.words);
    place.append(this.root);
  }
  key(event, view) {
    const move = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const n = MATRIX_VIEWS.length;
    const next = (MATRIX_VIEWS.indexOf(view) + move + n) % n;
    this.choose(MATRIX_VIEWS[next]);
    this.choices[next].focus();
  }
  choose(view) { this.changed({ view }); }
  // The cells of a view at a frame, null where the film has none.
  static values(matrix, view, frame, after) {
    const here = matrix.frames[frame];
    if (view === "gradient") {
      const gradient = (after === null || after === undefined ? here : matrix.frames[after])?.gradient;
      return gradient ? cellsOf(matrix, gradient) : null;
    }
    if (!here) return null;
    if (view === "weights") return cellsOf(matrix, here);
    const [from, to] = view === "delta" ? [here, matrix.frames[after]] : [matrix.frames.find((one) => one), here];
    if (!to) return null;
    const [first, last] = [from, to].map((one) => cellsOf(matrix, one));
    return last.map((x, i) => x - first[i]);
  }
  // How long a matrix is in a view; a picture in blocks has another length than the gradient itself.
  static length(matrix, view, frame, after) {
    const norm = view === "gradient" ? matrix.frames[after ?? frame]?.gradient?.norm : null;
    const values = MatrixView.values(matrix, view, frame, after);
    return Number.isFinite(norm) ? norm : values ? Math.sqrt(values.reduce((sum, x) => sum + x * x, 0)) : NaN;
  }
  // The largest magnitude of a view in all frames so far: one scale for all matrices of a head.
  static limit(matrices, view, frame, after) {
    const ofMatrix = (matrix) => {
      if (view === "weights") return scaleOf(matrix);
      if (view === "gradient") return matrix.frames.reduce((most, one) => Math.max(most, one?.gradient?.limit ?? 0), 0);
      if (view === "delta") return largestOf(MatrixView.values(matrix, view, frame, after));
      return matrix.frames.reduce((most, _, i) => Math.max(most, changeOf(matrix, i)), 0);
    };
    return Math.max(...matrices.map(ofMatrix), 1e-12);
  }
  // The matrices of a head in the gauge that is chosen; gradients exist for those that were trained alone.
  matrices(moment) {
    const head = moment.layer?.heads[moment.head];
    const balanced = (matrix) => (this.isBalanced && this.view === "weights" ? head.balanced.find(({ name }) => name === matrix.name) : null);
    return (head?.raw ?? []).map((matrix) => balanced(matrix) ?? matrix);
  }
  // Canvases for these matrices, in so many pixels. Those that are there stay, since one of them may have the focus.
  layOut(moment, width, height) {
    const matrices = this.matrices(moment);
    const drawn = JSON.stringify(matrices.map(({ name, axes, cells, block, size }) => [name, axes, cells, block, size]));
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      this.pictures = matrices.map((matrix) => this.picture(matrix));
      this.row.replaceChildren(...this.pictures.map(({ figure }) => figure));
    }
    // One size of cells for all, as large as there is room.
    const wide = (width - 16 * matrices.length) / Math.max(matrices.reduce((sum, { cells }) => sum + cells[1], 0), 1);
    const tall = (height - 44) / Math.max(...matrices.map(({ cells }) => cells[0]), 1);
    for (const { cells } of this.pictures) {
      cells.largest = Math.min(wide, tall, 44);
      cells.fit(width, height);
    }
  }
  picture(matrix) {
    const [rows, columns] = matrix.cells;
    const called = [0, 1].map((i) => names(matrix.axes[i], [], matrix.cells[i], matrix.block[i], matrix.size[i]));
    const cells = new Cells({ rows, columns, palette: "diverging", low: -1, high: 1, rowNames: called[0], columnNames: called[1], said: this.said,
      describe: (row, column, x) => say("cell.matrix", { name: matrix.name, row: called[0][row], column: called[1][column], value: number(x), view: say(`view.${this.shown}`) }) });
    const identity = IDENTITY[matrix.name];
    const figure = make("figure", { class: `matrix ${identity ? `frame-${identity}` : "frame"}` }, make("figcaption", {}, ...formula(matrix.name), make("span", { class: "shape" }, `[${matrix.size.join(" × ")}]`)), cells.canvas);
    return { matrix, cells, figure };
  }
  show(moment, { view, gauge, after }) {
    const isMoved = this.view !== view || this.isBalanced !== gauge;
    Object.assign(this, { view, isBalanced: gauge });
    if (isMoved && this.space) this.layOut(moment, ...this.space);
    this.shown = after === null ? view : this.view;
    this.choices.forEach((choice) => {
      const isChosen = choice.dataset.view === view;
      choice.setAttribute("aria-checked", String(isChosen));
      choice.tabIndex = isChosen || (view === "delta" && choice.dataset.view === "weights") ? 0 : -1;
    });
    this.gaugeLabel.hidden = view !== "weights" || !this.matrices(moment).length || Boolean(moment.film.no_gauge);
    this.gauge.checked = gauge;
    const matrices = this.matrices(moment);
    this.root.classList.toggle("empty", !matrices.length);
    const limit = matrices.length ? Math.max(...[moment, ...moment.beside].map((one) => MatrixView.limit(this.matrices(one), view, one.frame, after))) : 0;
    for (const picture of this.pictures ?? []) {
      // A film that is cut has other matrices of the same names.
      picture.matrix = matrices.find(({ name }) => name === picture.matrix.name) ?? picture.matrix;
      const { matrix, cells, figure } = picture;
      const values = MatrixView.values(matrix, view, moment.frame, after);
      picture.isKept = Boolean(values);
      Object.assign(cells, { low: -limit, high: limit });
      figure.classList.toggle("hatched", view === "gradient" || view === "delta");
      cells.show(values ?? new Float32Array(matrix.cells[0] * matrix.cells[1]), say("matrixLabel", { name: matrix.name, view: say(`view.${view}`), rows: matrix.size[0], columns: matrix.size[1], step: moment.step }));
    }
    this.scale.replaceChildren(...(limit ? scaleBar("diverging", amount(-limit), amount(limit)) : []));
    const words = [matricesInWords(moment, view, after), absentInWords(moment)].filter(Boolean);
    this.words.replaceChildren(...prose(words.join(" ")));
  }
}

const largestOf = (values) => (values ? values.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0) : 0);

// The largest change since the first frame, once for each frame; a live film may lose frames between.
const changes = new WeakMap();
function changeOf(matrix, index) {
  const frame = matrix.frames[index];
  if (!frame) return 0;
  if (!changes.has(frame)) changes.set(frame, largestOf(MatrixView.values(matrix, "change", index)));
  return changes.get(frame);
}

// A bar of colours between two numbers.
function scaleBar(palette, low, high) {
  const bar = make("span", { class: "colours" });
  const stops = Array.from({ length: 9 }, (_, i) => colour(palette, i / 8));
  bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  return [low, bar, high];
}
