// Cells of W_Q, W_K, W_V and W_O changed on the stage: dragged, painted or typed.
// A drag of so many pixels is the largest cell of the head.
const DRAG_LENGTH = 100;
// What moves less is a click.
const STILL_PIXELS = 3;

class CellEditing {
  constructor() {
    Object.assign(this, { isOn: false, drag: null, last: null });
    this.button = reachMode(this, "e", say("cells.button"), say("cells.buttonTitle"));
    this.brush = make("input", { type: "number", name: "brush", step: "0.1", value: "1", class: "brush", "aria-label": say("cells.brush") });
    this.row = make("button", { type: "button", id: "reach-row", class: "plain" });
    this.column = make("button", { type: "button", id: "reach-column", class: "plain" });
    this.swap = make("button", { type: "button", id: "reach-swap", class: "plain" }, ...formula(say("cells.swap")));
    this.freeze = make("button", { type: "button", id: "reach-freeze", class: "plain", "aria-pressed": "false" });
    const kinds = reachChoices(say("cells.tool"), { drag: say("cells.drag"), paint: say("cells.paint") }, (tool) => {
      this.tool = tool;
      this.brush.hidden = tool !== "paint";
    });
    const back = make("button", { type: "button", id: "reach-undo", class: "plain" }, say("reach.undo"));
    undoing.push(back);
    showUndo();
    for (const [button, action] of [
      [this.row, () => this.clear("zero-row")],
      [this.column, () => this.clear("zero-column")],
      [this.swap, () => reach.once({ what: "swap", layer: layerIndex(), head: state.head })],
      [this.freeze, () => reach.once({ what: "freeze", place: this.last.place, frozen: !this.isFrozen })],
      [back, undo],
    ]) button.addEventListener("click", action);
    this.tools = [kinds, this.brush, this.row, this.column, this.freeze, this.swap, back];
    const heard = { pointerdown: "down", pointermove: "move", pointerup: "up", pointercancel: "up", keydown: "key" };
    // Before the cells themselves, whose pointing would follow a drag.
    for (const [event, action] of Object.entries(heard)) at("stage").addEventListener(event, (what) => this.isOn && this[action](what), { capture: true });
    this.choose(null);
  }
  toggle() {
    if (this.isOn) this.leave();
    else this.enter();
  }
  // What is changed is the model as it is now, so that this is what is shown.
  enter() {
    if (!live.stage.matrices.pictures?.length) return said(noMatricesInWords(live.stage.moment));
    this.isOn = true;
    reachCard.open(this, "cells");
    document.body.classList.add("is-editing");
    seek(live.film.frames.length - 1);
    choose({ view: "weights", gauge: false });
  }
  leave() {
    this.isOn = false;
    this.drag = null;
    document.body.classList.remove("is-editing");
    reachCard.close();
    this.shown();
  }
  began() { this.choose(null); }
  switched() { this.choose(null); }
  get isFrozen() { return Boolean(this.last) && reach.frozen.has(reach.keyOf(this.last.place)); }
  shown() {
    // A cell that was chosen in another head.
    if (this.last && (this.last.place.layer !== layerIndex() || this.last.place.head !== state.head)) return this.choose(null);
    this.freeze.disabled = !this.last;
    this.freeze.setAttribute("aria-pressed", String(this.isFrozen));
    this.freeze.replaceChildren(...formula(say(this.last ? "cells.freeze" : "cells.nofreeze", { name: this.last?.name })));
    const head = live.stage?.matrices.root.querySelector(".panel-head");
    if (head && this.button.parentNode !== head) head.append(this.button);
    this.button.setAttribute("aria-pressed", String(this.isOn));
  }
  // The picture of an event; one whose cells are means of blocks, or no weights, cannot be changed.
  picture({ target }) {
    const picture = live.stage?.matrices.pictures?.find(({ cells }) => cells.canvas === target);
    if (!picture) return null;
    if (picture.matrix.block.some((n) => n > 1)) return reachCard.say(say("cells.blocks")), null;
    if (state.view !== "weights" || state.gauge) return choose({ view: "weights", gauge: false }), null;
    if (state.frame !== live.film.frames.length - 1) seek(live.film.frames.length - 1);
    return picture;
  }
  place({ matrix }) {
    return { layer: layerIndex(), head: state.head, matrix: matrix.name.toLowerCase() };
  }
  choose(last) {
    this.last = last;
    this.shown();
    for (const [button, key] of [[this.row, "row"], [this.column, "column"]]) {
      button.disabled = !last;
      button.replaceChildren(...formula(last ? say(`cells.${key}`, { name: last.name, [key]: last.cell[key === "row" ? 0 : 1] }) : say(`cells.no${key}`)));
    }
  }
  chosen(picture, cell) {
    picture.cells.choose(cell);
    this.choose({ place: this.place(picture), name: picture.matrix.name, cell });
  }
  valueAt({ cells }, [row, column]) { return cells.values[row * cells.columns + column]; }
  clear(what) {
    const { place, cell: [row, column] } = this.last;
    reach.once(what === "zero-row" ? { what, place, row } : { what, place, column });
  }
  set(picture, cell, value) {
    reach.once({ what: "cells", place: this.place(picture), cells: [{ row: cell[0], column: cell[1], value }] });
  }
  down(event) {
    if (event.button !== 0) return;
    const picture = this.picture(event);
    if (!picture) return;
    event.preventDefault();
    event.stopPropagation();
    cellField.close(true);
    const { cells } = picture;
    cells.canvas.focus({ preventScroll: true });
    cells.point(event);
    if (!cells.cell) return;
    this.chosen(picture, cells.cell);
    event.target.setPointerCapture(event.pointerId);
    this.drag = { picture, cell: cells.cell, from: [event.clientX, event.clientY], value: this.valueAt(picture, cells.cell), isMoved: false, painted: new Map() };
    if (this.tool === "paint") this.paint(event);
  }
  move(event) {
    if (!this.drag) return;
    event.stopPropagation();
    if (this.tool === "paint") return this.paint(event);
    const { picture, cell: [row, column], from, value } = this.drag;
    const far = Math.hypot(event.clientX - from[0], event.clientY - from[1]);
    if (!this.drag.isMoved && far <= STILL_PIXELS) return;
    if (!this.drag.isMoved) this.begin();
    // The scale grows with the cell; a drag goes by that of its beginning.
    const next = value + this.drag.high * ((from[1] - event.clientY) / DRAG_LENGTH) * (event.shiftKey ? 0.1 : 1);
    reach.send({ what: "cells", place: this.place(picture), cells: [{ row, column, value: next }] });
  }
  begin() {
    this.drag.isMoved = true;
    this.drag.high = this.drag.picture.cells.high;
    reach.start();
  }
  paint(event) {
    const { picture, painted } = this.drag;
    const value = Number(this.brush.value);
    picture.cells.point(event);
    const { cell } = picture.cells;
    if (!cell || painted.has(String(cell)) || !Number.isFinite(value)) return;
    if (!this.drag.isMoved) this.begin();
    painted.set(String(cell), { row: cell[0], column: cell[1], value });
    this.choose({ place: this.place(picture), name: picture.matrix.name, cell });
    reach.send({ what: "cells", place: this.place(picture), cells: [...painted.values()] });
  }
  up(event) {
    if (!this.drag) return;
    event.stopPropagation();
    const { picture, cell, isMoved } = this.drag;
    this.drag = null;
    if (!isMoved && event.type === "pointerup") this.type(picture, cell);
  }
  type(picture, cell, character) {
    const name = picture.matrix.name;
    cellField.open(picture.cells, picture.figure, cell, {
      label: say("cells.field", { name, row: cell[0], column: cell[1] }),
      text: Number(this.valueAt(picture, cell).toPrecision(4)).toString(),
      typed: (value) => this.set(picture, cell, value),
    });
    if (character) cellField.begin(character);
  }
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const picture = event.target.matches("canvas") ? this.picture(event) : null;
    if (!picture) return;
    // The arrow keys are those of the cells; the row and the column follow them.
    if (event.key.startsWith("Arrow")) return picture.cells.key(event), this.chosen(picture, picture.cells.cell);
    const { cell } = picture.cells;
    if (!cell) return;
    const nudge = { PageUp: 1, PageDown: -1 }[event.key];
    if (nudge) this.set(picture, cell, this.valueAt(picture, cell) + (nudge * picture.cells.high) / 20);
    else if (["Delete", "Backspace"].includes(event.key)) this.set(picture, cell, 0);
    else if (event.key === "Enter") this.type(picture, cell);
    else if (/^[-0-9.,]$/.test(event.key)) this.type(picture, cell, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
const cellEditing = new CellEditing();
