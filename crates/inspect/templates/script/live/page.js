// The live page: the stage of a film that grows while it is trained.
const page = JSON.parse(document.getElementById("page").textContent);
const { palettes } = page;
const live = { film: null, stage: null, timeline: null, isFollowing: true, isPlaying: false, ended: null, kept: [], run: null, asked: null, words: null, isCut: false, figures: null };
const state = { frame: 0, layer: "", head: 0, probe: 0, query: null, view: "weights", gauge: false };

// Parts of the page that go along with the run, each in a file of its own: `began(run)` when another run is there,
// `grown(film)` when a frame has come, `shown(state)` when something is drawn, `played(isPlaying)`; each of them may be left out.
const companions = [];
const tell = (what, value) => companions.forEach((one) => one[what]?.(value));

const trainer = new Trainer({
  ready(run, begin) {
    Object.assign(live, { run, ended: null });
    // A run that went somewhere else: what came after that step is cut off by the next frame.
    if (run.isNew) Object.assign(live, { film: null, kept: [], isPlaying: false, asked: begin });
    else live.isCut = true;
    at("undo").disabled = !live.kept.length;
    settings.show(run.task, run.tasks);
    settings.refuse(null);
    at("summary").textContent = run.summary;
    if (run.isNew) said("");
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
    const [name, type] = what === "config" ? ["config.toml", "text/plain"] : ["model.safetensors", "application/octet-stream"];
    const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  },
  nan: ({ message }) => stopped(say("live.nan", { message })),
  error({ kind, message }) {
    if (kind === "panic") {
      stopped(say("live.panic", { message }));
      trainer.worker.terminate();
      // One that fails before its first picture would fail again.
      if (live.film) trainer.start(live.asked);
    } else if (["config", "too-large"].includes(kind)) {
      settings.refuse(message);
      said(message);
    } else stopped(message);
  },
});

const settings = new Settings(at("settings"), { changed: begin });

// The key Enter changes a field and sends the form: what is asked for twice at once begins once.
function begin(asked, words = null) {
  if (words !== null && words === live.words && trainer.isBeginning) return;
  live.words = words;
  trainer.begin(asked);
}
const beginAgain = () => trainer.whenBegun(() => begin(live.asked));

function stopped(message) {
  live.isPlaying = false;
  said(message);
  showPlaying();
}
const said = (text) => (at("happened").textContent = text);

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
  Object.assign(state, { frame: 0, layer: names[0] ?? "", head: 0, probe: 0, query: null, gauge: false });
  live.isFollowing = true;
  live.stage?.close();
  at("stage").replaceChildren();
  at("timeline-place").replaceChildren();
  live.stage = new Stage(at("stage"), film, choose);
  live.timeline = new Timeline(at("timeline-place"), film, { seek });
  options("layer", names);
  const n_heads = Math.max(...film.probes.flatMap((probe) => probe.maps.map((map) => map.head + 1)), ...film.layers.map((layer) => layer.heads.length), 1);
  options("head", Array.from({ length: n_heads }, (_, i) => String(i)));
  options("probe", film.probes.map((probe, i) => cut(`${i}: ${probe.tokens.join(" ")}`, 28)));
  document.body.classList.add("is-ready");
  performance.mark("first-picture");
}
function options(id, texts) {
  at(id).replaceChildren(...texts.map((text, i) => make("option", { value: String(i) }, text)));
  at(id).closest("label").hidden = texts.length < 2;
  at(id).value = "0";
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

// Tokens of the reader's own: the labels that share a position stand side by side.
function ownInput(text) {
  const { vocabulary, stack, seq_len } = live.run;
  const labels = [...vocabulary].sort((a, b) => b.length - a.length);
  const split = (rest, n) => {
    if (n === 0) return rest === "" ? [] : null;
    for (const label of labels) {
      const more = rest.startsWith(label) ? split(rest.slice(label.length), n - 1) : null;
      if (more) return [label, ...more];
    }
    return null;
  };
  const positions = text.trim().split(/\s+/).filter(Boolean);
  if (positions.length !== seq_len) return said(say("live.wrongInput", { n: seq_len }));
  trainer.post("probe", { positions: positions.map((position) => split(position, stack) ?? [position]) });
}

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
at("own").addEventListener("change", () => trainer.whenBegun(() => ownInput(at("own").value)));
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
  if (!of) return settings.begin();
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const begin = { config: of.config, ...(of.text ? { text: "text.txt" } : {}) };
  return { begin, ...(of.weights ? { weights: bytes(of.weights) } : {}), ...(of.text ? { text: bytes(of.text) } : {}) };
}
// What needs a run waits for the first one.
const needingRun = [...["step", "reset", "zero-head", "own", "config", "weights", "open-weights"].map(at), ...document.querySelectorAll("[data-matrix]")];
for (const control of needingRun) control.disabled = true;
said(say("live.loading"));
trainer.start(beginning(page.beginning));
showPlaying();
