// The main directions of W_Q and W_K are any order and any signs of the same columns: of a frame that comes alone they are
// made those of the frame before, as the frames of a recorded film are when it is read.
const CODE_NOT_FINITE = -32768;

// `matrices` are W_Q and W_K of one head in the balanced gauge, `n` is the frame that has come.
function alignGauge(matrices, n) {
  const isWhole = ({ block, frames }) => block[0] * block[1] === 1 && frames[n] && !frames[n].factor_limits;
  const before = matrices[0]?.frames.findLastIndex((frame, i) => frame && i < n) ?? -1;
  if (matrices.length !== 2 || before < 0 || !matrices.every((matrix) => isWhole(matrix) && matrix.frames[before])) return;
  const source = likestColumns(matrices.map((matrix) => [cellsOf(matrix, matrix.frames[before]), cellsOf(matrix, matrix.frames[n]), matrix.cells]));
  if (source.every(({ column, sign }, i) => column === i && sign > 0)) return;
  // A frame of its own, so that nothing is remembered of the other order.
  for (const matrix of matrices) matrix.frames[n] = { ...matrix.frames[n], data: [matrix.frames[n].data].flat().map((data) => withColumnsFrom(data, source)) };
}

// For each column of before, which of now is to take its place, and with which sign: the pair that is most alike first.
function likestColumns(pairs) {
  const n = pairs[0][2][1];
  const likeness = new Float64Array(n * n);
  for (const [before, now, [rows, columns]] of pairs) {
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) likeness[i * n + j] += before[row * columns + i] * now[row * columns + j];
    }
  }
  const order = Array.from(likeness.keys()).sort((a, b) => Math.abs(likeness[b]) - Math.abs(likeness[a]) || a - b);
  const source = Array(n).fill(null);
  const taken = new Set();
  for (const at of order) {
    const [i, column] = [Math.floor(at / n), at % n];
    if (source[i] !== null || taken.has(column)) continue;
    taken.add(column);
    source[i] = { column, sign: likeness[at] < 0 ? -1 : 1 };
  }
  return source;
}

// Cells of 16 bits in another order of columns, with other signs.
function withColumnsFrom(data, source) {
  const letters = atob(data);
  const code = (i) => ((letters.charCodeAt(2 * i) | (letters.charCodeAt(2 * i + 1) << 8)) << 16) >> 16;
  let text = "";
  for (let i = 0; i < letters.length / 2; i++) {
    const { column, sign } = source[i % source.length];
    const moved = code(i - (i % source.length) + column);
    const signed = moved === CODE_NOT_FINITE ? moved : sign * moved;
    text += String.fromCharCode(signed & 255, (signed >> 8) & 255);
  }
  return btoa(text);
}
