// Loss and accuracy over the steps, and the scrubber on them. The axis is playing time: where attention changes, it is
// stretched, so that the drama is not over in a moment.
const TIMELINE_LABEL = 60;

class Timeline {
  // `seek` is called with a frame. `lanes` gives runs with the same steps, of which the film is one. A key that is not
  // free is left to the page.
  constructor(place, film, { seek, lanes = () => [], isFree = () => true }) {
    Object.assign(this, { film, seek, lanes, isFree, frame: 0, place: 0 });
    this.root = make("div", { class: "timeline", role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-label": say("timeline.label"), id: "timeline" });
    place.append(this.root);
    const at = (event) => {
      const box = this.root.getBoundingClientRect();
      this.seek(this.nearest(event.clientX - box.left));
    };
    this.root.addEventListener("pointerdown", (event) => {
      this.root.setPointerCapture(event.pointerId);
      at(event);
    });
    this.root.addEventListener("pointermove", (event) => this.root.hasPointerCapture(event.pointerId) && at(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.sized = new ResizeObserver(() => this.build());
    this.sized.observe(this.root);
    this.grown();
  }
  // Another timeline takes its place.
  close() { this.sized.disconnect(); }
  // As every slider; the other arrows, Home and End are those of the whole page.
  key(event) {
    const n = this.film.frames.length;
    const far = Math.max(Math.round(n / 10), 1);
    const move = { ArrowUp: 1, ArrowDown: -1, PageUp: far, PageDown: -far }[event.key];
    if (!move || !this.isFree(event.key) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.seek(Math.min(Math.max(this.frame + move, 0), n - 1));
  }
  // Frames or losses have come.
  grown() {
    // Runs beside each other share the time: their axis stays when another one is shown.
    const each = this.areMany ? this.lanes().map(({ film }) => playingTimes(film)) : [playingTimes(this.film)];
    this.times = each[0].map((_, i) => each.reduce((sum, times) => sum + times[i], 0) / each.length);
    this.root.setAttribute("aria-valuemax", String(this.film.frames.length - 1));
    this.build();
  }
  get areMany() { return this.lanes().length > 1; }
  open(film) {
    this.film = film;
    this.build();
  }
  x(share) { return this.box.left + (this.box.right - this.box.left) * share; }
  // Steps between two frames lie between their times.
  shareOfStep(step) {
    const { frames } = this.film;
    const { times } = this;
    // The first frame from that step on, or the last one: a curve may have thousands of points.
    let [i, end] = [0, frames.length - 1];
    while (i < end) {
      const middle = (i + end) >> 1;
      if (frames[middle].step >= step) end = middle;
      else i = middle + 1;
    }
    if (i === 0) return times[0];
    const [from, to] = [frames[i - 1].step, frames[i].step];
    return times[i - 1] + ((times[i] - times[i - 1]) * Math.min(step - from, to - from)) / (to - from || 1);
  }
  nearest(x) {
    const share = (x - this.box.left) / (this.box.right - this.box.left);
    return this.times.reduce((best, time, i) => (Math.abs(time - share) < Math.abs(this.times[best] - share) ? i : best), 0);
  }
  // Losses and accuracies by step. A frame's accuracy is that of the last evaluation, so that the log's are better.
  curves({ frames, log } = this.film) {
    const of = (name) => frames.flatMap((frame) => (Number.isFinite(frame[name]) ? [[frame.step, frame[name]]] : []));
    // Of the inputs that the frames show, which is known at every frame.
    const shown = frames.flatMap(({ step, probe_answers: found }) => (found?.[1] ? [[step, found[0] / found[1]]] : []));
    return { shown, losses: log?.losses?.length ? log.losses : of("loss"), accuracies: log?.accuracies?.length ? log.accuracies : of("accuracy") };
  }
  build() {
    const [width, height] = [this.root.clientWidth, this.root.clientHeight];
    if (width < 50) return;
    this.box = { left: TIMELINE_LABEL, right: width - (this.areMany ? laneMargin(width) : TIMELINE_LABEL), top: 8, bottom: height - 20 };
    const y = (share) => this.box.bottom - (this.box.bottom - this.box.top) * Math.min(Math.max(share, 0), 1);
    const points = (list, of) => list.filter(([, value]) => Number.isFinite(value)).map(([step, value]) => `${this.x(this.shareOfStep(step)).toFixed(1)},${y(value / of).toFixed(1)}`).join(" ");
    const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" });
    const line = (x1, y1, x2, y2, kind) => drawn("line", { x1, y1, x2, y2, class: kind });
    svg.append(line(this.box.left, this.box.bottom, this.box.right, this.box.bottom, "axis"));
    for (const time of this.times) svg.append(line(this.x(time), this.box.bottom, this.x(time), this.box.bottom + 3, "axis"));
    let last = -Infinity;
    this.film.frames.forEach(({ step }, i) => {
      const x = this.x(this.times[i]);
      const isLast = i === this.film.frames.length - 1;
      const isRound = step === 0 || isLast || [1, 2, 5].includes(step / 10 ** Math.floor(Math.log10(step))) || step % 50 === 0;
      if (!isRound || x - last < 44 || (!isLast && this.x(1) - x < 44)) return;
      last = x;
      svg.append(drawn("text", { x, y: height - 4, "text-anchor": i === 0 ? "start" : isLast ? "end" : "middle" }, i === 0 ? say("timeline.first", { step }) : String(step)));
    });
    if (this.areMany) laneCurves(this, svg, { y, points });
    else this.drawCurves(svg, { y, points });
    this.cursor = line(0, this.box.top - 4, 0, this.box.bottom, "now");
    this.knob = drawn("circle", { class: "knob", r: 7, cy: this.box.bottom });
    svg.append(this.cursor, this.knob);
    this.root.replaceChildren(svg);
    this.move();
  }
  // The curves of one run.
  drawCurves(svg, { y, points }) {
    const { losses, accuracies, shown } = this.curves();
    const most = largestLoss(losses);
    svg.append(drawn("polyline", { class: "loss", points: points(losses, most) }));
    svg.append(drawn("polyline", { class: "accuracy", points: points(accuracies, 1) }), drawn("polyline", { class: "shown", points: points(shown, 1) }));
    // One value makes no line.
    const dot = ([[step, value]], of, kind) => svg.append(drawn("circle", { class: kind, cx: this.x(this.shareOfStep(step)), cy: y(value / of), r: 2.5 }));
    if (losses.length === 1) dot(losses, most, "loss-point");
    if (accuracies.length === 1) dot(accuracies, 1, "accuracy-point");
    const label = (x, y, kind, anchor, text) => drawn("text", { x, y, class: kind, "text-anchor": anchor }, text);
    // As many lines as there is room for, the largest value and the name first.
    const beside = (x, kind, anchor, [most, name, least, more]) => {
      const { top, bottom } = this.box;
      const isTall = bottom - top > 52;
      const middle = (top + bottom) / 2;
      // A second name comes before the zero, which stands where the axis does.
      const isLeast = !more || bottom - middle > 32;
      const lines = isTall ? [[most, top + 10], [name, middle + 4], [isLeast ? least : "", bottom], [more, middle + 18]] : [[most, top + 8], [name, top + 24]];
      for (const [text, y] of lines) if (text) svg.append(label(x, y, kind, anchor, text));
    };
    if (losses.length) beside(this.box.left - 6, "loss-name", "end", [brief(most), say("timeline.loss"), "0", ""]);
    if (accuracies.length || shown.length) beside(this.box.right + 6, "accuracy-name", "start", ["100\u00a0%", say("timeline.accuracy"), "0\u00a0%", shown.length ? say("timeline.shown") : ""]);
  }
  move() {
    if (!this.knob) return;
    const x = this.x(this.place);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.knob.setAttribute("cx", x);
  }
  // `place` is the share of the playing time that has passed, where it lies between two frames.
  show(frame, place = this.times[frame]) {
    Object.assign(this, { frame, place });
    const { step } = this.film.frames[frame];
    this.root.setAttribute("aria-valuenow", String(frame));
    this.root.setAttribute("aria-valuetext", say("timeline.value", { step }));
    this.move();
  }
}

const largestLoss = (losses) => losses.reduce((largest, [, loss]) => (loss > largest ? loss : largest), 1e-9);

// When each frame is shown, from 0 to 1: half of the time is shared by all alike, half goes where attention changes.
function playingTimes(film) {
  const n = film.frames.length;
  if (n < 2) return [0];
  const maps = (film.probes[0]?.maps ?? []).slice(0, 8);
  const changes = Array.from({ length: n }, (_, frame) => {
    if (frame === 0) return 0;
    return maps.reduce((sum, map) => {
      const [from, to] = [map.frames[frame - 1], map.frames[frame]];
      if (!from || !to) return sum;
      const [before, after] = [mapOf(from), mapOf(to)];
      return sum + after.reduce((total, x, i) => total + (Number.isFinite(x - before[i]) ? Math.abs(x - before[i]) : 0), 0) / after.length;
    }, 0);
  });
  const total = changes.reduce((sum, x) => sum + x, 0);
  let time = 0;
  return changes.map((change, frame) => {
    if (frame > 0) time += total > 0 ? 0.5 / (n - 1) + (0.5 * change) / total : 1 / (n - 1);
    return Math.min(time, 1);
  });
}
