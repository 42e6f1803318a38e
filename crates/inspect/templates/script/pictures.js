// Pictures to take along: what the stage shows, with a caption, as SVG or as PNG.
const MARGIN = 16;
const CAPTION_LINE = 18;
const CAPTION_FONT = "13px system-ui, sans-serif";
// Pixels of a PNG for each of the screen's.
const SHARPNESS = 2;

// What can be taken along: the size of each in pixels, and how it is painted, from its upper left corner.
const PICTURES = {
  map: {
    isThere: ({ map }) => Boolean(map.cells?.values),
    size: ({ map }) => [Math.max(map.cells.width, 220), map.cells.height + 26],
    paint(context, { map }) {
      paintWords(context, map.title, 0, 10, "600 14px system-ui, sans-serif");
      painted(context, 0, 26, () => map.cells.paint(context));
    },
    words: ({ map }) => map.hint.textContent,
  },
  matrices: {
    isThere: ({ matrices }) => Boolean(matrices.pictures?.length),
    size({ matrices }) {
      const sizes = matrices.pictures.map(({ cells }) => [Math.max(cells.width, 70) + 16, cells.height]);
      return [sizes.reduce((sum, [width]) => sum + width, 0), Math.max(...sizes.map(([, height]) => height)) + 74];
    },
    paint(context, stage) {
      let x = 0;
      for (const { matrix, cells, figure } of stage.matrices.pictures) {
        const identity = IDENTITY[matrix.name];
        const [name, shape] = [figure.querySelector("figcaption"), figure.querySelector(".shape")];
        paintWords(context, name, x, 9, "600 14px system-ui, sans-serif", (node) => node !== shape);
        paintWords(context, shape, x, 26, "11px ui-monospace, monospace");
        painted(context, x + 3, 38, () => {
          cells.paint(context);
          if (!identity) return;
          Object.assign(context, { strokeStyle: tone(identity), lineWidth: 2 });
          context.setLineDash(DASHED[identity]);
          context.strokeRect(-1.5, -1.5, cells.width + 2, cells.height + 2);
          context.setLineDash([]);
          context.lineWidth = 1;
        });
        x += Math.max(cells.width, 70) + 16;
      }
      const [, tall] = PICTURES.matrices.size(stage);
      painted(context, 0, tall - 26, () => paintScale(context, stage.matrices.pictures[0].cells));
    },
    words: ({ matrices, state }) => `${say(`view.${state.view}`)}; ${matrices.words.textContent}`,
  },
  pipeline: {
    isThere: ({ pipeline, shown }) => Boolean(pipeline.columns?.length && shown),
    size: ({ pipeline }) => [pipeline.width, pipeline.height],
    paint(context, { pipeline }) {
      const { cell } = pipeline;
      pipeline.cell = null;
      const { shown, rest } = pipeline.keys(pipeline.moment, pipeline.query);
      new PipelineDrawing(pipeline, context).draw(shown, rest);
      pipeline.cell = cell;
      const fonts = ["600 13px system-ui, sans-serif", "12px system-ui, sans-serif", "11px ui-monospace, monospace"];
      for (const heading of pipeline.words.children) {
        const [left, top] = ["left", "top"].map((side) => parseFloat(heading.style[side]));
        Array.from(heading.children).forEach((line, i) => paintWords(context, line, left, top + 46 - 16 * (2 - i) - 8, fonts[i], () => true, i ? tone("quiet") : ink()));
      }
    },
    words: ({ words }) => Array.from(words.children, (one) => one.textContent).join(" "),
  },
};

// Does it with another place as the origin.
function painted(context, x, y, paint) {
  context.save();
  context.translate(x, y);
  paint();
  context.restore();
}
// The words of an element where it stands, with its subscripts and colours.
function paintWords(context, element, x, y, font, isWanted = () => true, style = ink()) {
  Object.assign(context, { textAlign: "left", textBaseline: "middle" });
  for (const node of element.childNodes) {
    if (!isWanted(node)) continue;
    const identity = node.className && /\bis-([qkv])\b/.exec(node.className)?.[1];
    const isBelow = node.nodeName === "SUB";
    const own = isBelow ? font.replace(/(\d+)px/, (_, size) => `${Math.round(size * 0.75)}px`) : font;
    if (node.nodeType === Node.ELEMENT_NODE && node.childElementCount) x = paintWords(context, node, x, y, own, isWanted, identity ? tone(identity) : style);
    else {
      Object.assign(context, { font: own, fillStyle: identity ? tone(identity) : style });
      context.fillText(node.textContent, x, y + (isBelow ? 4 : 0));
      x += context.measureText(node.textContent).width + (node.className === "shape" ? 8 : 0);
      if (node.nextSibling?.className === "shape") x += 8;
    }
  }
  return x;
}
// A bar of colours between the ends of their range.
function paintScale(context, { palette, low, high }) {
  const n = 64;
  Object.assign(context, { font: "11px ui-monospace, monospace", textBaseline: "middle", textAlign: "left", fillStyle: ink() });
  const [from, to] = [amount(low), amount(high)];
  const left = context.measureText(from).width + 8;
  context.fillText(from, 0, 10);
  context.fillText(to, left + 2 * n + 8, 10);
  for (let i = 0; i < n; i++) {
    context.fillStyle = colour(palette, i / (n - 1));
    context.fillRect(left + 2 * i, 5, 2, 10);
  }
}

// A picture with its ground and its caption below, on a context that `open` makes for a size.
function paintPicture(stage, kind, open) {
  const picture = PICTURES[kind];
  const [wide, tall] = picture.size(stage);
  const width = Math.ceil(Math.max(wide, 320) + 2 * MARGIN);
  const lines = wrapped(`${captionOf(stage)} ${capital(picture.words(stage))}`, width - 2 * MARGIN);
  const height = Math.ceil(tall + 3 * MARGIN + CAPTION_LINE * lines.length);
  const context = open(width, height);
  Object.assign(context, { fillStyle: tone("paper"), lineWidth: 1, globalAlpha: 1 });
  context.fillRect(0, 0, width, height);
  painted(context, MARGIN, MARGIN, () => picture.paint(context, stage));
  Object.assign(context, { font: CAPTION_FONT, fillStyle: ink(), textAlign: "left", textBaseline: "middle" });
  lines.forEach((line, i) => context.fillText(line, MARGIN, tall + 2 * MARGIN + (i + 0.5) * CAPTION_LINE));
  return context;
}
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
// Which run, which step, which head, which query.
function captionOf(stage) {
  const { shown, state, film } = stage;
  const names = [...new Set(film.layers.map(({ name }) => name))];
  return say("picture.caption", { task: film.run?.task ?? document.title, step: shown.step, layer: layerInWords(film, state.layer) ?? say("picture.layer", { n: Math.max(names.indexOf(state.layer), 0) }), head: state.head, query: shown.queryName(stage.query), input: cut(inputInWords(shown.probe ?? { tokens: [] }), 120) });
}
// Lines of words that are at most so wide; a word that is wider is cut.
function wrapped(text, width) {
  ruler.font = CAPTION_FONT;
  const fits = (line) => ruler.measureText(line).width <= width;
  const lines = [];
  for (const word of text.split(/[ \n]+/).filter(Boolean)) {
    const line = lines.length ? `${lines.at(-1)} ${word}` : word;
    if (lines.length && fits(line)) lines[lines.length - 1] = line;
    else lines.push(fits(word) ? word : cut(word, Math.floor(width / 9)));
  }
  return lines;
}

function svgOf(stage, kind) {
  return paintPicture(stage, kind, (width, height) => new SvgContext(width, height)).text(captionOf(stage));
}
function canvasOf(stage, kind) {
  return paintPicture(stage, kind, (width, height) => {
    const context = make("canvas", { width: String(width * SHARPNESS), height: String(height * SHARPNESS) }).getContext("2d");
    context.scale(SHARPNESS, SHARPNESS);
    return context;
  }).canvas;
}

// Gives the reader a file.
function save(content, name, type) {
  const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// The choice of a picture, and a button for each of the two formats; `stage` gives the one that is shown.
class PictureButtons {
  constructor(place, stage) {
    this.stage = stage;
    this.choice = make("select", { id: "picture" }, ...Object.keys(PICTURES).map((kind) => make("option", { value: kind }, say(`picture.${kind}`))));
    this.said = make("span", { class: "hint", "aria-live": "polite" });
    const button = (format) => {
      const element = make("button", { type: "button", class: "plain", id: `picture-${format}` }, format.toUpperCase());
      element.addEventListener("click", () => this.take(format));
      return element;
    };
    place.append(make("label", {}, `${say("picture.of")} `, this.choice), button("svg"), button("png"), this.said);
  }
  take(format) {
    const [stage, kind] = [this.stage(), this.choice.value];
    const isThere = stage?.shown && PICTURES[kind].isThere(stage);
    this.said.textContent = isThere ? "" : say("picture.none");
    if (!isThere) return;
    const name = `${stage.film.run?.task ?? "run"}-step-${stage.shown.step}-${kind}`.replace(/[^\w-]+/g, "-");
    if (format === "svg") save(svgOf(stage, kind), `${name}.svg`, "image/svg+xml");
    else canvasOf(stage, kind).toBlob((blob) => save(blob, `${name}.png`, "image/png"));
  }
}
