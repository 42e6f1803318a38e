// Reaching in: what a reader changes in the model by hand, and what that has done, in numbers.
const MATRIX_NAMES = { w_q: "W_Q", w_k: "W_K", w_v: "W_V", w_o: "W_O" };

class Reach {
  constructor() {
    this.gesture = 0;
    this.forget();
  }
  // Of another run nothing has been changed.
  forget() {
    // Cells that were changed, by their matrix, and matrices that are frozen; `before` has both of each state that Undo goes
    // back to.
    Object.assign(this, { marks: new Map(), frozen: new Set(), before: new Map(), isChanged: false, first: null, sent: null, next: null });
  }
  began() { this.forget(); }
  // A gesture begins, such as a press of the pointer: all its changes are undone together.
  start() {
    this.gesture++;
    this.first = null;
    if (live.isPlaying) toggle();
  }
  // One change is on its way at most, and of those that wait the latest is sent: each has all of its gesture.
  send(edit, gesture = this.gesture) {
    if (this.sent) this.next = { edit, gesture };
    else trainer.whenBegun(() => trainer.post("edit", { edit: (this.sent = edit), gesture }));
  }
  // One change that is a gesture of its own.
  once(change) {
    this.start();
    this.send(change);
  }
  kept({ kept }) {
    this.before.set(kept, { marks: new Map(Array.from(this.marks, ([key, cells]) => [key, new Set(cells)])), frozen: new Set(this.frozen), isChanged: this.isChanged });
  }
  edited({ edit: change, gesture, lane: number, step, before, after }) {
    const { next } = this;
    Object.assign(this, { sent: null, next: null });
    if (next) this.send(next.edit, next.gesture);
    // Refused: an error says why.
    if (!after) return;
    const lane = live.lanes[number] ?? live.lanes[live.lane];
    this.mark(change);
    lane.figures = after;
    // What is frozen has not been changed.
    if (change.what === "freeze") return show(), this.tell(say("reach.frozen", { what: this.words(change), step }));
    this.isChanged = true;
    this.measured(lane, step, after.loss, after.accuracy);
    if (gesture === undefined || gesture !== this.first?.gesture) this.first = { gesture, figures: before };
    this.tell(say("reach.done", { what: this.words(change), effect: effectInWords(this.first.figures, after), step }));
    showPlaying();
  }
  // A sentence stands in the card, where that is open.
  tell(text) {
    said(reachCard.isOpen ? "" : text);
    reachCard.say(text);
  }
  // The run went somewhere else: by Undo to a state whose marks are known.
  moved(run) {
    const last = live.kept.at(-1)?.kept ?? -1;
    const undone = [...this.before.keys()].filter((kept) => kept > last).sort((a, b) => a - b);
    if (undone.length) Object.assign(this, this.before.get(undone[0]));
    for (const kept of undone) this.before.delete(kept);
    // A gesture is over when its change is undone.
    this.gesture++;
    this.next = null;
    run.lanes.forEach(({ step, loss, figures }, i) => {
      live.lanes[i].figures = figures ?? live.lanes[i].figures;
      this.measured(live.lanes[i], step, loss, figures?.accuracy);
    });
    if (undone.length) reachCard.say(say("live.undone", { step: run.step }));
  }
  // The curves have what was changed by hand as one more point at its step; what is undone is taken back.
  measured({ film }, step, loss, accuracy) {
    const { log } = film;
    for (const [curve, value] of [["losses", loss], ["accuracies", accuracy]]) {
      log[curve] = log[curve].filter(([at, , isEdited]) => at < step || (at === step && !isEdited));
      const last = log[curve].at(-1);
      if (Number.isFinite(value) && !(last?.[0] === step && last[1] === value)) log[curve].push([step, value, true]);
    }
  }
  // Once it is trained on, the button is that of any training.
  played(isPlaying) {
    if (isPlaying) this.isChanged = false;
    const words = at("play").querySelector(".words");
    words.classList.toggle("learns-on", this.isChanged);
    if (this.isChanged) words.textContent = say("reach.learn");
  }
  // Marks stay on cells until Undo or Reset.
  mark({ what, place, cells, row, column, frozen }) {
    if (what === "freeze") this.frozen[frozen ? "add" : "delete"](this.keyOf(place));
    if (!["cells", "zero-row", "zero-column"].includes(what)) return;
    const matrix = live.film.layers[place.layer]?.heads[place.head]?.raw.find(({ name }) => name === MATRIX_NAMES[place.matrix]);
    if (!matrix) return;
    const [rows, columns] = matrix.size;
    const changed = what === "cells" ? cells : what === "zero-row" ? Array.from({ length: columns }, (_, i) => ({ row, column: i })) : Array.from({ length: rows }, (_, i) => ({ row: i, column }));
    const key = [live.lane, place.layer, place.head, matrix.name].join();
    const marked = this.marks.get(key) ?? new Set();
    for (const cell of changed) marked.add(cell.row * columns + cell.column);
    this.marks.set(key, marked);
  }
  // As settings: what is frozen in all layers, which a config can say. Runs beside each other have projections of their own.
  projections() {
    if (live.lanes.length > 1) return [];
    const layers = live.film.layers.map((_, layer) => layer);
    const isFrozen = (matrix) => layers.length > 0 && layers.every((layer) => this.frozen.has(this.keyOf({ layer, matrix })));
    return ["w_q", "w_k", "w_v"].filter(isFrozen).map((matrix) => `model.projections.${matrix}=frozen`);
  }
  // A matrix is frozen in all heads.
  keyOf({ layer, matrix }) { return `${live.lane} ${layer} ${matrix}`; }
  shown() {
    for (const { matrix, figure } of live.stage.matrices.pictures ?? []) figure.classList.toggle("is-frozen", this.frozen.has(this.keyOf({ layer: layerIndex(), matrix: matrix.name.toLowerCase() })));
    for (const { matrix, cells } of live.stage.matrices.pictures ?? []) {
      // The main directions have other cells.
      const marks = state.gauge ? null : this.marks.get([live.lane, layerIndex(), state.head, matrix.name].join());
      if (!marks && !cells.marks) continue;
      cells.marks = marks ?? null;
      cells.draw();
    }
  }
  words({ what, place, layer, head, cells, row, column, position, values, frozen }) {
    const matrix = place && MATRIX_NAMES[place.matrix];
    if (what === "freeze") return say(frozen ? "edit.freeze" : "edit.thaw", { matrix });
    if (what === "cells" && cells.length === 1) return say("edit.cell", { matrix, ...cells[0], value: brief(cells[0].value) });
    if (what === "vector") return say("edit.vector", { part: place.matrix.slice(2), token: live.stage.moment[place.matrix === "w_q" ? "queryName" : "keyName"](position), values: vectorInWords(Float32Array.from(values)) });
    return say(`edit.${what}`, { matrix, n: cells?.length, row, column, layer, head });
  }
}

// "accuracy 1.0000 → 0.2400, loss 0.001 → 3.2 on 200 held-out examples".
function effectInWords(before, after) {
  const share = (x) => x.toFixed(4);
  const parts = [["accuracy", share], ["loss", number]].filter(([name]) => Number.isFinite(before[name]) && Number.isFinite(after[name]));
  const changes = parts.map(([name, format]) => say(`reach.${name}`, { before: format(before[name]), after: format(after[name]) }));
  return say("reach.effect", { changes: changes.join(", ") || say("notFinite"), n: after.examples });
}

const reach = new Reach();
