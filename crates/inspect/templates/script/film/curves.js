// Curves over the steps: `series` is a list of [name, values], one value for each frame, null where a frame has no value.
class Curves extends Plot {
  constructor(place, title, series, go) {
    const known = series.flatMap(([, values]) => values.filter((x) => Number.isFinite(x)));
    const lastStep = film.frames.at(-1).step || 1;
    const size = { width: 360, height: 150, left: 52, right: 40 };
    super(say("curves.label", { title }), size, [0, Math.max(...known, 0)], [0, lastStep].map((step) => say("columns.step", { step })));
    Object.assign(this, { series, go, lastStep });
    series.forEach(([words, values], i) => this.line(words, values, i));
    this.name();
    this.cursor = drawn("line", { class: "cursor", y1: this.box.top, y2: this.box.bottom });
    this.svg.append(this.cursor);
    this.svg.addEventListener("click", (event) => this.go(this.nearest(event)));
    this.said = make("p", { class: "where" });
    this.table = make("div");
    this.details = make("details", {}, make("summary", {}, say("curves.table")), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    place.append(make("figure", {}, make("figcaption", {}, make("h3", {}, ...prose(title))), this.svg, this.said, this.details));
  }
  x(step) { return this.across(step / this.lastStep); }
  line(words, values, i) {
    const known = values.flatMap((value, frame) => (Number.isFinite(value) ? [[this.x(film.frames[frame].step), this.y(value)]] : []));
    if (!known.length) return;
    const points = known.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    this.svg.append(drawn("polyline", { class: `curve curve-${i % 4}`, points }));
    if (known.length === 1) this.svg.append(drawn("circle", { class: `curve-${i % 4}`, cx: known[0][0], cy: known[0][1], r: 2 }));
    const x = this.box.right + 5;
    const label = drawn("text", { class: `name curve-${i % 4}`, x }, ...loweredInSvg(words));
    this.svg.append(label);
    this.ends.push({ label, x, y: known.at(-1)[1] + 4 });
  }
  nearest(event) {
    const area = this.svg.getBoundingClientRect();
    const place = ((event.clientX - area.left) / area.width) * this.width;
    const distance = (frame) => Math.abs(this.x(film.frames[frame].step) - place);
    return film.frames.reduce((best, _, frame) => (distance(frame) < distance(best) ? frame : best), 0);
  }
  show(frame) {
    const x = this.x(film.frames[frame].step);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    const words = this.series.flatMap(([title, values]) => (Number.isFinite(values[frame]) ? [`${title} ${number(values[frame])}`] : []));
    this.said.replaceChildren(...(words.length ? prose(words.join(", ")) : [say("curves.notMeasured")]));
  }
  tabulate() {
    if (!this.details.open) return;
    const rows = film.frames.map(({ step }, frame) => [String(step), ...this.series.map(([, values]) => (Number.isFinite(values[frame]) ? number(values[frame]) : "–"))]);
    this.table.replaceChildren(table([say("film.step"), ...this.series.map(([title]) => title)], rows));
  }
}
