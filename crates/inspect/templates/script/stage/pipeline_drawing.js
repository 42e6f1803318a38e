// How the rows of the pipeline are drawn: strips of cells, numbers on their colour, and the lines between them.
// Rows below this height have one frame together.
const DENSE = 22;
const DASHED = { q: [], k: [5, 3], v: [1.5, 2.5] };

class PipelineDrawing {
  constructor(pipeline, context) {
    Object.assign(this, { context, pipeline, moment: pipeline.moment, query: pipeline.query, height: pipeline.rowHeight });
    this.ink = ink();
    this.pixels = this.height >= 36 ? 14 : this.height < DENSE ? 11 : 12;
    this.tones = Object.fromEntries(["q", "k", "v", "quiet", "flow", "accent"].map((name) => [name, tone(name)]));
  }
  // Everything that a beat does not speak of is faint.
  part(name, draw) {
    const { lit } = this.pipeline;
    this.context.globalAlpha = !lit || lit.has(name) ? 1 : 0.18;
    draw();
    this.context.globalAlpha = 1;
  }
  draw(shown, rest) {
    const { pipeline, moment, context } = this;
    Object.assign(context, { font: MONO, textBaseline: "middle", lineWidth: 1 });
    if (pipeline.queryTop) this.queryRow();
    shown.forEach((key, row) => this.keyRow(key, pipeline.keysTop + row * this.height));
    if (this.height < DENSE) for (const kind of ["k", "v"]) this.block(kind, shown.length);
    if (rest.length) this.restRow(rest, pipeline.keysTop + shown.length * this.height);
    if (pipeline.column("context") && moment.has("v")) this.mixing(shown);
    if (pipeline.column("answers")) this.answers();
    if (pipeline.cell) this.focus(...pipeline.cell);
  }
  text(words, x, y, align = "left", style = this.ink, font = mono(this.pixels)) {
    Object.assign(this.context, { fillStyle: style, textAlign: align, font });
    this.context.fillText(words, x, y);
  }
  // Most have five letters: those of a column are of one size.
  number(words, x, y, align, style, room) {
    const pixels = pixelsOfNumber(this.pixels, Math.max(words.length, 5), room, this.height - 4);
    this.text(words, x, y, align, style, mono(pixels));
  }
  strip(name, values, x, y, width, identity) {
    const { context, height } = this;
    const limit = this.moment.limit(name) || 1;
    const cell = width / values.length;
    const tall = height < DENSE ? height - 2 : height - 4;
    values.forEach((value, i) => {
      const share = 0.5 + value / limit / 2;
      const [left, right] = [Math.round(x + i * cell), Math.round(x + (i + 1) * cell)];
      // Of many cells in one pixel, one is seen.
      if (left === right) return;
      context.fillStyle = colour("diverging", share);
      context.fillRect(left, y + (height - tall) / 2, right - left, tall);
      if (cell >= (this.height >= 36 ? 43 : 36) && tall >= 12) this.number(brief(value), (left + right) / 2, y + height / 2 + 0.5, "center", inkOn("diverging", share), right - left - 3);
      else if (value < -0.1 * limit && cell >= 6) {
        context.fillStyle = inkOn("diverging", share);
        context.fillRect(left + cell * 0.3, y + height / 2 - 0.5, cell * 0.4, 1);
      }
    });
    if (!identity && this.height < DENSE) return;
    context.strokeStyle = identity ? this.tones[identity] : "#80808080";
    context.lineWidth = identity ? 2 : 1;
    context.setLineDash(DASHED[identity] ?? []);
    context.strokeRect(x - 1, y + 1.5, width + 2, tall + 1);
    context.setLineDash([]);
    context.lineWidth = 1;
  }
  // One frame around all rows, where a frame around each would be all that is seen.
  block(kind, n) {
    const { pipeline, context } = this;
    const column = pipeline.column(kind);
    if (!column) return;
    this.part(kind, () => {
      Object.assign(context, { strokeStyle: this.tones[kind], lineWidth: 2 });
      context.setLineDash(DASHED[kind]);
      context.strokeRect(column.x - 2, pipeline.keysTop - 1, column.width + 4, n * this.height + 2);
      context.setLineDash([]);
      context.lineWidth = 1;
    });
  }
  // A number on its colour, as in the map.
  cell(name, value, x, y, { isMost = false, isHidden = false } = {}) {
    const { context, height } = this;
    const isMap = name === "weights";
    const limit = this.moment.limit(name) || 1;
    const share = isMap ? value : 0.5 + value / limit / 2;
    const kind = isMap ? "sequential" : "diverging";
    // Low rows stand close to each other, so that a digit and the frame around it are whole.
    const edge = height < DENSE ? 0.5 : 2;
    context.fillStyle = isHidden ? "#80808030" : colour(kind, share);
    context.fillRect(x, y + edge, NUMBER_CELL, height - 2 * edge);
    if (isHidden) this.text(say("hidden"), x + NUMBER_CELL / 2, y + height / 2, "center", this.tones.quiet);
    else this.number(!Number.isFinite(value) ? say("notFinite") : isMap ? value.toFixed(2) : brief(value), x + NUMBER_CELL - 7, y + height / 2 + 0.5, "right", inkOn(kind, share), NUMBER_CELL - 11);
    context.strokeStyle = isMost ? this.ink : "#80808060";
    context.lineWidth = isMost ? 2 : 1;
    context.strokeRect(x + 0.5, y + edge + 0.5, NUMBER_CELL - 1, height - 2 * edge - 1);
    context.lineWidth = 1;
  }
  label(tokens, i, y, identity) {
    const { height } = this;
    this.text(String(i), 12, y + height / 2 + 0.5, "right", this.tones.quiet);
    this.text(cut(tokens[i] ?? "", 8), 22, y + height / 2 + 0.5, "left", identity ? this.tones[identity] : this.ink, `${identity ? "bold " : ""}14px system-ui, sans-serif`);
  }
  queryRow() {
    const { pipeline, moment, query } = this;
    const y = pipeline.queryTop;
    this.part("tokens", () => this.label(moment.queryTokens, query, y, "q"));
    const [x, k] = [pipeline.column(moment.inputOfKeys), pipeline.column("k")];
    if (x && moment.has("x")) this.part("x", () => this.strip("x", moment.row("x", query), x.x, y, x.width));
    if (k && moment.has("q")) {
      this.part("q", () => this.strip("q", moment.row("q", query), k.x, y, k.width, "q"));
      if (x) this.part("q", () => this.arrow([[x.x + x.width + 2, y + this.height / 2], [k.x - 3, y + this.height / 2]], "q"));
      const scores = pipeline.column("scores") ?? pipeline.column("scaled");
      const right = k.x + k.width + 3;
      if (scores) this.part("scores", () => this.arrow([[right, y + this.height / 2], [scores.x + NUMBER_CELL / 2, y + this.height / 2], [scores.x + NUMBER_CELL / 2, pipeline.keysTop - 52]], "q"));
    }
  }
  keyRow(key, y) {
    const { pipeline, moment, query } = this;
    this.part("tokens", () => this.label(moment.keyTokens, key, y));
    for (const { kind, x, width } of pipeline.columns) {
      if (kind === "x" || kind === "s") this.part("x", () => this.strip(kind, moment.row(kind, key), x, y, width));
      if (kind === "k" || kind === "v") this.part(kind, () => this.strip(kind, moment.row(kind, key), x, y, width, this.height < DENSE ? null : kind));
      if (["scores", "scaled", "weights"].includes(kind)) {
        const row = moment.row(kind, query);
        const most = winnerOf(row);
        this.part(kind, () => this.cell(kind, row[key], x, y, { isMost: key === most, isHidden: kind === "scaled" && moment.isHidden(query, key) }));
        if (kind === "weights" && key === pipeline.guessed) drawCorner(this.context, x + 1, y + 3, 9);
      }
    }
  }
  restRow(rest, y) {
    const { pipeline, moment, query, height } = this;
    const weights = pipeline.column("weights");
    // Where the map alone is known, its cell stands beside the labels.
    const left = weights && weights.x < MORE_KEYS ? weights.x + NUMBER_CELL + 6 : 22;
    this.text(say("moreKeys", { n: rest.length }), left, y + height / 2, "left", this.tones.quiet, "12px system-ui, sans-serif");
    if (!weights) return;
    const row = moment.row("weights", query);
    this.part("weights", () => this.cell("weights", rest.reduce((sum, i) => sum + (row[i] || 0), 0), weights.x, y));
  }
  arrow(points, identity) {
    const { context } = this;
    context.strokeStyle = context.fillStyle = this.tones[identity];
    context.setLineDash(DASHED[identity] ?? []);
    context.lineWidth = 1.5;
    context.beginPath();
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.stroke();
    context.setLineDash([]);
    const [[fromX, fromY], [x, y]] = points.slice(-2);
    const turn = Math.atan2(y - fromY, x - fromX);
    context.beginPath();
    for (const side of [0, 2.6, -2.6]) context.lineTo(x + (side ? 7 * Math.cos(turn + side) : 0), y + (side ? 7 * Math.sin(turn + side) : 0));
    context.fill();
    context.lineWidth = 1;
  }
  // The values flow together, each as wide as its weight.
  mixing(shown) {
    const { context, pipeline, moment, query, height } = this;
    const [v, mixed] = [pipeline.column("v"), pipeline.column("context")];
    const weights = moment.row("weights", query);
    const middle = pipeline.middle();
    this.part("context", () => {
      shown.forEach((key, row) => {
        const weight = weights?.[key] ?? 0;
        if (!(weight > 0.004)) return;
        const [from, to, y] = [v.x + v.width + 3, mixed.x - 3, pipeline.keysTop + (row + 0.5) * height];
        context.beginPath();
        context.moveTo(from, y);
        context.bezierCurveTo((from + to) / 2, y, (from + to) / 2, middle, to, middle);
        context.lineWidth = 0.75 + 7 * weight;
        context.strokeStyle = this.tones.v;
        context.stroke();
      });
      context.lineWidth = 1;
      this.strip("context", moment.row("context", query), mixed.x, middle - height / 2, mixed.width);
    });
  }
  answers() {
    const { context, pipeline, moment, query } = this;
    const { x, width } = pipeline.column("answers");
    const row = moment.row("answers", query);
    const vocabulary = this.moment.film.vocabulary;
    this.part("answers", () => {
      const mixed = pipeline.column("context");
      if (mixed) this.arrow([[mixed.x + mixed.width + 3, pipeline.middle()], [x - 3, pipeline.middle()]], "flow");
      if (!row || !Number.isFinite(row[0])) {
        this.text(say(moment.hasTarget(query) && row ? "notFinite" : "noAnswer"), x, pipeline.middle(), "left", this.tones.quiet, "12px system-ui, sans-serif");
        return;
      }
      const tall = pipeline.answerRow;
      const right = vocabulary.indexOf(moment.target(query));
      const { shown, note } = pipeline.answers(row, right);
      const top = pipeline.answersTop;
      shown.forEach((token, i) => {
        const y = top + i * tall;
        // Beside the number, which has four letters.
        const pixels = pixelsOfNumber(12, 4, 40, tall);
        const bar = width - 37 - Math.ceil(4 * MONO_LETTER * pixels);
        const isRight = token === right;
        this.text(cut(vocabulary[token] ?? String(token), 3), x + 2, y + tall / 2, "left", this.ink, `${isRight ? "bold " : ""}14px system-ui, sans-serif`);
        context.fillStyle = this.tones.accent;
        context.fillRect(x + 30, y + 4, Math.max(1, bar * row[token]), tall - 8);
        context.strokeStyle = isRight ? this.ink : "#80808060";
        context.lineWidth = isRight ? 1.5 : 1;
        context.strokeRect(x + 30.5, y + 3.5, bar, tall - 7);
        context.lineWidth = 1;
        this.text(row[token].toFixed(2), x + width - 4, y + tall / 2 + 0.5, "right", this.ink, mono(pixels));
      });
      this.text(note, x + 2, top + shown.length * tall + ANSWERS_NOTE / 2, "left", this.tones.quiet, "12px system-ui, sans-serif");
    });
  }
  // Black within white around the cell that is pointed at.
  focus(row, column) {
    const { context, pipeline, height } = this;
    const { x, width, kind } = pipeline.columns[column] ?? {};
    const y = row === QUERY_ROW ? pipeline.queryTop : pipeline.keysTop + row * height;
    if (!kind || kind === "answers" || kind === "context") return;
    for (const [style, line] of [["#ffffff", 4], ["#000000", 2]]) {
      Object.assign(context, { strokeStyle: style, lineWidth: line });
      context.strokeRect(x - 1, y + 1, width + 2, height - 2);
    }
    context.lineWidth = 1;
  }
}
