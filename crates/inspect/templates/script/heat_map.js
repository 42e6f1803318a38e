// A heat map: `picture` has rows, columns, names of both, a palette, a range, and values that change. Its cells can be
// pointed at, and reached with the arrow keys. One that is sparse is empty where a value is NaN.
class HeatMap {
  constructor(place, picture) {
    // What the caption says of the whole axis is not repeated beside every cell.
    this.beside = picture.beside ?? [picture.rowNames, picture.columnNames].map((texts) => texts.map((text) => text.replace(/^(query|key|seen|next) (token|position) /, "")));
    const wide = place.clientWidth > 200 ? place.clientWidth : 480;
    Object.assign(this, { labels: false, largest: 28, isSparse: false, written: number, chosen: () => {} }, picture, { cell: null, space: wide });
    this.canvas = make("canvas", { role: "img", tabindex: "0" });
    this.where = make("p", { class: "where", "aria-live": "polite" }, "Point at a cell, or move to it with the arrow keys.");
    this.bar = make("canvas", { width: "144", height: "12", "aria-hidden": "true" });
    const middle = this.palette === "diverging" ? ["0"] : [];
    const scale = make("span", { class: "scale" }, this.bar, ...middle.map((text) => make("span", { class: "middle" }, text)));
    this.caption = make("figcaption");
    this.table = make("div");
    this.details = make("details", {}, make("summary", {}, "Values as a table"), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    place.append(make("figure", {}, this.caption, this.canvas, make("div", { class: "bar" }, this.written(this.low), scale, this.written(this.high)), this.where, this.details));
    this.canvas.addEventListener("pointermove", (event) => this.point(event));
    this.canvas.addEventListener("pointerleave", () => this.choose(null));
    this.canvas.addEventListener("blur", () => this.choose(null));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.measure();
  }
  measure() {
    const context = this.canvas.getContext("2d");
    context.font = `bold ${this.font()}`;
    const widest = (texts) => Math.ceil(texts.reduce((most, text) => Math.max(most, context.measureText(cut(text)).width), 0)) + 6;
    this.side = this.labels ? widest(this.beside[0]) : 0;
    this.head = this.labels ? widest(this.beside[1]) : 0;
    const room = Math.min(480, this.space) - this.side;
    const fitting = Math.min(this.largest, Math.max(1, Math.min(room / this.columns, 480 / this.rows)));
    // Whole pixels where a cell has several; the cells of a large map share pixels.
    this.size = fitting > 3 ? Math.floor(fitting) : fitting;
    this.width = Math.ceil(this.side + this.columns * this.size + 1);
    this.height = Math.ceil(this.head + this.rows * this.size + 1);
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = this.width * ratio;
    this.canvas.height = this.height * ratio;
    this.canvas.style.width = `${this.width}px`;
  }
  font() { return "12px system-ui, sans-serif"; }
  show(values, caption, described) {
    this.values = values;
    this.caption.replaceChildren(...caption);
    this.canvas.setAttribute("aria-label", described);
    this.draw();
    this.say();
    this.tabulate();
  }
  draw() {
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    const { side, head, size, rows, columns } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.imageSmoothingEnabled = false;
    context.drawImage(pixels(this.values, rows, columns, this.palette, this.low, this.high), side, head, columns * size, rows * size);
    if (this.isSparse) this.values.forEach((x, i) => Number.isNaN(x) && context.clearRect(side + (i % columns) * size, head + Math.floor(i / columns) * size, size, size));
    if (this.palette === "diverging" && size >= 8) this.drawSigns(context);
    if (this.largest >= 40 && size >= 40) this.drawNumbers(context);
    context.strokeStyle = "#80808080";
    context.strokeRect(side + 0.5, head + 0.5, columns * size, rows * size);
    if (this.labels) this.drawLabels(context);
    if (this.cell) this.drawCell(context);
    const bar = this.bar.getContext("2d");
    for (let x = 0; x < 144; x++) {
      bar.fillStyle = colour(this.palette, x / 143);
      bar.fillRect(x, 0, 1, 12);
    }
  }
  // A short stroke in every cell that is clearly negative.
  drawSigns(context) {
    const [light, black] = [colour("diverging", 0.5), "#000000"];
    this.values.forEach((x, i) => {
      if (!(x < -0.1 * this.high)) return;
      const [row, column] = [Math.floor(i / this.columns), i % this.columns];
      context.fillStyle = -x > 0.5 * this.high ? light : black;
      context.fillRect(this.side + (column + 0.3) * this.size, this.head + (row + 0.5) * this.size - 0.5, this.size * 0.4, 1);
    });
  }
  // Where a cell has room for it, its number.
  drawNumbers(context) {
    Object.assign(context, { font: this.font(), textAlign: "center", textBaseline: "middle" });
    this.values.forEach((x, i) => {
      if (!Number.isFinite(x)) return;
      context.fillStyle = inkOn(this.palette, this.high === this.low ? 0.5 : (x - this.low) / (this.high - this.low));
      context.fillText(number(x), this.side + ((i % this.columns) + 0.5) * this.size, this.head + (Math.floor(i / this.columns) + 0.5) * this.size);
    });
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
    context.textBaseline = "middle";
    const every = Math.ceil(12 / size);
    const style = (isChosen) => {
      context.fillStyle = ink();
      context.font = `${isChosen ? "bold " : ""}${this.font()}`;
    };
    context.textAlign = "right";
    for (let row = 0; row < this.rows; row += every) {
      style(this.cell && this.cell[0] === row);
      context.fillText(cut(this.beside[0][row]), side - 4, head + (row + 0.5) * size);
    }
    context.textAlign = "left";
    for (let column = 0; column < this.columns; column += every) {
      style(this.cell && this.cell[1] === column);
      context.save();
      context.translate(side + (column + 0.5) * size, head - 4);
      context.rotate(-Math.PI / 2);
      context.fillText(cut(this.beside[1][column]), 0, 0);
      context.restore();
    }
  }
  point(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.width / box.width;
    const column = Math.floor(((event.clientX - box.left) * scale - this.side) / this.size);
    const row = Math.floor(((event.clientY - box.top) * scale - this.head) / this.size);
    const inside = row >= 0 && column >= 0 && row < this.rows && column < this.columns;
    this.choose(inside ? [row, column] : null);
  }
  key(event) {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const [row, column] = this.cell ?? [-move[0], -move[1]];
    const within = (x, most) => Math.min(Math.max(x, 0), most - 1);
    this.choose([within(row + move[0], this.rows), within(column + move[1], this.columns)]);
  }
  choose(cell) {
    if (String(cell) === String(this.cell)) return;
    this.cell = cell;
    this.draw();
    this.say();
    this.chosen(cell);
  }
  say() {
    if (!this.cell) return;
    const [row, column] = this.cell;
    this.where.textContent = this.describe(row, column, this.values[row * this.columns + column]);
  }
  tabulate() {
    if (!this.details.open) return;
    const rows = this.rowNames.map((title, row) => [title, ...Array.from(this.values.subarray(row * this.columns, (row + 1) * this.columns), (x) => (this.isSparse && Number.isNaN(x) ? "–" : number(x)))]);
    this.table.replaceChildren(table(["", ...this.columnNames], rows));
  }
}
