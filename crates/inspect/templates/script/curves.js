// The name of the format, which nothing is fetched from.
const SVG = document.querySelector("svg").namespaceURI;

const WIDTH = 360;
const LINE = 11;

// Curves over the steps: `series` is a list of [name, values], one value for each frame, null where a frame has no value.
class Curves {
  constructor(place, title, series, go) {
    const known = series.flatMap(([, values]) => values.filter((x) => Number.isFinite(x)));
    Object.assign(this, { series, go, most: Math.max(...known, 0), lastStep: film.frames.at(-1).step || 1 });
    const [width, height] = [WIDTH, 150];
    this.box = { left: 52, right: width - 40, top: 14, bottom: height - 22 };
    const { left, right, top: above, bottom } = this.box;
    this.svg = this.draw("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${title}; the table below has the numbers.` });
    this.svg.append(
      this.draw("line", { class: "axis", x1: left, y1: bottom, x2: right, y2: bottom }),
      this.draw("line", { class: "axis", x1: left, y1: above, x2: left, y2: bottom }),
      this.draw("text", { x: left - 6, y: above + 4, "text-anchor": "end" }, number(this.most)),
      this.draw("text", { x: left - 6, y: bottom, "text-anchor": "end" }, "0"),
      this.draw("text", { x: left, y: height - 6 }, "step 0"),
      this.draw("text", { x: right, y: height - 6, "text-anchor": "end" }, `step ${this.lastStep}`),
    );
    this.ends = [];
    series.forEach(([words, values], i) => this.line(words, values, i));
    this.name();
    this.cursor = this.draw("line", { class: "cursor", y1: above, y2: bottom });
    this.svg.append(this.cursor);
    this.svg.addEventListener("click", (event) => this.go(this.nearest(event)));
    this.said = make("p", { class: "where" });
    this.table = make("div");
    this.details = make("details", {}, make("summary", {}, "Numbers as a table"), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    place.append(make("figure", {}, make("figcaption", {}, make("h3", {}, title)), this.svg, this.said, this.details));
  }
  draw(tag, attributes, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
    element.append(...children);
    return element;
  }
  x(step) { return this.box.left + ((this.box.right - this.box.left) * step) / this.lastStep; }
  y(value) { return this.box.bottom - ((this.box.bottom - this.box.top) * value) / (this.most || 1); }
  line(words, values, i) {
    const known = values.flatMap((value, frame) => (Number.isFinite(value) ? [[this.x(film.frames[frame].step), this.y(value)]] : []));
    if (!known.length) return;
    const points = known.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    this.svg.append(this.draw("polyline", { class: `curve curve-${i % 4}`, points }));
    if (known.length === 1) this.svg.append(this.draw("circle", { class: `curve-${i % 4}`, cx: known[0][0], cy: known[0][1], r: 2 }));
    const label = this.draw("text", { class: `name curve-${i % 4}`, x: this.box.right + 5 }, words);
    this.svg.append(label);
    this.ends.push({ label, y: known.at(-1)[1] + 4 });
  }
  // Names beside the ends of the lines, one below the other where they would meet.
  name() {
    this.ends.sort((a, b) => a.y - b.y);
    const last = this.box.bottom - LINE * (this.ends.length - 1);
    this.ends.forEach((end, i) => {
      const least = i === 0 ? this.box.top : this.ends[i - 1].y + LINE;
      end.y = Math.max(least, Math.min(end.y, last + LINE * i));
      end.label.setAttribute("y", end.y);
    });
  }
  nearest(event) {
    const area = this.svg.getBoundingClientRect();
    const place = ((event.clientX - area.left) / area.width) * WIDTH;
    const distance = (frame) => Math.abs(this.x(film.frames[frame].step) - place);
    return film.frames.reduce((best, _, frame) => (distance(frame) < distance(best) ? frame : best), 0);
  }
  show(frame) {
    const x = this.x(film.frames[frame].step);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    const words = this.series.flatMap(([title, values]) => (Number.isFinite(values[frame]) ? [`${title} ${number(values[frame])}`] : []));
    this.said.textContent = words.length ? words.join(", ") : "not measured at this step";
  }
  tabulate() {
    if (!this.details.open) return;
    const rows = film.frames.map(({ step }, frame) => [String(step), ...this.series.map(([, values]) => (Number.isFinite(values[frame]) ? number(values[frame]) : "–"))]);
    this.table.replaceChildren(table(["step", ...this.series.map(([title]) => title)], rows));
  }
}
