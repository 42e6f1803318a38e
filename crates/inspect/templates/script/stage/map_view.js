// Pixels of a cell that holds a share with two digits, and of one that holds a difference, which has a sign.
const SHARE_CELL = 30;
const DIFFERENCE_CELL = 38;

// The attention map beside the pipeline; a click or Enter pins the query of a row.
class MapView {
  constructor(place, { pinned, pointed, said }) {
    // `past` gives the values of a map at a step that a reader compares with, as { step, values }, or null.
    Object.assign(this, { pinned, pointed, said, past: () => null, isDifference: null });
    this.title = make("h2", { class: "panel-title" });
    this.hint = make("p", { class: "axes" });
    this.spot = make("div", { class: "map-spot" });
    this.scale = make("div", { class: "small-scale", "aria-hidden": "true" });
    this.root = make("section", { class: "panel map part", "data-part": "weights" }, make("div", { class: "panel-head" }, this.title, this.scale), this.spot, this.hint);
    place.append(this.root);
  }
  layOut(moment, width, height) {
    const { map } = moment;
    this.title.replaceChildren(...formula(say("mapTitle")), make("span", { class: "shape" }, map ? `[${map.size.join(" × ")}]` : ""));
    if (!map || map.frames.every((frame) => !frame)) {
      this.cells = null;
      this.spot.replaceChildren(make("p", { class: "hint" }, say("noMap")));
      this.scale.replaceChildren();
      this.hint.textContent = "";
      return;
    }
    const labels = mapLabels(moment.probe, map);
    const called = mapNames(moment.probe, map);
    const short = (label) => (isBetweenTwo(map) ? label : cut(label, BESIDE));
    const beside = [0, 1].map((axis) => (map.block[axis] === 1 && labels[axis].length ? labels[axis].map(short) : called[axis]));
    const silent = map.block[0] === 1 ? moment.silentRows() : [];
    this.axes = axesInWords(moment.film, map.layer, map.block) + (silent.includes(true) ? say("mapSilent") : "");
    // A map of the same rows and columns stays where it is, since it may have the focus.
    const drawn = JSON.stringify([map.cells, map.block, called, beside, silent]);
    if (!this.cells || drawn !== this.drawn) {
      this.drawn = drawn;
      this.draw(map, { rowNames: called[0], columnNames: called[1], beside, silent });
    }
    this.cells.fit(width, height);
    // The scale beside it has the colours of the screen, which may be others now.
    this.isDifference = null;
  }
  draw(map, { rowNames, columnNames, beside, silent }) {
    this.cells = new Cells({
      silent,
      rows: map.cells[0], columns: map.cells[1], palette: "sequential", low: 0, high: 1, labels: map.cells[0] <= 64, rowNames, columnNames, beside, largest: 96, room: SHARE_CELL, inCell: (x) => x.toFixed(2), isRinged: true, said: this.said,
      describe: (row, column, x) => say(this.isDifference ? "cell.mapDifference" : "cell.map", { query: rowNames[row], key: columnNames[column], share: percent(x) }) + (silent[row] ? say("cell.silent") : ""),
      chosen: (cell) => this.pointed(cell === null ? null : cell[0] * map.block[0]),
      picked: ([row, column]) => this.pinned(row * map.block[0], column * map.block[1]),
    });
    this.spot.replaceChildren(this.cells.canvas);
  }
  show(moment, query, guess = null) {
    if (!this.cells) return;
    const { map } = moment;
    const kept = moment.keptAt(map);
    const frame = map.frames[kept];
    const step = frame ? moment.film.frames[kept].step : moment.step;
    const past = frame ? this.past(map) : null;
    this.scaled(past !== null);
    // A frame may have no map: that before it is shown, and said to be.
    this.hint.textContent = this.axes + (!frame ? say("mapLater") : kept === moment.frame ? "" : say("mapOfStep", { step })) + (frame ? paleInWords(mapOf(frame)) : "");
    this.cells.marked = Math.floor(query / map.block[0]);
    this.cells.guessed = guess && [Math.floor(guess.query / map.block[0]), Math.floor(guess.key / map.block[1])];
    if (past) {
      this.hint.textContent = say("mapDifference", { step: past.step });
      return this.cells.show(mapOf(frame).map((x, i) => x - past.values[i]), say("mapDifferenceLabel", { rows: map.size[0], columns: map.size[1], step, past: past.step }));
    }
    this.cells.show(frame ? mapOf(frame) : new Float32Array(map.cells[0] * map.cells[1]), say("mapLabel", { rows: map.size[0], columns: map.size[1], step }));
  }
  // Shares of attention, or by how much they have changed.
  scaled(isDifference) {
    if (isDifference === this.isDifference) return;
    this.isDifference = isDifference;
    const [palette, low] = isDifference ? ["diverging", -1] : ["sequential", 0];
    Object.assign(this.cells, { palette, low, room: isDifference ? DIFFERENCE_CELL : SHARE_CELL, isRinged: !isDifference, inCell: isDifference ? (x) => (Math.abs(x) < 0.005 ? "0" : `${x > 0 ? "+" : "−"}${Math.abs(x).toFixed(2)}`) : (x) => x.toFixed(2) });
    this.scale.replaceChildren(...scaleBar(palette, ...(isDifference ? ["−1", "+1"] : ["0", "1"])));
  }
}

// Shares that are all below this one look white.
const PALE = 0.04;
function paleInWords(shares) {
  const most = shares.reduce((largest, x) => (x > largest ? x : largest), 0);
  return most > 0 && most < PALE ? say("mapPale", { share: percent(most) }) : "";
}
