// The stage: everything that one head does to one input at one frame, drawn for one query. Where frames come from, and
// what moves them, is no matter of it: `show` is given what is to be seen.
// Pixels across a page of A4 between its margins, the wider ones of two browsers; Letter has more.
const PAPER = 698;
// Pixels below which a stage has no room for all its words.
const LOW = 500;
// What stands below the plane, and less than which it has no meaning.
const PLANE_WORDS = 32;
// What stands below the pipeline in little height: the words, or the card of who reaches in.
const LOW_WORDS = 60;
const LOW_CARD = 122;

class Stage {
  // `changed` is called with what a reader chose: { query }, { view } or { gauge }; it is to call `show` with that.
  constructor(place, film, changed) {
    // `others` are films that share the scales of this one, so that sizes can be compared.
    Object.assign(this, { film, changed, pointed: null, shown: null, others: [], picked: () => false, guess: null });
    // Frame, layer by name, head, input, pinned query or null, view of the matrices, whether their gauge is balanced;
    // `lit` are the parts that a beat speaks of, `after` is the frame to which it leads.
    this.state = { frame: 0, layer: "", head: 0, probe: 0, query: null, view: "weights", gauge: false, lit: null, after: null };
    const point = (query) => this.point(query);
    // What is picked may be an answer to something that was asked of the reader; else its query is pinned.
    const pin = (query, key) => this.picked(query, key) || this.changed({ query: this.state.query === query ? null : query });
    const said = (text) => {
      this.where.textContent = text;
      this.told = { text, frame: this.film.frames[this.state.frame] };
    };
    this.tell = said;
    this.left = make("div", { class: "stage-left" });
    this.right = make("div", { class: "stage-right" });
    this.tokens = new Tokens(this.left, { pinned: pin, pointed: point, said });
    this.flow = make("div", { class: "flow" });
    this.missing = make("p", { class: "hint missing" });
    this.pipeline = new Pipeline(this.flow, { pointed: () => {}, said });
    this.lower = make("div", { class: "lower" });
    this.plane = new Plane(this.lower);
    this.words = make("div", { class: "sentences", "aria-live": "polite" });
    this.worked = make("div", { class: "worked" });
    this.where = make("p", { class: "where", "aria-live": "polite" });
    this.card = make("div", { class: "card-place" });
    this.lower.append(make("div", { class: "beside" }, this.card, this.words, this.worked, this.where));
    this.flow.append(this.missing);
    this.left.append(this.flow, this.lower);
    this.map = new MapView(this.right, { pinned: pin, pointed: point, said });
    this.matrices = new MatrixView(this.right, { changed: (choice) => this.changed(choice), said });
    this.root = make("div", { class: "stage" }, this.left, this.right);
    place.append(this.root);
    this.sized = new ResizeObserver(() => this.resize());
    this.sized.observe(this.root);
  }
  // Another stage takes its place.
  close() { this.sized.disconnect(); }
  // Another film in the same place, to be shown next.
  open(film) { Object.assign(this, { film, held: null, worded: null }); }
  get moment() { return new Moment(this.film, this.state, this.others.map((film) => new Moment(film, this.state))); }
  // The query that is drawn: the one pointed at, the pinned one, or the first whose answer counts.
  get query() {
    const moment = this.shown ?? this.moment;
    const within = (query) => query !== null && query < moment.nQueries;
    // The words of a beat are about one query.
    return [this.state.lit ? null : this.pointed, this.state.query].find(within) ?? moment.firstQuery();
  }
  point(query) {
    if (this.pointed === query) return;
    this.pointed = query;
    if (this.shown) this.draw();
  }
  show(state) {
    const last = this.state;
    this.state = { ...last, ...state };
    this.shown = this.moment;
    // An input may have become another one where it stands.
    const asked = JSON.stringify([this.shown.tokens, this.shown.probe?.targets, this.shown.isWritten]);
    const isOther = asked !== this.asked || ["layer", "head", "probe"].some((key) => this.state[key] !== last[key]);
    this.asked = asked;
    // What a frame holds decides about the columns.
    const held = ["x", "s", "q", "k", "v", "scores", "scaled", "weights", "context", "answers"].filter((name) => this.shown.has(name)).join();
    if (isOther || held !== this.held) {
      this.held = held;
      this.layOut();
    }
    this.draw();
  }
  layOut() {
    const moment = this.shown;
    colourIdentities();
    this.tokens.build(moment);
    this.missing.hidden = moment.has("q") || !moment.kept(moment.map);
    this.missing.replaceChildren(...marked(say(this.film.probes.some((probe) => probe.traces?.length) ? "noTraceHere" : this.film.left_out?.length ? "noTraceRoom" : "noTrace")));
    // What is printed may be measured before it is laid out as on paper.
    const isPaper = printed.matches;
    const isWide = !isPaper && matchMedia("(min-width: 1000px)").matches;
    const [width, height] = [Math.min(this.flow.clientWidth || 640, isPaper ? PAPER : Infinity), this.left.clientHeight];
    const room = isWide ? height - this.tokens.root.offsetHeight - 8 : 640;
    // What stands below needs 82 pixels at least, 60 in little height; with few keys the plane has room there.
    const isLow = isWide && height < LOW;
    const isPlane = moment.has("q") && moment.has("k");
    this.root.classList.toggle("is-low", isLow);
    this.layOutLeft = () => {
      const words = !isLow ? 82 : this.root.classList.contains("in-reach") ? LOW_CARD : LOW_WORDS;
      const used = this.pipeline.layOut(this.shown, Math.max(width, isWide || isPaper ? 0 : 700), Math.max(room - words, 160), isPlane ? Math.max(96, room * 0.3) : 0, isWide ? 56 : 30);
      const left = isWide ? room - used - 34 : 190;
      this.hasRoom = left > 100;
      this.root.classList.toggle("has-room", this.hasRoom);
      this.layOutPlane(this.shown, width, isWide ? left : Math.min(left, 380, width * 0.4));
    };
    this.layOutLeft();
    // Within the padding of the column.
    const side = Math.min(this.map.root.clientWidth || 328, isPaper ? PAPER * 0.45 : Infinity);
    const tall = isWide ? this.right.clientHeight : 0;
    const most = isPaper ? 260 : 480;
    // In little height the map comes before the words below the matrices; without matrices it has their room.
    const below = moment.layer?.heads[moment.head]?.raw.length ? (isLow ? 244 : 310) : 120;
    this.map.layOut(moment, isWide ? side : Math.min(side, most), isWide ? tall - below : most);
    const over = isWide ? tall - this.map.root.offsetHeight - (isLow ? 78 : 118) : 200;
    this.matrices.space = [Math.min(this.matrices.root.clientWidth || side, isPaper ? side : Infinity), Math.max(over, 76)];
    this.matrices.layOut(moment, ...this.matrices.space);
    // What flat matrices leave of little height the map has.
    const free = isLow && this.matrices.pictures.length ? tall - this.matrices.root.offsetHeight - this.map.root.offsetHeight - 10 : 0;
    if (free > 8) this.map.layOut(moment, side, tall - below + free);
  }
  // A reader reaches in, or has done so: the card has room below the pipeline. The pictures beside it stay as they are,
  // since one of them may have the focus.
  reach(isOn) {
    if (this.root.classList.contains("in-reach") === isOn) return;
    this.root.classList.toggle("in-reach", isOn);
    if (!this.shown || !this.layOutLeft) return;
    this.layOutLeft();
    this.draw();
  }
  // Below the pipeline, or in little height beside the tokens, where a short input leaves room above the answers.
  layOutPlane(moment, width, left) {
    const last = this.tokens.buttons.at(-1)?.button;
    const above = this.tokens.root.offsetHeight + 8 + (this.pipeline.nAnswers ? this.pipeline.answersTop - HEADING : this.pipeline.height);
    const beside = last ? width - last.offsetLeft - last.offsetWidth - 24 : 0;
    const isBeside = left < LEAST_PLANE && Math.min(above - PLANE_WORDS, beside) >= LEAST_PLANE;
    this.root.classList.toggle("plane-beside", isBeside);
    this.plane.layOut(moment, isBeside ? Math.min(above - PLANE_WORDS, beside, 240) : Math.min(left, 380, width * 0.4));
  }
  // What was told of a cell that is left is not true of another frame.
  forget(frame) {
    const isPointed = [this.map.cells, this.pipeline, ...(this.matrices.pictures ?? []).map(({ cells }) => cells)].some((one) => one?.cell);
    if (!this.told || isPointed || frame === this.told.frame) return;
    if (this.where.textContent === this.told.text) this.where.textContent = "";
    this.told = null;
  }
  resize() {
    const size = [this.left.clientWidth, this.left.clientHeight, this.right.clientWidth].join();
    if (!this.shown || size === this.size) return;
    this.size = size;
    this.layOut();
    this.draw();
  }
  draw() {
    const { state, shown, query } = this;
    // Where a reader expects a query to look, as { probe, query, key }.
    const guess = this.guess?.probe === state.probe ? this.guess : null;
    const guessed = guess?.query === query ? guess.key : null;
    this.tokens.show(shown, query, state.query, guessed);
    this.pipeline.show(shown, query, state.lit, guessed);
    this.plane.show(shown, query);
    this.map.show(shown, query, guess);
    this.matrices.show(shown, state);
    this.table?.show(shown, query, (this.matrices.pictures ?? []).filter(({ isKept }) => isKept), state.view);
    for (const part of this.root.querySelectorAll(".part")) part.classList.toggle("dim", Boolean(state.lit) && !state.lit.has(part.dataset.part));
    this.worked.replaceChildren(...(this.hasRoom ? workedOut(shown, query) : []));
    const key = `${shown.frame} ${query} ${state.probe} ${state.layer} ${state.head}`;
    // A change by hand puts another frame in the place of one.
    const frame = this.film.frames[shown.frame];
    this.forget(frame);
    if (key === this.worded && frame === this.wordedFrame) return;
    Object.assign(this, { worded: key, wordedFrame: frame });
    const isEmpty = shown.tokens.length === 0 && shown.nQueries === 0;
    this.left.classList.toggle("empty", isEmpty);
    if (isEmpty) return this.words.replaceChildren(make("p", { class: "sentence" }, say("noInput")));
    const older = shown.olderStep();
    this.words.replaceChildren(...[older === null ? "" : say("attention.older", { step: older }), attentionInWords(shown, query), shown.facts.kind === "encoder" ? "" : answerInWords(shown, query)].filter(Boolean).map((text) => make("p", { class: "sentence" }, ...prose(text))));
  }
}
