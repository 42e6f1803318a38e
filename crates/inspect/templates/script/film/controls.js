// The controls: which step, layer, head, input, query and view; everything else follows from them.
const layerNames = [...new Set([...film.layers.map((layer) => layer.name), ...film.probes.flatMap((probe) => probe.maps.map((map) => map.layer))])];
// The film opens at its first step, and nothing plays by itself.
const state = { frame: 0, layer: mainLayer(film), head: 0, probe: 0, query: null, view: "weights", gauge: false };
const places = ["heads", "map", "matrices", "circuits", "changes"].map(at);
const cursors = document.querySelectorAll("[data-most]");
let pictures = [];
const redrawn = [];

fill();
at("left-out").textContent = (film.left_out ?? []).join(" ");

const stage = new Stage(at("stage"), film, (choice) => choose(choice));
stage.table = new StageTable(at("stage-table"));
new PictureButtons(at("pictures"), () => stage);
const timeline = new Timeline(at("timeline-place"), film, { seek: (frame) => seek(frame) });
const player = new Player({
  times: () => timeline.times,
  moved: (frame, share) => go(frame, share),
  changed: () => showPlaying(),
});
const beats = new Beats(stage, { seek: (frame) => rest(frame), ended: () => [at("slow"), beats.starter].find((one) => one.offsetParent)?.focus() });
const address = new Address({
  read: () => ({ step: film.frames[state.frame].step, ...(state.query === null ? {} : { query: state.query }), layer: Math.max(layerNames.indexOf(state.layer), 0), head: state.head, probe: state.probe, ...(state.view === "weights" ? {} : { view: state.view }), ...(state.gauge ? { gauge: "main" } : {}), ...(player.speed === 1 ? {} : { speed: player.speed }), ...(player.isLoop ? { loop: 1 } : {}), ...(at("keys").checked ? {} : { keys: "off" }) }),
  apply: (found) => follow(found),
});

// What belongs to a layer, head and input; the steps then only change its values.
function build() {
  for (const place of places) place.replaceChildren();
  const [heads, map, matrices, circuits, changes] = places;
  const shown = shownMatrices();
  at("gauge-said").replaceChildren(...prose(gaugeInWords()));
  pictures = [buildHeads(heads), buildMap(map), ...buildMatrices(matrices, shown, false)];
  if (!shown.length) matrices.append(make("p", {}, say("matrices.none")));
  const together = chosenHead()?.circuits ?? [];
  pictures.push(...buildMatrices(circuits, together, true), buildChanges(changes), buildChapters(at("chapters"), { film, state, seek }), ...columns);
  at("circuits-title").closest("section").hidden = !together.length;
  show();
}

function show(share) {
  const frame = film.frames[state.frame];
  stage.show(state);
  timeline.show(state.frame, share);
  const loss = frame.loss === null ? [] : [say("readout.loss", { loss: number(frame.loss) })];
  const { accuracies } = film.log;
  const measured = accuracies.length ? (accuracies.findLast(([step]) => step <= frame.step) ?? [0, null]) : [frame.step, frame.accuracy];
  const accuracy = measured[1] === null ? [] : [say(measured[0] === frame.step ? "readout.accuracy" : "readout.accuracyAt", { accuracy: percent(measured[1]), step: measured[0] })];
  const [right, all] = frame.probe_answers ?? [0, 0];
  const shown = all ? [make("span", { class: "shown" }, say("readout.shown", { right, all }))] : [];
  at("said").replaceChildren(make("b", {}, say("readout", { step: frame.step })), ...[...loss, ...accuracy].map((text) => make("span", {}, text)), ...shown);
  for (const button of [at("slow"), beats.starter]) button.textContent = beats.named(state.frame);
  at("mini-said").textContent = say("readout", { step: frame.step });
  for (const cursor of cursors) {
    const [left, right, most] = ["left", "right", "most"].map((key) => Number(cursor.dataset[key]));
    const x = left + ((right - left) * frame.step) / most;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  }
  // What lies below the screen is drawn when the film rests.
  if (!player.isPlaying || scrollY > innerHeight / 2) for (const picture of pictures) picture();
  address.changed();
}

// `share` is where the film stands between two frames while it plays.
function go(frame, share) {
  const next = Math.min(Math.max(frame, 0), film.frames.length - 1);
  if (next === state.frame && share !== undefined) return timeline.show(next, share);
  state.frame = next;
  show(share);
}
// To a frame that a reader asked for: slow motion ends there.
function seek(frame) {
  beats.leave();
  rest(frame);
}
function rest(frame) {
  player.stop();
  go(frame);
  player.seek(timeline.times[state.frame]);
}
function showPlaying() {
  const { isPlaying } = player;
  for (const button of document.querySelectorAll(".play")) {
    button.querySelector(".words").textContent = say(isPlaying ? "pause" : "play");
    button.setAttribute("aria-pressed", String(isPlaying));
  }
  // A screen reader need not say every step of a film that plays.
  for (const live of [at("said"), stage.words]) live.setAttribute("aria-live", isPlaying ? "off" : "polite");
  if (!isPlaying) show(player.share >= 1 ? undefined : player.share);
}
function toggle() {
  if (beats.isRunning) beats.end();
  if (player.isPlaying) player.stop();
  else player.play();
}

const options = (select, texts) => select.replaceChildren(...texts.map((text, i) => make("option", { value: String(i) }, text)));
const nHeads = (layer) => Math.max(film.layers.find(({ name }) => name === layer)?.heads.length ?? 0, ...mapsOfLayer(chosenProbe(), layer).map((map) => map.head + 1), 1);

// What a reader chose, of the stage or of the controls.
function choose(choice) {
  beats.leave();
  const isOther = ["layer", "head", "probe", "gauge"].some((key) => key in choice && choice[key] !== state[key]);
  if ("layer" in choice && !("query" in choice) && queriesOf(choice.layer) !== queriesOf(state.layer)) state.query = null;
  Object.assign(state, choice);
  state.head = Math.min(state.head, nHeads(state.layer) - 1);
  options(at("head"), Array.from({ length: nHeads(state.layer) }, (_, i) => String(i)));
  at("layer").value = String(layerNames.indexOf(state.layer));
  at("head").value = String(state.head);
  at("probe").value = String(state.probe);
  at("head").closest("label").hidden = nHeads(state.layer) < 2;
  if (isOther || !pictures.length) build();
  else show(player.isPlaying ? player.share : undefined);
}
// Another sequence has other queries.
const queriesOf = (layer) => String(mapsOfLayer(chosenProbe(), layer)[0]?.queries);
const chooseHead = (layer, head) => choose({ layer, head });

// The state of an address; what the film does not have is left as it is.
function follow(found) {
  const whole = (key, most) => (/^\d+$/.test(found[key] ?? "") && Number(found[key]) < most ? Number(found[key]) : null);
  const probe = whole("probe", film.probes.length) ?? state.probe;
  const layer = layerNames[whole("layer", layerNames.length) ?? layerNames.indexOf(state.layer)] ?? "";
  const head = whole("head", nHeads(layer)) ?? state.head;
  const query = whole("query", film.probes[probe]?.tokens.length ?? 0);
  const view = MATRIX_VIEWS.includes(found.view) ? found.view : "weights";
  const step = whole("step", Infinity);
  if (step !== null) seek(film.frames.reduce((best, one, i) => (Math.abs(one.step - step) < Math.abs(film.frames[best].step - step) ? i : best), 0));
  setSpeed(found.speed ?? "1");
  setLoop(found.loop === "1");
  at("keys").checked = found.keys !== "off";
  choose({ probe, layer, head, query, view, gauge: found.gauge === "main" && !film.no_gauge });
}
// One that is not offered is that of the film itself.
function setSpeed(speed) {
  at("speed").value = Array.from(at("speed").options).some(({ value }) => value === speed) ? speed : "1";
  player.speed = Number(at("speed").value);
}
function setLoop(isLoop) {
  at("loop").checked = player.isLoop = isLoop;
}

for (const button of document.querySelectorAll(".play")) button.addEventListener("click", toggle);
at("slow").addEventListener("click", () => {
  player.stop();
  beats.start();
});
at("speed").addEventListener("change", () => setSpeed(at("speed").value));
at("loop").addEventListener("change", () => setLoop(at("loop").checked));
for (const id of ["speed", "loop", "keys"]) at(id).addEventListener("change", () => address.changed());
at("layer").addEventListener("change", () => choose({ layer: layerNames[Number(at("layer").value)] }));
at("head").addEventListener("change", () => choose({ head: Number(at("head").value) }));
at("probe").addEventListener("change", () => choose({ probe: Number(at("probe").value), query: null }));
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select, summary, input:not([type=checkbox]), .scroll")) return;
  if ([" ", "Enter"].includes(event.key) && event.target.closest("button, input")) return;
  // Who speaks to the machine, or hits keys by accident, can do without those that are letters and signs.
  if (!at("keys").checked && ["s", ".", ","].includes(event.key)) return;
  const actions = {
    ArrowLeft: () => seek(state.frame - 1), ",": () => seek(state.frame - 1), ArrowRight: () => seek(state.frame + 1), ".": () => seek(state.frame + 1),
    Home: () => seek(0), End: () => seek(film.frames.length - 1), " ": toggle, s: () => at("slow").click(),
    Escape: () => (beats.isRunning ? beats.end() : choose({ query: null })),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
// A large curve seeks the frame nearest to the step that is clicked.
for (const plot of document.querySelectorAll(".over-steps")) {
  plot.addEventListener("click", (event) => {
    const cursor = plot.querySelector("[data-most]");
    const [left, right, most] = ["left", "right", "most"].map((key) => Number(cursor.dataset[key]));
    const box = plot.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * plot.viewBox.baseVal.width;
    const step = ((x - left) / (right - left)) * most;
    seek(film.frames.reduce((best, one, i) => (Math.abs(one.step - step) < Math.abs(film.frames[best].step - step) ? i : best), 0));
  });
}

function redraw() {
  timeline.build();
  stage.layOut();
  build();
  for (const picture of redrawn) picture();
}
for (const query of [dark, printed]) query.addEventListener("change", redraw);
// On a narrow screen speed and loop stand with the other choices.
const narrow = matchMedia("(max-width: 999px)");
const placeSpeed = () => (narrow.matches ? document.querySelector(".help") : at("transport")).insertAdjacentElement(narrow.matches ? "beforebegin" : "beforeend", at("transport-more"));
narrow.addEventListener("change", placeSpeed);
placeSpeed();
new IntersectionObserver(([screen]) => at("mini").toggleAttribute("hidden", screen.isIntersecting), { threshold: 0.2 }).observe(at("transport"));

document.body.classList.toggle("two-sequences", film.probes.some(({ sides }) => sides?.length === 2));
options(at("layer"), layerNames.map((name) => layerInWords(film, name) ?? (name === "" ? say("film.noName") : name)));
options(at("probe"), film.probes.map((probe, i) => cut(`${i}: ${inputInWords(probe)}`, 28)));
at("probe").closest("label").hidden = film.probes.length < 2;
at("layer").closest("label").hidden = layerNames.length < 2;
const columns = at("variants") ? buildColumns(at("variants")) : [];
lowerIn(document.querySelectorAll(".story li, .lowered"));
choose({});
address.follow();
for (const picture of redrawn) picture();
