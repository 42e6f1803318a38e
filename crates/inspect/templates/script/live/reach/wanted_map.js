// An attention map that the reader draws, and what the model would do with it. Nothing is changed by it.
const MAP_PRESETS = {
  diagonal: (query, key) => query === key,
  "anti-diagonal": (query, key, n) => query + key === n - 1,
  previous: (query, key) => key === Math.max(query - 1, 0),
  uniform: () => true,
};

class WantedMap {
  constructor() {
    Object.assign(this, { isOn: false, raw: null, isSent: false, next: null, key: "", isStale: false, isPainting: false });
    this.button = reachMode(this, "m", say("wanted.button"), say("wanted.buttonTitle"));
    this.brush = make("input", { type: "range", name: "brush-weight", min: "0", max: "1", step: "0.1", value: "1", class: "brush-range" });
    const amountOf = make("output", {}, "1");
    this.brush.addEventListener("input", () => (amountOf.textContent = this.brush.value));
    const button = (name, action) => {
      const element = make("button", { type: "button", id: `wanted-${name}`, class: "plain" }, say(`wanted.${name}`));
      element.addEventListener("click", action);
      return element;
    };
    const presets = Object.entries(MAP_PRESETS).map(([name, isOn]) => button(name, () => this.fill((query, key, n) => (isOn(query, key, n) ? 1 : 0))));
    this.tools = [make("label", { class: "brush-label" }, say("wanted.brush"), this.brush, amountOf), ...presets, button("own", () => this.fillOwn()), button("clear", () => this.fill(() => 0))];
    this.frame = make("div", { class: "wanted-frame" });
  }
  toggle() {
    if (this.isOn) this.leave();
    else this.enter();
  }
  get map() { return live.stage.moment.map; }
  enter() {
    const { map } = this;
    if (!map) return said(say("noMap"));
    // A source of another length has another alignment.
    if (map.queries) return said(say("wanted.ofPair"));
    if (map.block.some((n) => n > 1)) return said(say("wanted.large", { n: map.size[0] }));
    this.isOn = true;
    reachCard.open(this, "wanted");
    this.isStale = true;
    seek(live.film.frames.length - 1);
  }
  leave() {
    this.isOn = false;
    this.frame.remove();
    live.stage?.map.root.classList.remove("is-wanting");
    reachCard.close();
    this.shown();
  }
  began() {
    this.isSent = false;
    this.next = this.raw = null;
    if (this.isOn) this.leave();
  }
  grown() { this.isStale = true; }
  switched() { this.isStale = true; }
  played(isPlaying) {
    if (this.isOn && isPlaying) reachCard.say(say("wanted.playing"));
    else if (this.isOn && this.isStale) this.ask();
  }
  shown() {
    const head = live.stage?.map.root.querySelector(".panel-head");
    if (head && this.button.parentNode !== head) this.scaleOf(head).before(this.button);
    this.button.setAttribute("aria-pressed", String(this.isOn));
    if (!this.isOn) return;
    const n = this.map?.size[0];
    if (!n || !live.stage.map.cells) return this.leave();
    if (this.raw?.length !== n * n) this.raw = new Float32Array(n * n);
    this.build(n);
    this.draw();
    const key = [live.lane, state.layer, state.head, state.probe].join();
    if (key !== this.key) this.isStale = true;
    this.key = key;
    if (this.isStale && !live.isPlaying) this.ask();
  }
  scaleOf(head) { return head.querySelector(".small-scale") ?? head; }
  // Cells of the size of the model's own map, in its place.
  build(n) {
    const { root, cells: own } = live.stage.map;
    root.classList.add("is-wanting");
    if (this.frame.parentNode !== root) live.stage.map.spot.after(this.frame);
    // Every frame comes here, and few have another map or another size.
    const size = [own.width, own.height].join();
    if (this.own === own && this.size === size && this.frame.firstChild) return;
    Object.assign(this, { own, size });
    const { labels, rowNames, columnNames, beside } = own;
    const drawn = JSON.stringify([n, labels, rowNames, columnNames, beside]);
    if (this.drawn !== drawn) {
      this.drawn = drawn;
      this.cells = new Cells({
        rows: n, columns: n, palette: "sequential", low: 0, high: 1, labels, rowNames, columnNames, beside, inCell: (x) => x.toFixed(2), isSparse: true, isRinged: true,
        said: (text) => (live.stage.where.textContent = text),
        describe: (row, column, x) => say(Number.isNaN(x) ? "wanted.cellOwn" : "wanted.cell", { query: rowNames[row], key: columnNames[column], share: percent(x) }),
      });
      this.listen(this.cells.canvas);
    }
    this.cells.largest = own.largest;
    this.cells.fit(own.width, own.height);
    if (this.frame.firstChild !== this.cells.canvas) this.frame.replaceChildren(this.cells.canvas);
  }
  listen(canvas) {
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      this.isPainting = true;
      this.paint();
    });
    canvas.addEventListener("pointermove", () => this.isPainting && this.paint());
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (this.isPainting = false));
    canvas.addEventListener("keydown", (event) => this.press(event));
  }
  press(event) {
    const { cell } = this.cells;
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (!cell) return;
    if (event.key === "Enter") this.type(cell);
    else if (["Delete", "Backspace"].includes(event.key)) this.set(cell, 0);
    else if (/^[0-9.,]$/.test(event.key)) this.type(cell, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
  type(cell, character) {
    const names = { query: this.cells.rowNames[cell[0]], key: this.cells.columnNames[cell[1]] };
    const text = String(Number(this.raw[cell[0] * this.cells.columns + cell[1]].toFixed(3)));
    cellField.open(this.cells, this.frame, cell, { label: say("wanted.field", names), text, typed: (value) => this.set(cell, Math.min(Math.max(value, 0), 1)) });
    if (character) cellField.begin(character);
  }
  paint() {
    const { cell } = this.cells;
    if (cell) this.set(cell, Number(this.brush.value));
  }
  isHidden(query, key) { return new Moment(live.film, { ...state, probe: 0 }).isHidden(query, key); }
  set([query, key], weight) {
    const i = query * this.cells.columns + key;
    if (this.raw[i] === weight) return;
    if (weight > 0 && this.isHidden(query, key)) return reachCard.say(say("wanted.hidden", { query, key }));
    this.raw[i] = weight;
    this.draw();
    this.ask();
  }
  fill(weight) {
    const n = this.cells.rows;
    this.raw = this.raw.map((_, i) => (this.isHidden(Math.floor(i / n), i % n) ? 0 : weight(Math.floor(i / n), i % n, n)));
    this.draw();
    this.ask();
  }
  fillOwn() {
    const own = mapOf(this.map.frames[live.stage.moment.keptAt(this.map)]);
    this.fill((query, key, n) => own[query * n + key] || 0);
  }
  // As it is tried: rows have the sum 1, and empty ones are left to the model.
  draw() {
    const n = this.cells.columns;
    const shown = this.raw.map((weight, i) => {
      const sum = this.raw.subarray(i - (i % n), i - (i % n) + n).reduce((total, x) => total + x, 0);
      return sum > 0 ? weight / sum : NaN;
    });
    this.cells.show(shown, say("wanted.label", { n }));
  }
  // One question is on its way at most, and of those that wait the latest is asked.
  ask() {
    if (live.isPlaying) return reachCard.say(say("wanted.playing"));
    this.isStale = false;
    const map = { layer: layerIndex(), head: state.head, input: state.probe, weights: Array.from(this.raw) };
    if (this.isSent) this.next = map;
    else trainer.whenBegun(() => trainer.post("wanted", { map: ((this.isSent = true), map) }));
  }
  tried({ figures }) {
    Object.assign(this, { isSent: false, figures });
    const { next } = this;
    this.next = null;
    if (next && this.isOn) return this.ask();
    if (this.isOn && figures) reachCard.say(wantedInWords(figures));
  }
}

// What the model would do, against what it does.
function wantedInWords({ here, held_out: heldOut }) {
  if (here.entropy === null) return say("wanted.empty");
  const loss = (x) => (x === null ? say("notFinite") : number(x));
  const words = [];
  if (here.effect) words.push(say("wanted.here", { loss: loss(here.effect.after.loss), own: loss(here.effect.before.loss) }));
  const isAccuracy = Number.isFinite(heldOut.after.accuracy);
  const accuracy = ({ accuracy }) => accuracy.toFixed(4);
  words.push(isAccuracy ? say("wanted.accuracy", { n: heldOut.after.examples, accuracy: accuracy(heldOut.after), own: accuracy(heldOut.before) }) : say("wanted.heldOut", { n: heldOut.after.examples, loss: loss(heldOut.after.loss), own: loss(heldOut.before.loss) }));
  const answers = here.answers.filter((answer) => answer !== "");
  if (answers.length && answers.length <= 12) words.push(say("wanted.answers", { answers: answers.map(isolated).join(" ") }));
  words.push(say("wanted.entropy", { nats: here.cross_entropy === null ? say("wanted.infinite") : amount(here.cross_entropy), least: amount(here.entropy) }));
  return words.join(" ");
}
const wantedMap = new WantedMap();
accompany(reach, reachCard, cellEditing, arrowDragging, wantedMap);
