// Cells of a matrix on a canvas: coloured, with numbers where they have room, reached with the pointer and the arrow keys.
// `picture` has rows, columns, names of both, a palette and a range. One that is sparse is empty where a value is NaN.
class Cells {
  constructor(picture) {
    // What the caption says of the whole axis is not repeated beside every cell.
    this.beside = picture.beside ?? [picture.rowNames, picture.columnNames].map((texts) => texts.map((text) => text.replace(/^(query|key|seen|next) (token|position) /, "")));
    Object.assign(this, { silent: [], labels: false, largest: 56, isSparse: false, written: number, inCell: brief, room: 36, chosen: () => {}, picked: () => {}, fitted: () => {}, marked: null, marks: null, guessed: null, isRinged: false, width: 480, height: 480 }, picture, { cell: null });
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.choose(null));
    this.canvas.addEventListener("blur", () => this.choose(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("click", () => this.cell && this.picked(this.cell));
  }
  // How large the cells are in a space of so many pixels.
  fit(width, height) {
    const context = this.canvas.getContext("2d");
    context.font = `bold ${this.font()}`;
    const widest = (texts) => Math.ceil(texts.reduce((most, text) => Math.max(most, context.measureText(cut(text)).width), 0)) + 6;
    // Short names stand upright.
    this.isUpright = this.beside[1].every((text) => Array.from(text).length < 4);
    this.isSingle = this.beside[1].every((text) => Array.from(text).length < 2);
    this.side = this.labels ? widest(this.beside[0]) : 0;
    this.head = this.labels ? (this.isUpright ? 18 : widest(this.beside[1])) : 0;
    const fitting = Math.min(this.largest, Math.max(1, Math.min((width - this.side - 1) / this.columns, (height - this.head - 1) / this.rows)));
    // Whole pixels where a cell has several; the cells of a large map share pixels.
    this.size = fitting > 3 ? Math.floor(fitting) : fitting;
    this.width = Math.ceil(this.side + this.columns * this.size + 1);
    this.height = Math.ceil(this.head + this.rows * this.size + 1);
    this.ratio = Math.max(window.devicePixelRatio || 1, 2);
    this.canvas.width = this.width * this.ratio;
    this.canvas.height = this.height * this.ratio;
    this.canvas.style.width = `${this.width}px`;
    this.fitted();
  }
  font() { return "12px system-ui, sans-serif"; }
  show(values, described) {
    this.values = values;
    this.canvas.setAttribute("aria-label", described);
    this.draw();
    this.say();
  }
  draw() {
    const context = this.canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    this.paint(context);
    if (this.cell) this.drawCell(context);
  }
  // Everything but the cell that is pointed at. A picture of vectors has a rectangle for every value.
  paint(context) {
    const { side, head, size, rows, columns } = this;
    if (context.isVector) this.paintCells(context);
    else {
      context.imageSmoothingEnabled = false;
      context.drawImage(pixels(this.values, rows, columns, this.palette, this.low, this.high), side, head, columns * size, rows * size);
    }
    if (this.isSparse) this.values.forEach((x, i) => Number.isNaN(x) && context.clearRect(side + (i % columns) * size, head + Math.floor(i / columns) * size, size, size));
    this.silent.forEach((isSilent, row) => {
      if (!isSilent) return;
      context.fillStyle = faint();
      context.fillRect(side, head + row * size, columns * size, size);
    });
    const areNumbers = size >= this.room;
    if (areNumbers) this.drawNumbers(context);
    if (this.palette === "diverging" && size >= 8 && !areNumbers) this.drawSigns(context);
    context.strokeStyle = "#80808080";
    context.strokeRect(side + 0.5, head + 0.5, columns * size, rows * size);
    if (this.isRinged && size >= 12) this.drawRings(context);
    if (this.marks) this.drawMarks(context);
    if (this.labels) this.drawLabels(context);
    if (this.marked !== null) this.drawRow(context, this.marked);
    if (this.guessed) this.drawGuess(context, ...this.guessed);
  }
  paintCells(context) {
    this.values.forEach((x, i) => {
      context.fillStyle = colour(this.palette, this.high === this.low ? 0.5 : (x - this.low) / (this.high - this.low));
      context.fillRect(this.side + (i % this.columns) * this.size, this.head + Math.floor(i / this.columns) * this.size, this.size, this.size);
    });
  }
  // A corner that is cut off, dark within light, which is seen on every colour.
  drawGuess(context, row, column) {
    const { side, head, size } = this;
    drawCorner(context, side + column * size + 1, head + row * size + 1, Math.min(Math.max(size * 0.32, 7), 14));
  }
  // A short stroke in every cell that is clearly negative.
  drawSigns(context) {
    this.values.forEach((x, i) => {
      if (!(x < -0.1 * this.high)) return;
      const [row, column] = [Math.floor(i / this.columns), i % this.columns];
      context.fillStyle = inkOn("diverging", 0.5 + x / this.high / 2);
      context.fillRect(this.side + (column + 0.3) * this.size, this.head + (row + 0.5) * this.size - 0.5, this.size * 0.4, 1);
    });
  }
  // Where a cell has room for it, its number.
  drawNumbers(context) {
    // Within the ring of the largest one.
    const letters = this.values.reduce((most, x) => Math.max(most, Number.isFinite(x) ? this.inCell(x).length : 0), 1);
    const pixels = pixelsOfNumber(this.size < 36 ? 10 : 12, letters, this.size - 4, this.size);
    Object.assign(context, { font: mono(pixels), textAlign: "center", textBaseline: "middle" });
    this.values.forEach((x, i) => {
      if (!Number.isFinite(x)) return;
      context.fillStyle = this.silent[Math.floor(i / this.columns)] ? ink() : inkOn(this.palette, this.high === this.low ? 0.5 : (x - this.low) / (this.high - this.low));
      context.fillText(this.inCell(x), this.side + ((i % this.columns) + 0.5) * this.size, this.head + (Math.floor(i / this.columns) + 0.5) * this.size);
    });
  }
  // Around the largest value of each row, where it is the only one.
  drawRings(context) {
    context.lineWidth = 1.5;
    for (let row = 0; row < this.rows; row++) {
      if (this.silent[row]) continue;
      const values = this.values.subarray(row * this.columns, (row + 1) * this.columns);
      const column = winnerOf(values);
      if (column === null) continue;
      context.strokeStyle = inkOn(this.palette, (values[column] - this.low) / (this.high - this.low || 1));
      context.strokeRect(this.side + column * this.size + 2.5, this.head + row * this.size + 2.5, this.size - 4, this.size - 4);
    }
    context.lineWidth = 1;
  }
  // A corner of each cell that was changed by hand.
  drawMarks(context) {
    const length = Math.max(Math.min(this.size * 0.35, 12), 4);
    for (const i of this.marks) {
      const [right, top] = [this.side + ((i % this.columns) + 1) * this.size, this.head + Math.floor(i / this.columns) * this.size];
      context.beginPath();
      for (const [x, y] of [[right - length, top], [right, top], [right, top + length]]) context.lineTo(x, y);
      context.closePath();
      context.fillStyle = "#000000";
      context.fill();
      context.strokeStyle = "#ffffff";
      context.stroke();
    }
  }
  // The row that is pinned.
  drawRow(context, row) {
    context.strokeStyle = tone("q");
    context.lineWidth = 2;
    context.strokeRect(this.side + 1, this.head + row * this.size + 1, this.columns * this.size - 1, this.size - 1);
    context.lineWidth = 1;
  }
  // Black within white, which is seen on every colour.
  drawCell(context) {
    const { side, head, size, cell: [row, column] } = this;
    for (const [style, width] of [["#ffffff", 3], ["#000000", 1]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.strokeRect(side + 0.5, head + row * size + 0.5, this.columns * size, size);
      context.strokeRect(side + column * size + 0.5, head + 0.5, size, this.rows * size);
      context.lineWidth = width + 1;
      context.strokeRect(side + column * size + 1, head + row * size + 1, Math.max(size - 1, 1), Math.max(size - 1, 1));
    }
    context.lineWidth = 1;
  }
  drawLabels(context) {
    const { side, head, size } = this;
    // The least size that is read.
    const every = Math.ceil(11 / size);
    const font = size < 12 ? this.font().replace("12px", "11px") : this.font();
    const style = (isChosen) => {
      context.fillStyle = ink();
      context.font = `${isChosen ? "bold " : ""}${font}`;
    };
    Object.assign(context, { textBaseline: "middle", textAlign: "right" });
    for (let row = 0; row < this.rows; row += every) {
      style((this.cell?.[0] ?? this.marked) === row);
      if (this.silent[row]) context.fillStyle = tone("quiet");
      context.fillText(cut(this.beside[0][row]), side - 4, head + (row + 0.5) * size);
    }
    context.textAlign = this.isUpright ? "center" : "left";
    for (let column = 0; column < this.columns; column += this.isUpright ? Math.ceil((this.isSingle ? 11 : 24) / size) : every) {
      style(this.cell && this.cell[1] === column);
      context.save();
      context.translate(side + (column + 0.5) * size, head - (this.isUpright ? 9 : 4));
      if (!this.isUpright) context.rotate(-Math.PI / 2);
      context.fillText(cut(this.beside[1][column]), 0, 0);
      context.restore();
    }
  }
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    // Within its border.
    const { clientLeft, clientTop, clientWidth } = this.canvas;
    const scale = this.width / clientWidth;
    const column = Math.floor(((event.clientX - box.left - clientLeft) * scale - this.side) / this.size);
    const row = Math.floor(((event.clientY - box.top - clientTop) * scale - this.head) / this.size);
    const inside = row >= 0 && column >= 0 && row < this.rows && column < this.columns;
    this.choose(inside ? [row, column] : null);
  }
  key(event) {
    if (event.key === "Enter" && this.cell) {
      event.preventDefault();
      event.stopPropagation();
      return this.picked(this.cell);
    }
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, column] = this.cell ?? [-move[0], -move[1]];
    const within = (x, most) => Math.min(Math.max(x, 0), most - 1);
    this.choose([within(row + move[0], this.rows), within(column + move[1], this.columns)]);
  }
  choose(cell) {
    if (String(cell) === String(this.cell)) return;
    this.cell = cell;
    if (this.values) this.draw();
    this.say();
    this.chosen(cell);
  }
  // What the cell is, for `said`, which a picture may have.
  say() {
    if (!this.cell || !this.said || !this.values) return;
    const [row, column] = this.cell;
    this.said(this.describe(row, column, this.values[row * this.columns + column]));
  }
}

// Values of a row that differ by less than their 16 bits tell apart are equal.
const SAME_SHARE = 2 ** -14;
// Where the values of a row are that equal the largest one; none where no value is a number.
function largestIn(values) {
  const finite = Array.from(values.keys()).filter((i) => Number.isFinite(values[i]));
  const most = finite.reduce((largest, i) => Math.max(largest, values[i]), -Infinity);
  const size = finite.reduce((largest, i) => Math.max(largest, Math.abs(values[i])), 0);
  return finite.filter((i) => most - values[i] <= SAME_SHARE * size);
}
// Where the largest value is; null where several equal it, so that none is before all others.
function winnerOf(values) {
  const all = largestIn(values);
  return all.length === 1 ? all[0] : null;
}

// The mark of what a reader expects, on the map and beside it.
function drawCorner(context, x, y, size) {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(x + size, y);
  context.lineTo(x, y + size);
  context.closePath();
  Object.assign(context, { fillStyle: "#000000", strokeStyle: "#ffffff", lineWidth: 3 });
  context.stroke();
  context.fill();
  context.lineWidth = 1;
}
