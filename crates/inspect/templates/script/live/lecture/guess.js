// Predict first: before training the reader says where a query will look, and the page keeps that, and says what came of it.
// Of more keys than this nobody picks one.
const MOST_CHOICES = 32;

class Guess {
  constructor() {
    // Runs so far, so that every one asks of another query; whether a part of the page, or the reader, does without it.
    Object.assign(this, { runs: 0, asked: null, isPinned: false, isReaders: false, key: null, isOff: false, isHeld: false, fixed: null, stage: null });
    this.words = make("p", { class: "guess-words", "aria-live": "polite" });
    const button = (key, action) => {
      const one = make("button", { type: "button", class: "plain" }, say(key));
      one.addEventListener("click", action);
      return one;
    };
    this.notNow = button("guess.notNow", () => this.dismiss());
    this.other = button("guess.other", () => this.set({ key: null }));
    this.root = make("section", { class: "guess", "aria-label": say("guess.title") }, this.words, make("div", { class: "guess-buttons" }, this.other, this.notNow));
    this.root.hidden = true;
  }
  began() {
    this.runs += 1;
    // A row that the reader did not choose is let go, so that the next run can ask of another.
    if (this.isPinned && !this.isReaders && state.query === this.asked?.query) state.query = null;
    Object.assign(this, { asked: null, key: null, isPinned: false, isReaders: false });
  }
  grown(film) {
    if (this.stage === live.stage) return;
    this.stage = live.stage;
    this.stage.picked = (query, key) => this.picked(query, key);
    this.stage.card.prepend(this.root);
    this.asked = this.question(film);
  }
  // The query that is asked of, or null: the pinned one, or in every run the next one whose answer counts.
  question(film) {
    const moment = new Moment(film, { ...state, frame: 0 });
    const isAsked = film.frames[0].step === 0 && film.layers.length <= 1 && moment.map && moment.map.block.every((n) => n === 1) && moment.tokens.length === moment.nKeys && moment.nKeys <= MOST_CHOICES;
    const queries = isAsked ? moment.tokens.flatMap((_, i) => (moment.hasTarget(i) ? [i] : [])) : [];
    return queries.length ? { probe: state.probe, query: this.fixed ?? (queries.includes(state.query) ? state.query : queries[(this.runs - 1) % queries.length]), tokens: moment.tokens } : null;
  }
  get isAsking() {
    return this.asked !== null && this.key === null && !this.isOff && !this.isHeld && live.film.frames.at(-1).step === 0 && !live.isPlaying && this.asked.probe === state.probe;
  }
  // A token, or a cell in the row of the query, is the answer; everything else is what it always is.
  picked(query, key) {
    if (!this.isAsking || (key !== undefined && query !== this.asked.query)) return false;
    this.set({ key: key ?? query });
    return true;
  }
  // A station has its own questions, or asks of one query; who opens it wants to be asked.
  hold(query) {
    Object.assign(this, { isHeld: query === null, fixed: query, isOff: this.isOff && query === null });
  }
  release() {
    Object.assign(this, { isHeld: false, fixed: null });
  }
  // Its row is let go, too.
  dismiss() {
    this.isOff = true;
    choose(this.isPinned && !this.isReaders && state.query === this.asked.query ? { query: null } : {});
  }
  set(change) {
    Object.assign(this, change);
    choose(this.isAsking ? { query: this.asked.query } : {});
  }
  shown() {
    // Other inputs have other tokens.
    if (this.asked && String(live.film.probes[this.asked.probe]?.tokens) !== String(this.asked.tokens)) Object.assign(this, { asked: null, key: null });
    // The row that is asked of is the one that is drawn.
    if (this.isAsking && !this.isPinned) {
      Object.assign(this, { isPinned: true, isReaders: state.query === this.asked.query });
      if (this.asked.query !== (state.query ?? new Moment(live.film, state).firstQuery())) return choose({ query: this.asked.query });
    }
    const { asked, key, stage } = this;
    const isKept = key !== null && asked !== null;
    const guess = isKept ? { probe: asked.probe, query: asked.query, key } : null;
    const isOther = JSON.stringify(stage.guess) !== JSON.stringify(guess);
    stage.guess = guess;
    if (isOther) stage.draw();
    this.root.hidden = !(this.isAsking || (isKept && asked.probe === state.probe)) || slowMotion.isRunning;
    stage.root.classList.toggle("asks-first", this.isAsking);
    stage.root.classList.toggle("has-guess", !this.root.hidden && !this.isAsking);
    if (this.root.hidden) return;
    this.other.hidden = !isKept || live.film.frames.at(-1).step > 0;
    this.notNow.hidden = isKept;
    const moment = new Moment(live.film, state);
    this.say(this.isAsking ? say("guess.ask", { query: this.named(moment, asked.query) }) : this.outcome(moment));
  }
  played() {
    if (live.film && this.stage) this.shown();
  }
  say(text) {
    if (text === this.said) return;
    this.said = text;
    this.words.replaceChildren(...prose(text));
  }
  named(moment, i) { return say("tokenAt", { token: isolated(cut(moment.tokens[i])), position: i }); }
  // What came of it, in numbers.
  outcome(moment) {
    const { query } = this.asked;
    const row = moment.row("weights", query) ?? moment.kept(moment.map) ?? [];
    const best = row.reduce((most, x, i) => (x > row[most] ? i : most), 0);
    const words = { guess: this.named(moment, this.key), query: this.named(moment, query), share: row[this.key]?.toFixed(2), best: this.named(moment, best), bestShare: row[best]?.toFixed(2), step: moment.step };
    if (live.film.frames.at(-1).step === 0) return say("guess.kept", words);
    const isOver = live.ended !== null && state.frame === live.film.frames.length - 1;
    // Of keys that are equal none is right or wrong.
    if (!isOver || largestIn(row).length > 1) return say("guess.soFar", words);
    return say(best === this.key ? "guess.right" : "guess.wrong", words);
  }
}

const guess = new Guess();
accompany(guess);
