// How things are put into words.
const at = (id) => document.getElementById(id);

// All text goes through here, so that no token becomes markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// Four significant digits, as in the terminal.
function number(x) {
  if (x === null || Number.isNaN(x)) return say("notFiniteNumber");
  if (x === 0) return "0";
  const size = Math.abs(x);
  return size < 0.001 || size >= 10000 ? x.toExponential(3) : x.toPrecision(4);
}
// Three significant digits at most, for a cell.
function brief(x) {
  if (!Number.isFinite(x)) return "–";
  const size = Math.abs(x);
  const text = size >= 1000 || (size > 0 && size < 0.001) ? x.toExponential(0) : size >= 100 ? x.toFixed(0) : size >= 10 ? x.toFixed(1) : x.toFixed(2);
  if (Number(text) === 0) return size < 0.001 ? "0" : text.replace("-", "");
  return text.replace("-", "−");
}
// The same in a sentence, where what is small keeps two digits.
const amount = (x) => (Math.abs(x) < 0.1 && Math.abs(x) >= 0.001 ? Number(x.toPrecision(2)).toString().replace("-", "−") : brief(x));
// A line does not break before the sign.
const percent = (share) => `${(100 * share).toFixed(1)}\u00a0%`;
const cut = (text, most = 14) => (Array.from(text).length > most ? `${Array.from(text).slice(0, most - 1).join("")}…` : text);

// Writing from the right does not turn the sentence around it.
const isolated = (label) => (/^[ -~]*$/.test(label) ? label : `\u2068${label}\u2069`);

// Names of the cells along one axis, where a cell may stand for a block. `labels` has a word for every row or column
// of the matrix itself, or is empty.
function names(axis, labels, cells, block, size) {
  const one = (i) => (labels.length === size ? `${i}: ${labels[i]}` : `${axis} ${i}`);
  return Array.from({ length: cells }, (_, i) => {
    const [first, last] = [i * block, Math.min((i + 1) * block, size) - 1];
    return first === last ? one(first) : say("axis.block", { axis, first, last });
  });
}

// A table with row names; what is long scrolls.
function table(columns, rows) {
  const head = make("tr", {}, ...columns.map((title) => make("th", { scope: "col" }, title)));
  const line = ([title, ...cells]) => make("tr", {}, make("th", { scope: "row" }, title), ...cells.map((cell) => make("td", {}, cell)));
  return make("div", { class: "scroll", tabindex: "0" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows.map(line))));
}

// Numbers with bars that show the same.
function bars(title, unit, rows, most) {
  const line = ([words, value, text]) => {
    const bar = make("span");
    bar.style.width = `${most > 0 ? (100 * value) / most : 0}%`;
    return make("tr", {}, make("th", { scope: "row" }, words), make("td", {}, text), make("td", { class: "amount", "aria-hidden": "true" }, bar));
  };
  const head = make("tr", {}, make("th", { scope: "col" }, title), make("th", { scope: "col" }, unit));
  return make("table", { class: "values" }, make("thead", {}, head), make("tbody", {}, ...rows.map(line)));
}

// Decoded numbers by the frame that they belong to; forgotten when they become many.
let decoded = new Map();
let nDecoded = 0;
function remembered(key, compute) {
  if (!decoded.has(key)) {
    if (nDecoded > 8e6) [decoded, nDecoded] = [new Map(), 0];
    const values = compute();
    decoded.set(key, values);
    nDecoded += values.length;
  }
  return decoded.get(key);
}

// Numbers of 16 bits, of which the largest is the limit and the least is NaN or infinite.
function decode(text, limit) {
  const bytes = atob(text);
  const values = new Float32Array(bytes.length / 2);
  for (let i = 0; i < values.length; i++) {
    const code = bytes.charCodeAt(2 * i) | (bytes.charCodeAt(2 * i + 1) << 8);
    const q = (code << 16) >> 16;
    values[i] = q === -32768 ? NaN : (q / 32767) * limit;
  }
  return values;
}

// The largest magnitude of all frames, so that growth is seen; it is computed again once frames have come.
const largest = new WeakMap();
function limitOf(frames) {
  const known = largest.get(frames);
  if (known && known.n === frames.length && known.last === frames.at(-1)) return known.limit;
  const limit = frames.reduce((most, frame) => Math.max(most, frame?.limit ?? 0), 0);
  largest.set(frames, { n: frames.length, last: frames.at(-1), limit });
  return limit;
}

// The same of a matrix, whose frames may share one limit.
const scaleOf = (matrix) => limitOf(matrix.frames) || matrix.limit || 0;

// The cells of a matrix in one frame; some come as two factors, which are smaller than their product.
function cellsOf(matrix, frame) {
  return remembered(frame, () => {
    const limits = frame.factor_limits ?? matrix.factor_limits;
    if (!limits) return decode([frame.data].flat()[0], frame.limit ?? matrix.limit ?? 1);
    const [left, right] = frame.data.map((data, i) => decode(data, limits[i]));
    const [rows, columns] = matrix.cells;
    const inner = left.length / rows;
    const product = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < inner; i++) {
        const factor = left[row * inner + i];
        for (let column = 0; column < columns; column++) product[row * columns + column] += factor * right[i * columns + column];
      }
    }
    return product;
  });
}
const mapOf = (frame) => cellsOf({ limit: 1 }, frame);
