// What one head computed for one input at one frame, by the paper's names; a part that the film lacks is null.
class Moment {
  // `beside` are moments whose scales are shared.
  constructor(film, { frame, probe, layer, head }, beside = []) {
    Object.assign(this, { film, frame, head, beside });
    this.probe = film.probes[probe];
    this.map = this.probe?.maps.find((map) => map.layer === layer && map.head === head);
    this.layer = film.layers.find(({ name }) => name === layer);
    this.facts = film.run?.layers?.find(({ name }) => name === layer) ?? {};
    const trace = this.probe?.traces?.find((one) => one.layer === layer);
    // What an encoder makes of the source is no answer yet.
    this.parts = { x: trace?.x, s: trace?.source, ...trace?.heads[head], answers: this.facts.kind === "encoder" ? null : this.probe?.answers };
    // A map that is shown in blocks has no rows of its own.
    if (this.map && this.map.block[0] * this.map.block[1] === 1) this.parts.weights = this.map;
  }
  get step() { return this.film.frames[this.frame].step; }
  // At another frame.
  at(frame) {
    const other = Object.create(this);
    other.frame = frame;
    return other;
  }
  // The last frame up to this one in which a part was kept.
  kept(part) { return part?.frames[this.keptAt(part)] ?? null; }
  keptAt(part) {
    for (let frame = this.frame; frame >= 0; frame--) if (part?.frames[frame]) return frame;
    return -1;
  }
  // The step of the numbers that are shown, where this frame has none of its own.
  olderStep() {
    const frames = ["q", "scores", "weights"].filter((name) => this.has(name)).map((name) => this.keptAt(this.parts[name]));
    const oldest = Math.min(...frames, this.frame);
    return oldest < this.frame ? this.film.frames[oldest].step : null;
  }
  has(name) { return Boolean(this.kept(this.parts[name])); }
  size(name) { return this.parts[name].size; }
  limit(name) { return name === "weights" ? 1 : Math.max(...[this, ...this.beside].map(({ parts }) => (parts[name] ? limitOf(parts[name].frames) : 0))); }
  values(name) {
    const part = this.parts[name];
    const frame = this.kept(part);
    return frame && cellsOf(part, frame);
  }
  // Of answers that of a query.
  row(name, i) {
    const values = this.values(name);
    if (!values) return null;
    const columns = this.size(name)[1];
    if (name === "answers") i = this.queryAt(i);
    return values.subarray(i * columns, (i + 1) * columns);
  }
  // Whether the mask hides a key: its score is a number, and is none once the mask is added.
  isHidden(query, key) {
    if (!this.has("scaled") || Number.isFinite(this.row("scaled", query)[key])) return false;
    return !this.has("scores") || Number.isFinite(this.row("scores", query)[key]);
  }
  // Whether other layers stand between this one and the answer.
  get isBelow() { return this.layer !== undefined && this.layer !== this.film.layers.at(-1); }
  get nKeys() { return this.map?.size[1] ?? this.parts.k?.size[0] ?? 0; }
  get nQueries() { return this.map?.size[0] ?? this.parts.q?.size[0] ?? 0; }
  get tokens() { return this.probe?.tokens ?? []; }
  // Queries and keys count from the beginning of their own sequence, which may be a part of the input.
  get queries() { return this.map?.queries ?? [0, this.tokens.length]; }
  get keys() { return this.map?.keys ?? [0, this.tokens.length]; }
  get isCross() { return String(this.queries) !== String(this.keys); }
  queryAt(i) { return this.queries[0] + i; }
  get queryTokens() { return this.tokens.slice(...this.queries); }
  get keyTokens() { return this.tokens.slice(...this.keys); }
  // Whether the answer was written by a model, as it was then: it is neither right nor wrong.
  get isWritten() { return Boolean(this.probe?.isWritten); }
  targetAt(position) { return this.probe?.targets[position] ?? ""; }
  target(query) { return this.targetAt(this.queryAt(query)); }
  hasTarget(query) { return this.target(query) !== ""; }
  // Rows of the map whose answers do not count, where others do.
  silentRows() {
    const all = this.queryTokens.map((_, i) => !this.hasTarget(i));
    return this.nQueries === all.length && all.includes(false) ? all : [];
  }
  predictionAt(position) {
    for (let frame = this.frame; frame >= 0; frame--) {
      const predicted = this.probe?.predictions[frame];
      if (predicted) return predicted[position];
    }
    return "";
  }
  prediction(query) { return this.predictionAt(this.queryAt(query)); }
  // Whether its answers are NaN or infinite, so that there is none.
  isBroken(i) { return this.has("answers") && this.hasTarget(i) && !Array.from(this.row("answers", i)).every(Number.isFinite); }
  // The query that is shown where none is pinned: the first whose answer counts.
  firstQuery() {
    const first = this.queryTokens.findIndex((_, i) => this.hasTarget(i));
    return Math.min(Math.max(first, 0), Math.max(this.nQueries - 1, 0));
  }
  queryName(i) { return nameIn(this.queryTokens, i); }
  keyName(i) { return nameIn(this.keyTokens, i); }
  // The probability of an answer; unknown where two tokens have the same label.
  shareOf(label, query) {
    const { vocabulary } = this.film;
    const token = vocabulary.indexOf(label);
    return token >= 0 && token === vocabulary.lastIndexOf(label) && this.has("answers") ? this.row("answers", query)[token] : NaN;
  }
  // What decides: scaled scores where they were kept, weights otherwise. Hidden keys are NaN and last.
  preferences(query) {
    const name = this.has("scaled") ? "scaled" : this.has("weights") ? "weights" : null;
    const row = name && this.row(name, query);
    if (!row) return null;
    const order = Array.from(row.keys()).filter((i) => Number.isFinite(row[i])).sort((a, b) => row[b] - row[a]);
    return { name, row, order };
  }
  // What keys and values are made of: x, or what the encoder made of the source.
  get inputOfKeys() { return this.parts.s ? "s" : "x"; }
  matrix(name) { return this.layer?.heads[this.head]?.raw.find((matrix) => matrix.name === name); }
}

// A token that stands there twice is named with its position.
function nameIn(tokens, i) {
  const token = tokens[i];
  if (token === undefined) return say("positionName", { position: i });
  const isOnce = tokens.indexOf(token) === tokens.lastIndexOf(token);
  return isOnce ? isolated(cut(token)) : say("tokenAt", { token: isolated(cut(token)), position: i });
}
