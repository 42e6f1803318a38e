// From one recorded frame to the next in slow motion: seven beats, from the batch to W + Δ. Between the two lie one step
// of training or several, and the gradient is that of the last of them.
const BEAT_TIME = 4200;
const BEATS = [
  { key: "batch", lit: ["tokens", "x"] },
  { key: "projections", lit: ["x", "q", "k", "v"] },
  { key: "scores", lit: ["q", "k", "scores", "scaled"] },
  { key: "mixture", lit: ["weights", "v", "context"] },
  { key: "loss", lit: ["context", "answers", "tokens"] },
  { key: "gradients", lit: ["matrices"], view: "gradient" },
  { key: "update", lit: ["matrices"], view: "delta" },
];

class Beats {
  // `seek` moves the film to a frame; `ended` is called when the reader is through, or leaves.
  constructor(stage, { seek, ended }) {
    Object.assign(this, { stage, seek, ended, beat: -1, timer: 0 });
    const button = (key, action) => {
      const element = make("button", { type: "button", class: "plain" }, say(`beats.${key}`));
      element.addEventListener("click", action);
      return element;
    };
    this.title = make("h2", { class: "beat-title" });
    this.line = make("p", { class: "beat-line" });
    this.dots = BEATS.map(({ key }, i) => {
      const dot = make("button", { type: "button", class: "dot", "aria-label": say("beats.dot", { n: i + 1, title: say(`beat.${key}`) }) }, String(i + 1));
      dot.addEventListener("click", () => this.to(i, false));
      return dot;
    });
    this.root = make("section", { class: "beats" },
      make("div", { class: "beat-head" }, this.title, make("div", { class: "dots-row" }, ...this.dots), make("div", { class: "beat-buttons" }, button("back", () => this.to(Math.max(this.beat - 1, 0), false)), button("next", () => this.to(this.beat + 1, false)), button("replay", () => this.to(0, true)), button("skip", () => this.end()))), this.line);
    this.line.setAttribute("aria-live", "polite");
    this.root.hidden = true;
    // On a narrow screen the bar below has no room for it.
    this.starter = make("button", { type: "button", class: "plain beats-start" });
    this.starter.addEventListener("click", () => this.start());
    stage.card.append(this.starter, this.root);
  }
  get isRunning() { return this.beat >= 0; }
  // The frames between which the beats lie when they start at one of them.
  ends(frame) {
    const from = Math.max(Math.min(frame, this.stage.film.frames.length - 2), 0);
    return { from, after: Math.min(from + 1, this.stage.film.frames.length - 1) };
  }
  // How many steps of training that is.
  steps({ from, after }) { return this.stage.film.frames[after].step - this.stage.film.frames[from].step; }
  // The name of what a button starts at a frame.
  named(frame) {
    const n = this.steps(this.ends(frame));
    return n === 1 ? say("slow") : say("slow.many", { n });
  }
  start() {
    if (this.stage.film.frames.length < 2) return;
    Object.assign(this, this.ends(this.stage.state.frame), { view: this.stage.state.view });
    this.root.setAttribute("aria-label", this.named(this.from));
    this.seek(this.from);
    this.root.hidden = false;
    this.stage.root.classList.add("in-beats");
    this.to(0, true);
  }
  to(beat, isPlaying) {
    clearTimeout(this.timer);
    if (beat >= BEATS.length) return this.end();
    this.beat = beat;
    const { key, lit, view } = BEATS[beat];
    this.title.textContent = say("beats.title", { n: beat + 1, title: say(`beat.${key}`) });
    this.dots.forEach((dot, i) => dot.setAttribute("aria-current", i === beat ? "step" : "false"));
    this.stage.show({ lit: new Set(lit), view: view ?? this.view, after: view ? this.after : null });
    this.line.replaceChildren(...prose(this.words(key)));
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (isPlaying && !isStill) this.timer = setTimeout(() => this.to(beat + 1, true), BEAT_TIME);
  }
  // What the numbers of a beat are now, and after the step.
  words(key) {
    const { stage, from, after } = this;
    const query = stage.query;
    const [now, then] = [from, after].map((frame) => stage.moment.at(frame));
    const best = now.preferences(query)?.order[0] ?? 0;
    const n = this.steps(this);
    const when = n === 1 ? say("afterStep") : say("afterSteps", { n });
    const words = { query: now.queryName(query), key: now.keyName(best), step: now.step, next: then.step, when };
    const both = (name, format) => {
      const values = [now, then].map((moment) => moment.has(name) && moment.row(name, query)?.[best]);
      return values.every(Number.isFinite) ? { before: format(values[0]), after: format(values[1]) } : null;
    };
    if (key === "batch") return say(n === 1 ? "beat.batch.line" : "beat.batch.many", { ...words, steps: n, n: /^batch_size = (\d+)/m.exec(stage.film.run?.config ?? "")?.[1] ?? say("many") });
    if (key === "projections") return now.has("q") ? say("beat.projections.line", { ...words, before: vectorInWords(now.row("q", query)), after: vectorInWords(then.row("q", query)) }) : say("beat.projections.plain");
    if (key === "scores" || key === "mixture") {
      const found = both(key === "scores" ? (now.has("scaled") ? "scaled" : "scores") : "weights", key === "scores" ? brief : percent);
      return found ? say(`beat.${key}.line`, { ...words, ...found }) : say(`beat.${key}.plain`);
    }
    if (key === "loss") return this.lossInWords(now, then, query);
    if (key === "gradients" || key === "update") return this.matricesInWords(key, now, then);
    return "";
  }
  lossInWords(now, then, query) {
    const loss = this.lossOf(now.step + 1);
    const all = loss === undefined ? "" : say("beat.loss.all", { at: now.step + 1, loss: number(loss) });
    const share = now.shareOf(now.target(query), query);
    return Number.isFinite(share) ? say(now.isWritten ? "beat.loss.written" : "beat.loss.line", { answer: isolated(now.target(query)), share: percent(share), loss: amount(-Math.log(share)), all }) : say(now.isWritten ? "beat.loss.plainWritten" : "beat.loss.plain", { all });
  }
  matricesInWords(key, now, then) {
    const view = BEATS.find((beat) => beat.key === key).view;
    const sizes = ["W_V", "W_K", "W_Q", "W_O"].flatMap((name) => {
      const matrix = now.matrix(name);
      return matrix && MatrixView.values(matrix, view, this.from, this.after) ? [`${name} ${amount(MatrixView.length(matrix, view, this.from, this.after))}`] : [];
    });
    if (!sizes.length) return say(`beat.${key}.plain`);
    const steps = this.steps(this);
    // Each of the two is of the batch of its own step, which has not changed anything yet.
    const losses = [now, then].map(({ step }) => this.lossOf(step + 1));
    const fall = losses.includes(undefined) ? "" : say("beat.update.loss", { first: now.step + 1, last: then.step + 1, before: number(losses[0]), after: number(losses[1]) });
    const which = steps === 1 ? "" : say("beat.gradients.last");
    return say(`beat.${key}.line`, { sizes: sizes.join(", "), fall, which, steps: steps === 1 ? say("oneStep") : say("manySteps", { n: steps }) });
  }
  // The loss of a step's batch with the weights before that step.
  lossOf(step) { return this.stage.film.log?.losses?.find(([at]) => at === step)?.[1]; }
  // Through, or skipped: the film stands at the frame to which the beats lead.
  end() {
    if (!this.isRunning) return;
    this.leave();
    this.seek(this.after);
    this.ended();
  }
  // The reader went elsewhere, where these words are not true.
  leave() {
    clearTimeout(this.timer);
    if (!this.isRunning) return;
    this.beat = -1;
    this.root.hidden = true;
    this.stage.root.classList.remove("in-beats");
    this.stage.show({ lit: null, after: null, view: this.view });
  }
}
