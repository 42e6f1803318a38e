// From x to the answer for one query: a row for each key, a column for each product, on one canvas with headings above.
const GAP = 14;
const NUMBER_CELL = 62;
// A strip is seen from this width on, that of the context is as wide as its formula, and the numbers of few cells are read
// where each has one of these.
const LEAST_STRIP = 34;
const LEAST_CONTEXT = 56;
const CELLS_OF_STRIP = [44, 37];
const MOST_IN_STRIP = 4;
// Rows below this height are not read; the keys with the least attention are then left out.
const LEAST_ROW = 16;
const HEADING = 48;
const ANSWER_ROW = 24;
// Where a short vocabulary has no such rows for all, they are lower before one of them is left out.
const LEAST_ANSWER_ROW = 17;
const MOST_ANSWERS = 8;
// Pixels of a row below its bar, on both sides of the middle.
const BELOW_BAR = 10;
// The line that counts those of a longer one.
const ANSWERS_NOTE = 16;
// The width of a letter of a formula above a column, and of the sizes below it.
const LETTER = 6;
const LETTER_OF_SHAPE = 6.65;
// What the last row says of the keys that have none.
const MORE_KEYS = 130;
// Its place among the rows of the keys.
const QUERY_ROW = -1;

class Pipeline {
  constructor(place, { pointed, said }) {
    Object.assign(this, { said, cell: null, lit: null, guessed: null });
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.words = make("div", { class: "headings" });
    this.root = make("div", { class: "pipeline" }, this.canvas, this.words);
    place.append(this.root);
    const cellAt = (event) => {
      const box = this.canvas.getBoundingClientRect();
      // A page that is zoomed has other pixels than the canvas.
      const scale = this.width / (box.width || this.width);
      this.choose(this.find((event.clientX - box.left) * scale, (event.clientY - box.top) * scale));
      pointed();
    };
    this.canvas.addEventListener("pointermove", cellAt);
    this.canvas.addEventListener("pointerdown", cellAt);
    this.canvas.addEventListener("pointerleave", () => this.choose(null));
    this.canvas.addEventListener("blur", () => this.choose(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }
  // Places for everything, in a space of so many pixels.
  layOut(moment, width, height, below, tallest) {
    const has = (name) => moment.has(name);
    const count = (name) => moment.size(name)[1];
    const kinds = [moment.inputOfKeys, "k", "scores", "scaled", "weights", "v", "context", "answers"].filter(has);
    const label = Math.min(84, 30 + 8 * Math.max(...moment.tokens.map((token) => Array.from(token).length), 1));
    const strips = kinds.filter((kind) => ["x", "s", "k", "v", "context"].includes(kind));
    const answers = has("answers") ? (width < 740 ? 108 : 138) : 0;
    const mixing = has("v") && has("context") ? 34 : 0;
    const taken = label + answers + mixing + NUMBER_CELL * kinds.filter((kind) => ["scores", "scaled", "weights"].includes(kind)).length + GAP * (kinds.length + 1);
    // What strips do not need the others get.
    const least = (kinds) => kinds.reduce((sum, kind) => sum + (kind === "context" ? LEAST_CONTEXT : LEAST_STRIP), 0);
    const wants = Object.fromEntries(strips.map((kind) => [kind, Math.max(least([kind]), count(kind) * 48)]));
    let room = Math.max(width - taken, least(strips));
    const widths = {};
    for (const kind of [...strips].sort((a, b) => wants[a] - wants[b])) {
      const left = strips.filter((other) => !(other in widths));
      const most = room - least(left.filter((other) => other !== kind));
      const numbers = count(kind) <= MOST_IN_STRIP ? CELLS_OF_STRIP.map((cell) => cell * count(kind)).find((wide) => wide <= most) : 0;
      widths[kind] = Math.floor(Math.min(wants[kind], most, Math.max(room / left.length, least([kind]), numbers ?? 0)));
      room -= widths[kind];
    }
    // The labels of the answers stand beside its formula.
    if (widths.context && answers) widths.context = Math.max(widths.context, termOf(moment, "context").length * LETTER - GAP + 2);
    let x = label + GAP;
    this.columns = kinds.map((kind) => {
      if (kind === "context") x += mixing;
      const own = widths[kind] ?? (kind === "answers" ? answers : NUMBER_CELL);
      const column = { kind, x, width: own, n: widths[kind] ? count(kind) : 1 };
      x += own + GAP;
      return column;
    });
    this.queryTop = has("q") || has("x") ? HEADING : 0;
    const above = this.queryTop ? 2 * HEADING + 6 : HEADING;
    const n = moment.nKeys;
    const nRows = n + (this.queryTop ? 1 : 0);
    // Below few keys, the plane has its room.
    const most = Math.min(Math.max((height - above - 6 - below) / nRows, 28), tallest);
    this.rowHeight = Math.max(LEAST_ROW, Math.floor(Math.min(most, (height - above - 6) / nRows)));
    this.keysTop = above + (this.queryTop ? this.rowHeight : 0);
    this.most = Math.max(2, Math.min(n, Math.floor((height - this.keysTop - 6) / this.rowHeight)));
    this.label = label;
    this.width = Math.max(Math.ceil(x - GAP + 2), this.most < n ? MORE_KEYS + NUMBER_CELL : 0);
    this.height = this.keysTop + this.most * this.rowHeight + 6;
    this.ratio = Math.max(window.devicePixelRatio || 1, 2);
    this.canvas.width = this.width * this.ratio;
    this.canvas.height = this.height * this.ratio;
    this.canvas.style.width = `${this.width}px`;
    this.root.style.width = `${this.width}px`;
    this.root.style.height = `${this.height}px`;
    // They stand around the middle of the keys; the last bar ends before its row does, but not what is said below it.
    const tall = (below) => Math.min(this.height - HEADING - 6, 2 * (this.height - this.middle()) + below);
    const known = answers ? moment.size("answers")[1] : 0;
    const isShort = known > 0 && known <= MOST_ANSWERS;
    this.answerRow = isShort ? Math.max(LEAST_ANSWER_ROW, Math.min(ANSWER_ROW, Math.floor(tall(BELOW_BAR) / known))) : ANSWER_ROW;
    const fitting = (room) => (answers ? Math.min(known, Math.max(2, Math.floor(room / this.answerRow)), MOST_ANSWERS) : 0);
    this.nAnswers = fitting(tall(BELOW_BAR));
    const note = this.nAnswers < known ? ANSWERS_NOTE : 0;
    if (note) this.nAnswers = fitting(tall(0) - note);
    this.answersTop = Math.max(HEADING + 4, this.middle() - (this.nAnswers * this.answerRow + note) / 2);
    this.head(moment);
    return this.height;
  }
  column(kind) { return this.columns.find((column) => column.kind === kind); }
  // Formula and shape above each column.
  head(moment) {
    // Answers have a row for each position of the input, of which those of queries are meant.
    const sizeOf = (name) => (name === "answers" ? [moment.nQueries, moment.size(name)[1]] : moment.size(name));
    // As short as the column is narrow.
    const shape = (name, most) => [`[${sizeOf(name).join(" × ")}]`, sizeOf(name).join("×")].find((one, i) => i || one.length * LETTER_OF_SHAPE <= most);
    const box = (kind, name, left, top, width, part) => {
      // Beside q and the answers there is room; of the others each ends before the column beside it.
      const most = ["q", "answers"].includes(name) ? Infinity : width + GAP - 2;
      const terms = [termOf(moment, name), shortTermOf(moment, name)].filter(Boolean);
      const term = terms.find((one) => one.length * LETTER <= most) ?? terms.at(-1);
      const element = make("div", { class: "heading", "data-part": part }, make("span", { class: "name" }, ...formula(say(`part.${name}`))), make("span", { class: "term" }, ...formula(term)), make("span", { class: "shape" }, shape(name, most)));
      Object.assign(element.style, { left: `${left}px`, top: `${top}px`, minWidth: `${width}px`, maxWidth: most < Infinity ? `${most}px` : "" });
      return element;
    };
    const all = this.columns.map(({ kind, x, width }) => {
      const top = ["x"].includes(kind) ? 0 : this.keysTop - HEADING;
      if (kind === "context") return box(kind, kind, x, this.middle() - this.rowHeight / 2 - HEADING, width, kind);
      if (kind === "answers") return box(kind, kind, x, this.answersTop - HEADING - 2, width, kind);
      return box(kind, kind, x, top, width, kind === "s" ? "x" : kind);
    });
    // Above that of the keys stand those of the query.
    const [k, s] = [this.column("k"), this.column("s")];
    if (k && moment.has("q")) all.push(box("q", "q", k.x, 0, k.width, "q"));
    if (s && moment.has("x")) all.push(box("x", "x", s.x, 0, s.width, "x"));
    this.words.replaceChildren(...all);
  }
  middle() { return this.keysTop + (this.most * this.rowHeight) / 2; }
  // Which keys have a row; the others share the last one.
  keys(moment, query) {
    const n = moment.nKeys;
    const all = Array.from({ length: n }, (_, i) => i);
    if (n <= this.most) return { shown: all, rest: [] };
    const row = moment.row("weights", query) ?? new Float32Array(n);
    const kept = new Set([...all].sort((a, b) => (row[b] || 0) - (row[a] || 0)).slice(0, this.most - 1));
    return { shown: all.filter((i) => kept.has(i)), rest: all.filter((i) => !kept.has(i)) };
  }
  // The tokens that have a bar, of a row of probabilities, and what is said of the others. The target has the last place
  // where it is none of the best.
  answers(row, target) {
    const shown = Array.from(row.keys()).sort((a, b) => row[b] - row[a]).slice(0, this.nAnswers);
    const isAdded = target >= 0 && !shown.includes(target);
    if (isAdded) shown[shown.length - 1] = target;
    // All of a short vocabulary keep their places.
    if (row.length <= this.nAnswers) return { shown: shown.sort((a, b) => a - b), note: "" };
    return { shown, note: say(!isAdded ? "answers.best" : this.moment.isWritten ? "answers.bestAndWritten" : "answers.bestAndRight", { n: shown.length - Number(isAdded), all: row.length }) };
  }
  // `guessed` is the key at which a reader expects the query to look, or null.
  show(moment, query, lit, guessed = null) {
    Object.assign(this, { moment, query, lit, guessed });
    const { shown, rest } = this.keys(moment, query);
    this.shown = shown;
    for (const heading of this.words.children) heading.classList.toggle("dim", Boolean(lit) && !lit.has(heading.dataset.part));
    const context = this.canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    new PipelineDrawing(this, context).draw(shown, rest);
    this.canvas.setAttribute("aria-label", say("pipelineLabel", { query: moment.queryName(query), step: moment.step }));
    if (this.cell) this.tell();
  }
  find(x, y) {
    const row = Math.floor((y - this.keysTop) / this.rowHeight);
    const column = this.columns.findIndex((one) => x >= one.x - GAP / 2 && x < one.x + one.width + GAP / 2);
    if (this.ofQuery().includes(column) && y >= this.queryTop && y < this.queryTop + this.rowHeight) return [QUERY_ROW, column];
    return row >= 0 && row < (this.shown?.length ?? 0) && column >= 0 ? [row, column] : null;
  }
  key(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (!this.cell) return this.choose([0, 0]);
    const within = (i, least, most) => Math.min(Math.max(i, least), most);
    const [row, column] = this.cell;
    const own = this.ofQuery();
    const next = within(row + move[0], own.length ? QUERY_ROW : 0, this.shown.length - 1);
    if (next !== QUERY_ROW) return this.choose([next, within(column + move[1], 0, this.columns.length - 1)]);
    // Above the keys there are x and q alone.
    const nearest = own.reduce((best, one, i) => (Math.abs(one - column) < Math.abs(own[best] - column) ? i : best), 0);
    this.choose([QUERY_ROW, own[row === QUERY_ROW ? within(nearest + move[1], 0, own.length - 1) : nearest]]);
  }
  // The columns in which the query has a vector of its own.
  ofQuery() {
    const own = ["x", "s", ...(this.moment?.has("q") ? ["k"] : [])];
    return this.queryTop ? this.columns.flatMap(({ kind }, i) => (own.includes(kind) ? [i] : [])) : [];
  }
  choose(cell) {
    if (String(cell) === String(this.cell)) return;
    this.cell = cell;
    if (this.moment) this.show(this.moment, this.query, this.lit, this.guessed);
  }
  tell() {
    const [row, column] = this.cell;
    const { kind } = this.columns[column] ?? {};
    if (!kind) return;
    if (row === QUERY_ROW) this.said(inNumbers(this.moment, this.query, this.query, kind === "k" ? "q" : "x"));
    else if (row < this.shown.length) this.said(inNumbers(this.moment, this.query, this.shown[row], kind));
  }
}
