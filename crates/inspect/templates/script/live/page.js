// The live page: the stage of a film that grows while it is trained.
const page = JSON.parse(document.getElementById("page").textContent);
const { palettes } = page;
// `lanes` are the runs, of which the one with the number `lane` is large: its film, figures and facts are those of the page.
const live = {
  lanes: [], lane: 0, stage: null, timeline: null, isFollowing: true, isPlaying: false, ended: null, kept: [], asked: null, words: null, isCut: false, inputs: null,
  get film() { return this.lanes[this.lane]?.film ?? null; },
  get run() { return this.lanes[this.lane]?.run ?? null; },
  get figures() { return this.lanes[this.lane]?.figures ?? null; },
};
const state = { frame: 0, layer: "", head: 0, probe: 0, query: null, view: "weights", gauge: false };

accompany(owned, journey, linked);

const trainer = new Trainer({
  ready(run, begin) {
    live.ended = run.ended;
    if (run.isNew) {
      const isSame = live.lanes.map(({ name }) => name).join() === run.lanes.map(({ name }) => name).join();
      Object.assign(live, { lanes: run.lanes.map((one) => new Lane(one)), kept: [], isPlaying: false, asked: begin });
      enlarged(isSame ? live.lane : begin.large ?? 0);
    } else {
      // A run that went somewhere else: what came after that step is cut off by the next frame.
      live.lanes.forEach((lane, i) => (lane.run = run.lanes[i]));
      live.isCut = true;
    }
    showUndo();
    settings.show(live.run);
    settings.refuse(null);
    if (run.isNew) laneChoice.show(begin.lanes);
    laneChoice.refuse("");
    at("summary").textContent = run.summary;
    // What an address or a file asked for in vain is said beside what came in its place.
    if (run.isNew) said(live.refused ?? "");
    live.refused = null;
    for (const control of needingRun) control.disabled = false;
    tell(run.isNew ? "began" : "moved", run);
    showPlaying();
  },
  frame(message) {
    try {
      Object.assign(live, { isPlaying: message.isPlaying, ended: message.ended, rate: message.rate });
      grow(message.lanes);
      showPlaying();
    } finally {
      // The next one is asked for when this one is on the screen.
      requestAnimationFrame(() => trainer.post("credit"));
    }
  },
  kept(message) {
    const { kept, n, step } = message;
    live.kept.push({ kept, step });
    // The worker has given up those before.
    live.kept.splice(0, live.kept.length - n);
    showUndo();
    tell("kept", message);
  },
  edited: (message) => tell("edited", message),
  wanted: (message) => tell("tried", message),
  file({ what, content, name }) {
    // One of several runs gives its file its name.
    const of = name ? `${name.replace(/[^\p{L}\p{N}]+/gu, "-")}.` : "";
    if (what === "config") save(content, `${of}config.toml`, "text/plain");
    else save(content, `${of}model.safetensors`, "application/octet-stream");
  },
  nan(found) {
    stopped("");
    diverged(found);
  },
  error({ kind, message, lane, name, ...more }) {
    if (kind === "panic") {
      stopped("");
      withDetails(say("live.panic"), message);
      trainer.worker.terminate();
      // One that fails before its first picture would fail again.
      if (live.film) trainer.start(live.asked);
    } else if (kind === "begin-panic") withDetails(say("live.panicAtBegin"), message);
    else if (["module", "worker"].includes(kind)) cannotRun(`fails.${kind}`);
    else if (["config", "too-large", "too-large-together"].includes(kind)) {
      const text = kind === "too-large-together" ? say("lanes.tooLarge", more) : name ? say("lanes.refused", { name, message }) : message;
      if (laneChoice.isAbout({ kind, lane, message })) laneChoice.refuse(text);
      else settings.refuse(message);
      // Beside its field it is said already.
      if (!question.isOpen) said(text);
      // An address or a file that does not fit is no reason to have no run at all.
      if (live.run || live.refused) return;
      live.refused = text;
      linked.wanted = null;
      laneChoice.show([]);
      settings.adopt(null, []);
      settings.apply();
    } else {
      if (kind === "input") live.own = null;
      stopped(name ? say("lanes.inOne", { name, message }) : message);
    }
  },
});

const settings = new Settings(at("settings"), { changed: begin, source: new TextSource({ changed: () => settings.apply() }) });
// Other lanes of the same question; weights that were opened belong to one run alone.
const laneChoice = new LaneChoice({ changed: (lanes) => trainer.whenBegun(() => begin({ ...(live.asked ?? settings.begin()), ...lanes })) });
const pace = new Pace(at("speed"), { changed: (rate) => live.isPlaying && trainer.post("rate", { rate }) });
accompany(pace);

// Begins another run: `lanes` are those that are chosen, unless it has its own. The key Enter changes a field and sends
// the form: what is asked for twice at once begins once.
function begin(asked, words = null) {
  const whole = { ...laneChoice.asked, ...asked };
  if (whole.lanes.length) delete whole.weights;
  const wanted = words && JSON.stringify([words, whole.lanes]);
  if (wanted !== null && wanted === live.words && trainer.isBeginning) return;
  live.words = wanted;
  trainer.begin(whole);
}
const beginAgain = () => trainer.whenBegun(() => begin(live.asked));

function stopped(message, options) {
  live.isPlaying = false;
  said(message, options);
  showPlaying();
}

// One more moment of every lane: the first of a run builds the stage, every other one goes behind those that are there.
function grow(lanes) {
  const shown = live.film?.frames[state.frame]?.step;
  const areOther = live.lanes.map((lane, i) => lane.grow(lanes[i], live.isCut));
  live.isCut = false;
  if (areOther[live.lane]) build();
  else if (live.inputs !== inputsOf(live.film)) keepChoice();
  live.timeline.grown();
  // Who looks back stays at that step, though frames before it may be gone.
  const { frames } = live.film;
  state.frame = live.isFollowing || shown === undefined ? frames.length - 1 : Math.max(frames.findLastIndex((frame) => frame.step <= shown), 0);
  tell("grown", live.film);
  show();
}

function build() {
  // What a reader chose stays where there still is such a thing; a query and an input are those of a task.
  const of = `${live.run.task} ${live.run.seq_len}`;
  if (live.of && live.of !== of) Object.assign(state, { probe: 0, query: null });
  Object.assign(live, { of, isFollowing: true });
  state.frame = 0;
  keepChoice();
  live.stage?.close();
  live.timeline?.close();
  at("stage").replaceChildren();
  at("timeline-place").replaceChildren();
  live.stage = new Stage(at("stage"), live.film, choose);
  // Those that are shown, also while others begin.
  const { lanes } = live;
  live.timeline = new Timeline(at("timeline-place"), live.film, { seek, lanes: () => lanes, isFree: (key) => !(lecture.station && key.startsWith("Page")) });
  document.body.classList.add("is-ready");
  performance.mark("first-picture");
}
// Of what a reader chose, what the film of the large lane has as well, and what else can be chosen there.
function keepChoice() {
  const { layers, nHeads, film } = live.lanes[live.lane];
  const kept = (index, n) => (index < n ? index : 0);
  Object.assign(state, { layer: layers.includes(state.layer) ? state.layer : mainLayer(film), head: kept(state.head, nHeads), probe: kept(state.probe, film.probes.length) });
  if (state.query >= (film.probes[state.probe]?.tokens.length ?? 0)) state.query = null;
  options("layer", layers.map((name, i) => layerInWords(film, name) ?? String(i)), layers.indexOf(state.layer));
  document.body.classList.toggle("two-sequences", film.probes.some(({ sides }) => sides?.length === 2));
  options("head", Array.from({ length: nHeads }, (_, i) => String(i)), state.head);
  options("probe", film.probes.map((probe, i) => cut(`${i}: ${inputInWords(probe)}`, 28)), state.probe);
  live.inputs = inputsOf(film);
}
const inputsOf = ({ probes }) => JSON.stringify(probes.map(({ tokens }) => tokens));
function options(id, texts, chosen) {
  at(id).replaceChildren(...texts.map((text, i) => make("option", { value: String(i) }, text)));
  at(id).closest("label").hidden = texts.length < 2;
  at(id).value = String(Math.max(chosen, 0));
}

// Another lane becomes the large one: at the same step, with the same input and the same query.
function enlarge(lane) {
  if (lane === live.lane || !live.lanes[lane]?.film) return;
  enlarged(lane);
  keepChoice();
  live.stage.open(live.film);
  live.timeline.open(live.film);
  settings.show(live.run);
  tell("switched", lane);
  show();
}
const enlarged = (lane) => (live.lane = trainer.lane = Math.min(lane, live.lanes.length - 1));

function show() {
  live.stage.others = live.lanes.filter((_, i) => i !== live.lane).map(({ film }) => film);
  live.stage.show(state);
  live.timeline.show(state.frame);
  const { loss, accuracy } = live.lanes[live.lane].at(state.frame);
  const words = [make("b", {}, say("readout", { step: live.film.frames[state.frame].step }))];
  if (Number.isFinite(loss)) words.push(make("span", { id: "loss" }, say("readout.loss", { loss: number(loss) })));
  if (Number.isFinite(accuracy)) words.push(make("span", { id: "accuracy" }, say("readout.accuracy", { accuracy: percent(accuracy) })));
  at("said").replaceChildren(...words);
  tell("shown", state);
}

// What a reader chose on the stage or beside it.
function choose(choice) {
  // Another sequence has other queries.
  const queriesOf = (layer) => String(live.film?.probes[state.probe]?.maps.find((map) => map.layer === layer)?.queries);
  if ("layer" in choice && !("query" in choice) && queriesOf(choice.layer) !== queriesOf(state.layer)) state.query = null;
  Object.assign(state, choice);
  if (live.film) show();
}
// To a frame that was there: the picture stays there, and the training goes on.
function seek(frame) {
  if (!live.film) return;
  state.frame = Math.min(Math.max(frame, 0), live.film.frames.length - 1);
  live.isFollowing = state.frame === live.film.frames.length - 1;
  show();
}

function showPlaying() {
  const button = at("play");
  const isOver = live.ended !== null && !live.isPlaying;
  button.setAttribute("aria-pressed", String(live.isPlaying));
  button.querySelector(".words").textContent = say(live.isPlaying ? "live.pause" : isOver ? "live.again" : "live.train");
  button.disabled = !live.run;
  // A screen reader need not say every step.
  at("said").setAttribute("aria-live", live.isPlaying ? "off" : "polite");
  const speed = live.isPlaying && live.rate ? pace.words(live.rate) : "";
  const end = isOver && live.film ? say(`live.${live.ended}`, { step: live.film.frames.at(-1).step }) : "";
  at("pace").textContent = speed || end;
  tell("played", live.isPlaying);
}

function toggle() {
  const isWanted = !live.isPlaying;
  trainer.whenBegun(() => play(isWanted));
}
function play(isWanted) {
  if (!isWanted) trainer.post("pause");
  else {
    live.isFollowing = true;
    trainer.post("run", { rate: pace.rate });
  }
  live.isPlaying = isWanted;
  showPlaying();
}
const oneStep = () => trainer.whenBegun(() => {
  journey.stop();
  live.isFollowing = true;
  trainer.post("step");
});
const edit = (change) => trainer.whenBegun(() => {
  journey.stop();
  trainer.post("edit", { edit: change });
});
const file = (what) => trainer.whenBegun(() => trainer.post("file", { what }));
const layerIndex = () => Math.max(live.film.layers.findIndex(({ name }) => name === state.layer), 0);

for (const [id, action] of Object.entries({
  play: toggle, step: oneStep, undo,
  reset: beginAgain,
  "zero-head": () => edit({ what: "zero-head", layer: layerIndex(), head: state.head }),
  swap: () => edit({ what: "swap", layer: layerIndex(), head: state.head }),
  config: () => file("config"),
  weights: () => file("weights"),
})) at(id).addEventListener("click", action);
for (const button of document.querySelectorAll("[data-matrix]")) {
  const place = () => ({ layer: layerIndex(), head: state.head, matrix: button.dataset.matrix });
  const { what } = button.dataset;
  button.addEventListener("click", () => edit(what === "noise" ? { what, place: place(), size: 0.5, seed: live.kept.length } : { what, place: place() }));
}
at("layer").addEventListener("change", () => choose({ layer: live.lanes[live.lane].layers[Number(at("layer").value)] }));
at("head").addEventListener("change", () => choose({ head: Number(at("head").value) }));
at("probe").addEventListener("change", () => choose({ probe: Number(at("probe").value), query: null }));
at("open-weights").addEventListener("change", async () => {
  const [file] = at("open-weights").files;
  if (file) begin({ ...live.asked, lanes: [], weights: await file.arrayBuffer() });
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && live.isPlaying) toggle();
});
for (const query of [dark, printed]) query.addEventListener("change", () => live.film && (live.timeline.build(), live.stage.layOut(), show()));

// What the page was written with: a run's config and weights, or nothing.
function beginning(of) {
  if (!of) return addressed() ?? settings.begin();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  settings.first = { config: of.config, ...(of.weights ? { weights: bytes(of.weights) } : {}), ...(of.text ? { text: bytes(of.text) } : {}) };
  settings.open(settings.first);
  return addressed() ?? settings.begin();
}
// What needs a run waits for the first one.
const needingRun = [...["step", "reset", "zero-head", "swap", "own", "config", "weights", "open-weights"].map(at), ...document.querySelectorAll("[data-matrix]")];
for (const control of needingRun) control.disabled = true;
said(say("live.loading"));
if (lacking()) cannotRun(lacking());
else trainer.start(beginning(page.beginning));
showPlaying();
