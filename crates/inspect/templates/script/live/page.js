// The live page: the stage of a film that grows while it is trained.
const page = JSON.parse(document.getElementById("page").textContent);
const { palettes } = page;
const live = { film: null, stage: null, timeline: null, isFollowing: true, isPlaying: false, ended: null, kept: [], run: null, asked: null, words: null, isCut: false, figures: null };
const state = { frame: 0, layer: "", head: 0, probe: 0, query: null, view: "weights", gauge: false };

// Parts of the page that go along with the run, each in a file of its own: `began(run)` when another run is there,
// `grown(film)` when a frame has come, `shown(state)` when something is drawn, `played(isPlaying)`; each of them may be left out.
const companions = [owned, journey, linked];
const tell = (what, value) => companions.forEach((one) => one[what]?.(value));

const trainer = new Trainer({
  ready(run, begin) {
    Object.assign(live, { run, ended: null });
    // A run that went somewhere else: what came after that step is cut off by the next frame.
    if (run.isNew) Object.assign(live, { film: null, kept: [], isPlaying: false, asked: begin });
    else live.isCut = true;
    at("undo").disabled = !live.kept.length;
    settings.show(run);
    settings.refuse(null);
    at("summary").textContent = run.summary;
    // What an address or a file asked for in vain is said beside what came in its place.
    if (run.isNew) said(live.refused ?? "");
    live.refused = null;
    for (const control of needingRun) control.disabled = false;
    if (run.isNew) tell("began", run);
    showPlaying();
  },
  frame(message) {
    try {
      const part = JSON.parse(new TextDecoder().decode(message.film));
      Object.assign(live, { isPlaying: message.isPlaying, ended: message.ended, rate: message.rate });
      grow(part, message);
      showPlaying();
    } finally {
      // The next one is asked for when this one is on the screen.
      requestAnimationFrame(() => trainer.post("credit"));
    }
  },
  kept({ kept, n, step, what }) {
    live.kept.push({ kept, step });
    // The worker has given up those before.
    live.kept.splice(0, live.kept.length - n);
    at("undo").disabled = false;
    said(say("live.changed", { what: say(`edit.${what}`), step }));
  },
  file({ what, content }) {
    if (what === "config") save(content, "config.toml", "text/plain");
    else save(content, "model.safetensors", "application/octet-stream");
  },
  nan: ({ message }) => stopped(say("live.nan", { message }), { stays: true }),
  error({ kind, message }) {
    if (kind === "panic") {
      stopped(say("live.panic", { message }), { stays: true });
      trainer.worker.terminate();
      // One that fails before its first picture would fail again.
      if (live.film) trainer.start(live.asked);
    } else if (["config", "too-large"].includes(kind)) {
      settings.refuse(message);
      said(message);
      // An address or a file that does not fit is no reason to have no run at all.
      if (live.run || live.refused) return;
      live.refused = message;
      linked.wanted = null;
      settings.adopt(null, []);
      settings.apply();
    } else {
      if (kind === "input") live.own = null;
      stopped(message);
    }
  },
});

const settings = new Settings(at("settings"), { changed: begin, source: new TextSource({ changed: () => settings.apply() }) });

// The key Enter changes a field and sends the form: what is asked for twice at once begins once.
function begin(asked, words = null) {
  if (words !== null && words === live.words && trainer.isBeginning) return;
  live.words = words;
  trainer.begin(asked);
}
const beginAgain = () => trainer.whenBegun(() => begin(live.asked));

function stopped(message, options) {
  live.isPlaying = false;
  said(message, options);
  showPlaying();
}

// One more moment: the first of a run builds the stage, every other one goes behind those that are there.
function grow(part, { steps, evaluations }) {
  const { film } = live;
  const step = part.frames[0].step;
  const shown = film?.frames[state.frame]?.step;
  if (!film) {
    live.film = Object.assign(part, { log: { losses: [], accuracies: [] } });
    build();
  } else {
    if (live.isCut || film.frames.at(-1).step >= step) cutBack(film, step);
    live.isCut = false;
    if (film.frames.length) append(film, part);
    else {
      live.film = Object.assign(part, { log: film.log });
      build();
    }
  }
  const { log } = live.film;
  log.losses.push(...steps.map((one) => [one.step, one.loss]));
  log.accuracies.push(...evaluations.filter(({ figures }) => Number.isFinite(figures.accuracy)).map((one) => [one.step, one.figures.accuracy]));
  live.figures = evaluations.at(-1)?.figures ?? live.figures;
  thin(live.film);
  live.timeline.grown();
  // Who looks back stays at that step, though frames before it may be gone.
  const { frames } = live.film;
  state.frame = live.isFollowing || shown === undefined ? frames.length - 1 : Math.max(frames.findLastIndex((frame) => frame.step <= shown), 0);
  tell("grown", live.film);
  show();
}

function build() {
  const { film } = live;
  const layers = film.layers.map((layer) => layer.name).concat(film.probes.flatMap((probe) => probe.maps.map((map) => map.layer)));
  const names = [...new Set(layers)];
  const n_heads = Math.max(...film.probes.flatMap((probe) => probe.maps.map((map) => map.head + 1)), ...film.layers.map((layer) => layer.heads.length), 1);
  // What a reader chose stays where there still is such a thing; a query and an input are those of a task.
  const of = `${live.run.task} ${live.run.seq_len}`;
  if (live.of && live.of !== of) Object.assign(state, { probe: 0, query: null });
  live.of = of;
  const kept = (index, n) => (index < n ? index : 0);
  Object.assign(state, { frame: 0, layer: names.includes(state.layer) ? state.layer : names[0] ?? "", head: kept(state.head, n_heads), probe: kept(state.probe, film.probes.length) });
  if (state.query >= (film.probes[state.probe]?.tokens.length ?? 0)) state.query = null;
  live.isFollowing = true;
  live.stage?.close();
  live.timeline?.close();
  at("stage").replaceChildren();
  at("timeline-place").replaceChildren();
  live.stage = new Stage(at("stage"), film, choose);
  live.timeline = new Timeline(at("timeline-place"), film, { seek });
  options("layer", names, names.indexOf(state.layer));
  options("head", Array.from({ length: n_heads }, (_, i) => String(i)), state.head);
  options("probe", film.probes.map((probe, i) => cut(`${i}: ${probe.tokens.join(" ")}`, 28)), state.probe);
  document.body.classList.add("is-ready");
  performance.mark("first-picture");
}
function options(id, texts, chosen) {
  at(id).replaceChildren(...texts.map((text, i) => make("option", { value: String(i) }, text)));
  at(id).closest("label").hidden = texts.length < 2;
  at(id).value = String(Math.max(chosen, 0));
}

function show() {
  const frame = live.film.frames[state.frame];
  live.stage.show(state);
  live.timeline.show(state.frame);
  const { log } = live.film;
  const loss = frame.loss ?? log.losses.findLast(([step]) => step <= frame.step)?.[1];
  const accuracy = log.accuracies.findLast(([step]) => step <= frame.step)?.[1] ?? frame.accuracy;
  const words = [make("b", {}, say("readout", { step: frame.step }))];
  if (Number.isFinite(loss)) words.push(make("span", { id: "loss" }, say("readout.loss", { loss: number(loss) })));
  if (Number.isFinite(accuracy)) words.push(make("span", { id: "accuracy" }, say("readout.accuracy", { accuracy: percent(accuracy) })));
  at("said").replaceChildren(...words);
  tell("shown", state);
}

// What a reader chose on the stage or beside it.
function choose(choice) {
  Object.assign(state, choice);
  if (live.film) show();
}
// To a frame that was there: the picture stays there, and the training goes on.
function seek(frame) {
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
  const pace = live.isPlaying && live.rate ? say("live.pace", { rate: Math.round(live.rate) }) : "";
  const end = isOver && live.film ? say(`live.${live.ended}`, { step: live.film.frames.at(-1).step }) : "";
  at("pace").textContent = pace || end;
  tell("played", live.isPlaying);
}

function toggle() {
  const isWanted = !live.isPlaying;
  trainer.whenBegun(() => play(isWanted));
}
function play(isWanted) {
  if (!isWanted) trainer.post("pause");
  else {
    if (live.ended) trainer.post("again");
    live.isFollowing = true;
    trainer.post("run", { rate: Number(at("speed").value) });
  }
  live.isPlaying = isWanted;
  showPlaying();
}
const oneStep = () => trainer.whenBegun(() => {
  if (live.ended) trainer.post("again");
  live.isFollowing = true;
  trainer.post("step");
});
const undo = () => trainer.whenBegun(() => {
  const last = live.kept.pop();
  if (!last) return;
  at("undo").disabled = !live.kept.length;
  live.isPlaying = false;
  trainer.post("seek", { kept: last.kept });
  said(say("live.undone", { step: last.step }));
});
const edit = (change) => trainer.whenBegun(() => trainer.post("edit", { edit: change }));
const file = (what) => trainer.whenBegun(() => trainer.post("file", { what }));
const layerIndex = () => Math.max(live.film.layers.findIndex(({ name }) => name === state.layer), 0);

for (const [id, action] of Object.entries({
  play: toggle, step: oneStep, undo,
  reset: beginAgain,
  "zero-head": () => edit({ what: "zero-head", layer: layerIndex(), head: state.head }),
  config: () => file("config"),
  weights: () => file("weights"),
})) at(id).addEventListener("click", action);
for (const button of document.querySelectorAll("[data-matrix]")) {
  const place = () => ({ layer: layerIndex(), head: state.head, matrix: button.dataset.matrix });
  const { what } = button.dataset;
  button.addEventListener("click", () => edit(what === "noise" ? { what, place: place(), size: 0.5, seed: live.kept.length } : { what, place: place() }));
}
at("speed").addEventListener("change", () => live.isPlaying && trainer.post("run", { rate: Number(at("speed").value) }));
at("layer").addEventListener("change", () => choose({ layer: at("layer").selectedOptions[0].textContent }));
at("head").addEventListener("change", () => choose({ head: Number(at("head").value) }));
at("probe").addEventListener("change", () => choose({ probe: Number(at("probe").value), query: null }));
at("open-weights").addEventListener("change", async () => {
  const [file] = at("open-weights").files;
  if (file) begin({ ...live.asked, weights: await file.arrayBuffer() });
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden && live.isPlaying) toggle();
});
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.target.closest("select, summary, input, textarea, .scroll")) return;
  if (event.ctrlKey || event.metaKey) {
    if (event.key === "z") event.preventDefault(), undo();
    return;
  }
  if ([" ", "Enter"].includes(event.key) && event.target.closest("button")) return;
  const actions = {
    " ": toggle, ".": oneStep, ",": () => seek(state.frame - 1), ArrowLeft: () => seek(state.frame - 1), ArrowRight: () => seek(state.frame + 1),
    Home: () => seek(0), End: () => seek(live.film.frames.length - 1), r: beginAgain, Escape: () => choose({ query: null }),
  };
  const action = live.film && actions[event.key];
  if (!action || event.defaultPrevented) return;
  event.preventDefault();
  action();
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
const needingRun = [...["step", "reset", "zero-head", "own", "config", "weights", "open-weights"].map(at), ...document.querySelectorAll("[data-matrix]")];
for (const control of needingRun) control.disabled = true;
said(say("live.loading"));
trainer.start(beginning(page.beginning));
showPlaying();
