// Axes in SVG, and names beside the ends of lines.
// The name of the format, which nothing is fetched from.
const SVG = new DOMParser().parseFromString("<svg></svg>", "text/html").querySelector("svg").namespaceURI;

const LINE = 11;

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

// The room at the left that the longest number of an axis takes on a narrow screen.
const roomFor = (ticks) => Math.max(56, 6 + 10 * Math.max(...ticks.map((tick) => String(tick).length)));

// `size` has the width and height of the view box, and the room at its left and right; `ticks` the numbers of the axis
// upwards from its lower to its upper end, `words` what stands at the ends of the axis to the right.
class Plot {
  constructor(described, size, ticks, words, written = number) {
    const { width, height, left, right } = size;
    this.width = width;
    this.box = { left, right: width - right, top: 14, bottom: height - 22 };
    [this.least, this.most] = [ticks[0], ticks.at(-1)];
    this.ends = [];
    const { box } = this;
    this.svg = drawn("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": described });
    this.svg.append(
      drawn("line", { class: "axis", x1: box.left, y1: box.bottom, x2: box.right, y2: box.bottom }),
      drawn("line", { class: "axis", x1: box.left, y1: box.top, x2: box.left, y2: box.bottom }),
      ...ticks.slice(1, -1).map((tick) => drawn("line", { class: "axis inner", x1: box.left, y1: this.y(tick), x2: box.right, y2: this.y(tick) })),
      ...ticks.map((tick, i) => drawn("text", { x: left - 6, y: this.y(tick) + (i ? 4 : 0), "text-anchor": "end" }, written(tick))),
      drawn("text", { x: box.left, y: height - 6 }, words[0]),
      drawn("text", { x: box.right, y: height - 6, "text-anchor": "end" }, words[1]),
    );
  }
  across(share) { return this.box.left + (this.box.right - this.box.left) * share; }
  y(value) { return this.box.bottom - ((this.box.bottom - this.box.top) * (value - this.least)) / (this.most - this.least || 1); }
  // Names beside the ends of the lines, each at most so many lines from its own, the first ones first: a name that has no
  // room there is left out. Of names at one place, what ends above stands above.
  name(line = LINE, most = Infinity) {
    const { top, bottom } = this.box;
    // Nothing, a quarter of a line down, one up, two down, and so on.
    const steps = Array.from({ length: 1 + 8 * Math.min(most, (bottom - top) / line) }, (_, i) => ((i % 2 ? 1 : -1) * Math.ceil(i / 2) * line) / 4);
    const spots = [];
    for (const { label, x, y } of this.ends) {
      const near = spots.filter((other) => Math.abs(other.x - x) < 2 * line);
      const isFree = (at) => at >= top && at <= bottom && Math.abs(at - y) <= most * line && near.every((other) => Math.abs(other.at - at) >= line);
      const at = steps.map((step) => Math.max(top, Math.min(y, bottom)) + step).find(isFree);
      if (at === undefined) label.remove();
      else spots.push({ label, x, y, at });
    }
    for (const x of new Set(spots.map((spot) => spot.x))) {
      const here = spots.filter((spot) => spot.x === x);
      const places = here.map(({ at }) => at).sort((a, b) => a - b);
      here.sort((a, b) => a.y - b.y).forEach(({ label }, i) => label.setAttribute("y", places[i]));
    }
  }
}
