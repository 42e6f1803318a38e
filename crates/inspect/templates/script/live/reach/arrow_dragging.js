// The arrows of q and k, turned by hand: the matrix changes by the least that makes it so.
// A tip is reached within so many pixels.
const TIP_REACH = 18;
// A key moves it by this share of the plane.
const TIP_STEP = 1 / 20;

class ArrowDragging {
  constructor() {
    Object.assign(this, { chosen: null, drag: null });
    this.ring = make("span", { class: "tip", "aria-hidden": "true" });
    const heard = { pointerdown: "down", pointermove: "move", pointerup: "up", pointercancel: "up", keydown: "key", focusin: "focus" };
    for (const [event, action] of Object.entries(heard)) at("stage").addEventListener(event, (what) => cellEditing.isOn && what.target === this.plane?.canvas && this[action](what), { capture: true });
  }
  get plane() { return live.stage?.plane; }
  began() { Object.assign(this, { chosen: null, drag: null }); }
  switched() { this.began(); }
  // The tips: q of the query that is drawn, then every key, then the other queries.
  tips() {
    const { moment, query } = live.stage;
    const n = { q: moment.size("q")[0], k: moment.size("k")[0] };
    const of = (name) => Array.from({ length: n[name] }, (_, position) => ({ name, position }));
    return [{ name: "q", position: query }, ...of("k"), ...of("q").filter(({ position }) => position !== query)];
  }
  vector({ name, position }) { return live.stage.moment.row(name, position); }
  get scale() { return (this.plane.side / 2 - 16) / this.plane.limit; }
  place(tip) {
    const [x, y] = this.plane.shadow(this.vector(tip));
    return [this.plane.side / 2 + x * this.scale, this.plane.side / 2 - y * this.scale];
  }
  // Where an event is, in pixels of the plane.
  point(event) {
    const box = this.plane.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  shown() {
    if (!this.plane?.isShown) return;
    const { canvas, root } = this.plane;
    canvas.tabIndex = cellEditing.isOn ? 0 : -1;
    if (!cellEditing.isOn) canvas.removeAttribute("tabindex");
    this.ring.hidden = !cellEditing.isOn || !this.chosen;
    if (this.ring.hidden) return;
    if (this.ring.parentNode !== root) root.append(this.ring);
    const [x, y] = this.place(this.chosen);
    Object.assign(this.ring.style, { left: `${canvas.offsetLeft + x}px`, top: `${canvas.offsetTop + y}px` });
    if (document.activeElement !== canvas) return;
    const { name, position } = this.chosen;
    live.stage.tell(say("arrows.chosen", { part: name, token: live.stage.moment[`${name === "q" ? "query" : "key"}Name`](position), values: vectorInWords(this.vector(this.chosen)) }));
  }
  choose(tip) {
    this.chosen = tip;
    this.shown();
  }
  isSame(one, other) { return one && one.name === other.name && one.position === other.position; }
  focus() {
    if (!this.chosen) this.choose(this.tips()[0]);
  }
  down(event) {
    if (event.button !== 0) return;
    const [x, y] = this.point(event);
    const far = (tip) => Math.hypot(this.place(tip)[0] - x, this.place(tip)[1] - y);
    // Of tips that lie on each other the first is meant.
    const near = this.tips().filter((tip) => far(tip) <= TIP_REACH);
    const tip = near.reduce((best, one) => (far(one) < far(best) - 4 ? one : best), near[0]);
    if (!tip) return;
    event.preventDefault();
    this.plane.canvas.focus({ preventScroll: true });
    this.choose(tip);
    event.target.setPointerCapture(event.pointerId);
    this.latest();
    // By the scale of the beginning, or an arrow that is drawn to the edge would grow without end.
    this.drag = { tip, from: [x, y], scale: this.scale, base: Array.from(this.vector(tip)), isMoved: false };
  }
  move(event) {
    if (!this.drag) return;
    const { from, scale, base, tip } = this.drag;
    const [x, y] = this.point(event);
    if (!this.drag.isMoved && Math.hypot(x - from[0], y - from[1]) <= STILL_PIXELS) return;
    if (!this.drag.isMoved) reach.start();
    this.drag.isMoved = true;
    this.ask(tip, base, [(x - from[0]) / scale, (from[1] - y) / scale]);
  }
  up() { this.drag = null; }
  // What is changed is the model as it is now.
  latest() {
    if (state.frame !== live.film.frames.length - 1) seek(live.film.frames.length - 1);
  }
  // The vector moved in the two directions of the plane; what it has in others stays.
  ask({ name, position }, base, moved) {
    const { axes } = this.plane.basis;
    const values = base.map((value, i) => value + moved.reduce((sum, length, axis) => sum + length * axes[axis][i], 0));
    reach.send({ what: "vector", place: { layer: layerIndex(), head: state.head, matrix: `w_${name}` }, position, values, input: state.probe });
  }
  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const tips = this.tips();
    const turn = { PageDown: 1, PageUp: -1 }[event.key];
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!turn && !move) return;
    event.preventDefault();
    event.stopPropagation();
    const i = Math.max(tips.findIndex((tip) => this.isSame(this.chosen, tip)), 0);
    if (turn) return this.choose(tips[(i + turn + tips.length) % tips.length]);
    this.latest();
    const length = this.plane.limit * TIP_STEP * (event.shiftKey ? 0.2 : 1);
    reach.start();
    this.ask(tips[i], Array.from(this.vector(tips[i])), move.map((part) => part * length));
  }
}
const arrowDragging = new ArrowDragging();
