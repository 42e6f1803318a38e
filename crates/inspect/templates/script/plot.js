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
  // Names beside the ends of the lines, one below the other where they would meet.
  name(line = LINE) {
    this.ends.sort((a, b) => a.y - b.y);
    const last = this.box.bottom - line * (this.ends.length - 1);
    this.ends.forEach((end, i) => {
      const least = i === 0 ? this.box.top : this.ends[i - 1].y + line;
      end.y = Math.max(least, Math.min(end.y, last + line * i));
      end.label.setAttribute("y", end.y);
    });
  }
}
