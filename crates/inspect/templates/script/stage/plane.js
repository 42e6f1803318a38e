// Queries and keys as arrows in a plane: exact where d_k is 2, otherwise their shadow on the two directions in which those
// of the last frame differ most, with the share of their length that it keeps.
// Pixels of a side, below which arrows are not told apart.
const LEAST_PLANE = 120;
const rowsOf = (moment, name) => Array.from({ length: moment.size(name)[0] }, (_, i) => moment.row(name, i));
const areFinite = (values) => values.every(Number.isFinite);

class Plane {
  constructor(place) {
    this.canvas = make("canvas", { role: "img" });
    this.words = make("figcaption");
    this.root = make("figure", { class: "plane part", "data-part": "q" }, this.canvas, this.words);
    place.append(this.root);
  }
  // The two directions, once for a head and an input, so that they stand still while training moves the arrows.
  static basis(moment) {
    const width = moment.size("q")[1];
    if (width === 2) return { axes: [[1, 0], [0, 1]], kept: 1 };
    const last = moment.at(moment.film.frames.length - 1);
    const rows = ["q", "k"].flatMap((name) => rowsOf(last, name)).filter(areFinite);
    const axes = [];
    for (let n = 0; n < 2; n++) {
      let axis = Array.from({ length: width }, (_, i) => Math.sin(1 + i + n));
      for (let round = 0; round < 60; round++) {
        const next = new Array(width).fill(0);
        for (const row of rows) {
          const along = row.reduce((sum, x, i) => sum + x * axis[i], 0);
          row.forEach((x, i) => (next[i] += along * x));
        }
        for (const other of axes) {
          const along = next.reduce((sum, x, i) => sum + x * other[i], 0);
          other.forEach((x, i) => (next[i] -= along * x));
        }
        const length = Math.hypot(...next) || 1;
        axis = next.map((x) => x / length);
      }
      axes.push(axis);
    }
    const square = (values) => values.reduce((sum, x) => sum + x * x, 0);
    const kept = rows.reduce((sum, row) => sum + square(axes.map((axis) => row.reduce((total, x, i) => total + x * axis[i], 0))), 0);
    return { axes, kept: kept / (rows.reduce((sum, row) => sum + square(row), 0) || 1) };
  }
  layOut(moment, side) {
    this.side = side;
    this.isShown = side >= LEAST_PLANE && moment.has("q") && moment.has("k") && moment.size("q")[1] >= 2 && moment.size("q")[1] === moment.size("k")[1];
    this.root.hidden = !this.isShown;
    if (!this.isShown) return;
    this.basis = Plane.basis(moment);
    this.limit = 1e-9;
    for (let frame = 0; frame < moment.film.frames.length; frame++) {
      // A frame may have none, as those of an older run that went on.
      const other = moment.at(frame);
      for (const name of ["q", "k"]) for (const row of other.has(name) ? rowsOf(other, name) : []) this.grow(this.shadow(row));
    }
    const ratio = Math.max(window.devicePixelRatio || 1, 2);
    this.canvas.width = this.canvas.height = side * ratio;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    this.ratio = ratio;
  }
  // Not by what is NaN.
  grow(shadow) {
    const length = Math.hypot(...shadow);
    if (length > this.limit) this.limit = length;
  }
  shadow(row) { return this.basis.axes.map((axis) => row.reduce((sum, x, i) => sum + x * axis[i], 0)); }
  show(moment, query) {
    if (!this.isShown) return;
    const context = this.canvas.getContext("2d");
    const middle = this.side / 2;
    // A live run may grow beyond what was known.
    const shadows = Object.fromEntries(["q", "k"].map((name) => [name, rowsOf(moment, name).map((row) => this.shadow(row))]));
    for (const shadow of [...shadows.q, ...shadows.k]) this.grow(shadow);
    const scale = (middle - 16) / this.limit;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.side, this.side);
    context.strokeStyle = tone("line");
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(0, middle);
    context.lineTo(this.side, middle);
    context.moveTo(middle, 0);
    context.lineTo(middle, this.side);
    for (const part of [0.5, 1]) {
      context.moveTo(middle + part * (middle - 16), middle);
      context.arc(middle, middle, part * (middle - 16), 0, 7);
    }
    context.stroke();
    const arrow = (name, i, isBold) => {
      const [x, y] = shadows[name][i];
      if (!areFinite([x, y])) return;
      const [toX, toY] = [middle + x * scale, middle - y * scale];
      context.strokeStyle = context.fillStyle = tone(name);
      context.globalAlpha = isBold ? 1 : 0.3;
      context.lineWidth = isBold ? 2.5 : 1.5;
      context.setLineDash(DASHED[name]);
      context.beginPath();
      context.moveTo(middle, middle);
      context.lineTo(toX, toY);
      context.stroke();
      context.setLineDash([]);
      const turn = Math.atan2(-y, x);
      context.beginPath();
      for (const side of [0, 2.6, -2.6]) context.lineTo(toX + (side ? 8 * Math.cos(turn + side) : 0), toY + (side ? 8 * Math.sin(turn + side) : 0));
      context.fill();
      if (isBold) {
        context.font = `bold ${MONO}`;
        Object.assign(context, { textAlign: "center", textBaseline: "middle" });
        const far = Math.hypot(x, y) * scale + 10;
        const label = cut((name === "q" ? moment.queryTokens : moment.keyTokens)[i] ?? String(i), 3);
        context.fillText(label, middle + Math.min(far, middle - 6) * Math.cos(turn), middle + Math.min(far, middle - 6) * Math.sin(turn));
      }
      context.globalAlpha = 1;
    };
    shadows.q.forEach((_, i) => i !== query && arrow("q", i, false));
    shadows.k.forEach((_, i) => arrow("k", i, true));
    arrow("q", query, true);
    const isExact = moment.size("q")[1] === 2;
    this.words.replaceChildren(...formula(isExact ? say("plane.exact") : say("plane.shadow", { kept: percent(this.basis.kept) })));
    this.canvas.setAttribute("aria-label", say("plane.label", { query: moment.queryName(query), values: vectorInWords(moment.row("q", query)), step: moment.step }));
  }
}
