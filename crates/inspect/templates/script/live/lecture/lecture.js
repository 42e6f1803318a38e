// The lecture: one station after the other, each with its run, its two sentences, and a question that the run answers.
class Lecture {
  constructor(place) {
    // What a station has seen of its runs, and what it said of them.
    Object.assign(this, { index: null, seen: {}, lines: [], isFound: false, wasHere: true, place });
    this.count = make("p", { class: "station-count" });
    this.title = make("h2", { class: "station-title", tabindex: "-1", id: "station-title" });
    this.dots = STATIONS.map(({ key }, i) => this.button(String(i + 1), () => this.open(i), { class: "dot", "aria-label": say("lecture.dot", { n: i + 1, title: say(`station.${key}`) }) }));
    this.text = make("p", { class: "station-text" });
    this.question = make("p", { class: "station-question" });
    this.actions = make("div", { class: "station-actions" });
    this.found = make("div", { class: "station-found", "aria-live": "polite" });
    this.notes = make("p", { class: "station-notes" });
    this.back = this.button(say("lecture.back"), () => this.move(-1), { class: "plain station-back" });
    this.next = this.button(say("lecture.next"), () => this.move(1));
    this.present = this.button(say("lecture.present"), () => presenter.toggle(), { class: "plain station-present" });
    // Where the presenter's view puts what else a station needs.
    this.lent = make("span", { class: "station-lent" });
    this.closer = this.button("×", () => (presenter.isOn ? presenter.leave() : this.close()), { class: "plain station-close", "aria-label": say("lecture.close") });
    place.replaceChildren(
      make("div", { class: "station-head" }, this.count, this.title, make("div", { class: "dots-row" }, ...this.dots), make("div", { class: "station-buttons" }, this.back, this.next, this.present, this.closer)),
      this.text,
      make("div", { class: "station-asked" }, this.question, make("div", { class: "station-row" }, this.actions, this.lent)),
      this.found,
      this.notes,
    );
  }
  button(words, action, attributes = { class: "plain" }) {
    const one = make("button", { type: "button", ...attributes }, words);
    one.addEventListener("click", action);
    return one;
  }
  get station() { return STATIONS[this.index] ?? null; }
  // Before the first station there is none, and after the last one the lecture is over.
  move(by) {
    if (this.index === null) return this.open(by > 0 ? 0 : STATIONS.length - 1);
    const next = this.index + by;
    if (next >= 0 && next < STATIONS.length) this.open(next);
  }
  open(index) {
    this.show(index);
    this.begin();
    scrollTo(0, 0);
    this.title.focus({ preventScroll: true });
  }
  show(index) {
    Object.assign(this, { index, seen: {}, lines: [], isFound: false, wasHere: true });
    this.build();
  }
  begin() {
    const { task, settings: own, lanes, large, speed } = this.station;
    at("speed").value = speed ?? BY_ITSELF;
    at("speed").dispatchEvent(new Event("change"));
    guess.hold(this.station.asks ?? null);
    settings.adopt(task, Object.entries(own));
    begin({ ...settings.begin(), lanes: lanes ?? [], large });
  }
  // The same with other settings.
  beginWith(more) {
    settings.adopt(this.station.task, Object.entries({ ...this.station.settings, ...more }));
    begin({ ...settings.begin(), lanes: [] });
  }
  close() {
    this.index = null;
    guess.release();
    presenter.leave();
    this.build();
    live.film && show();
  }
  build() {
    const { station, place } = this;
    place.hidden = !station;
    at("screen").classList.toggle("has-station", Boolean(station));
    at("lecture").setAttribute("aria-pressed", String(Boolean(station)));
    if (!station) return;
    const { key, actions = [], values = {} } = station;
    this.count.textContent = say("lecture.count", { n: this.index + 1, of: STATIONS.length });
    this.title.replaceChildren(...prose(say(`station.${key}`)));
    this.text.replaceChildren(...prose(say(`station.${key}.text`, values)));
    this.question.replaceChildren(...prose(say(`station.${key}.question`, values)));
    this.notes.replaceChildren(make("b", {}, say("lecture.notes")), " ", ...prose(say(`station.${key}.notes`)));
    this.dots.forEach((dot, i) => dot.setAttribute("aria-current", i === this.index ? "step" : "false"));
    this.buttons = actions.map(({ text, values: own, edit: change, settings: more }) => {
      const one = this.button("", () => trainer.whenBegun(() => (change ? edit(change()) : this.beginWith(more))));
      one.append(...prose(say(text, own)));
      return one;
    });
    this.actions.replaceChildren(...this.buttons);
    this.back.disabled = this.index === 0;
    this.next.disabled = this.index === STATIONS.length - 1;
    this.tell();
  }
  // Whether the run is the one of the station: a reader may have set another task, or other settings than its actions do.
  get isHere() {
    const { station } = this;
    if (!station || !live.film || trainer.isBeginning || live.run.task !== station.task || live.lanes.length !== (station.lanes?.length ?? 1)) return false;
    const free = (station.actions ?? []).flatMap(({ settings: own = {} }) => Object.keys(own));
    const asked = live.asked.begin.settings ?? [];
    if (!Object.entries(station.settings).every(([key, value]) => free.includes(key) || asked.includes(`${key}=${value}`))) return false;
    return live.lanes.every((lane) => ["scaled", "weights"].every((name) => momentAt(0, lane).has(name) || momentAt(lane.film.frames.length - 1, lane).has(name)));
  }
  shown() {
    if (!this.station || this.isFound) return;
    const { isHere } = this;
    if (isHere !== this.wasHere) {
      this.wasHere = isHere;
      this.tell();
    }
    if (!isHere) return;
    const { lines, isFound } = this.station.look(this.seen);
    if (JSON.stringify([lines, isFound]) === JSON.stringify([this.lines, this.isFound])) return;
    Object.assign(this, { lines, isFound });
    this.tell();
  }
  // What was found so far; a screen reader is told when it is all.
  tell() {
    this.found.classList.toggle("is-found", this.isFound);
    this.found.replaceChildren(...this.lines.map(([key, values]) => make("p", {}, ...prose(say(key, values)))));
    if (this.isFound) this.found.prepend(make("b", { class: "station-mark" }, say("lecture.found")));
    else if (!this.wasHere && !trainer.isBeginning && live.film) this.found.append(say("lecture.elsewhere"), " ", this.button(say("lecture.again"), () => this.open(this.index)));
  }
  // In the address, beside the run and what is shown of it; on its own it stands for the run of the station.
  address() { return { station: this.station ? this.index + 1 : null }; }
  restore({ station, task }) {
    const index = Number(station) - 1;
    if (station === undefined || !STATIONS[index]) return [];
    this.show(index);
    if (this.isHere) return ["station"];
    if (task !== undefined && task !== this.station.task) live.refused = say("lecture.instead");
    this.begin();
    return ["station"];
  }
}

const lecture = new Lecture(at("station"));
accompany(lecture);
at("lecture").addEventListener("click", () => (lecture.station ? lecture.close() : lecture.open(0)));
keyActions.n = () => lecture.move(1);
keyActions.N = () => lecture.move(-1);
// Keys of a presenter's remote control; without a station they scroll.
for (const [key, by] of [["PageDown", 1], ["PageUp", -1]]) keyActions[key] = () => (lecture.station ? lecture.move(by) : scrollBy(0, by * 0.9 * innerHeight));
for (const key of ["n", "N", "PageDown", "PageUp"]) earlyKeys.add(key);
