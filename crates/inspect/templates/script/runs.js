"use strict";
// What the page is about: settings, the best first, their runs, and the figures of both.
const study = JSON.parse(document.getElementById("study").textContent);
const { palettes } = study;
study.settings.forEach((setting, place) => Object.assign(setting, { place }));

// Lines are told apart by colour and stroke together: the six best settings have whole lines, the next six the second
// stroke; where both are used up, lines are thin and quiet, and their names are found by pointing at them.
const TONES = 6;
const DASHES = ["", "7 3", "2 2", "9 3 2 3", "14 5", "1 4"];

// The figure and the keys that are chosen, the setting that stands out and that which is pointed at, null for none.
const state = { figure: 0, setting: null, pointed: null, isWhole: false, rows: 0, columns: Math.min(1, study.keys.length - 1), along: 0 };

// The last name of a key's path; that of a parent keeps that it is one's.
function lastName({ name }) {
  const own = name.replace(/^(parent\.)+/, "");
  return name.slice(0, name.length - own.length).replaceAll(".", " ") + own.split(".").at(-1);
}
const shortName = (key) => (study.keys.filter((other) => lastName(other) === lastName(key)).length === 1 ? lastName(key) : key.name);
const shortNames = study.keys.map(shortName);
const valueOf = (setting, key) => study.keys[key].values[setting.values[key]];
const settingName = (setting) => (study.keys.length ? `${setting.place + 1}: ${study.keys.map((_, key) => `${shortNames[key]} ${valueOf(setting, key)}`).join(", ")}` : "all runs");
const figure = () => study.figures[state.figure];
const runsOf = (setting) => setting.runs.map((index) => study.runs[index]);
const dash = (setting) => DASHES[Math.floor(setting.place / TONES)] ?? "";

const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
const known = (values) => values.filter((x) => Number.isFinite(x));
const counted = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;
// Steps are whole numbers; only their means are not.
const written = (x) => (Number.isInteger(x) && Math.abs(x) < 1e6 ? String(x) : number(x));
const shown = (x) => (Number.isFinite(x) ? written(x) : "–");
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const endsOf = (values) => known(values).reduce(([least, most], x) => [Math.min(least, x), Math.max(most, x)], [Infinity, -Infinity]);
// Of how many settings a picture is, where it has no room for all.
const best = (drawn) => (drawn.length < study.settings.length ? ` The best ${drawn.length} of ${study.settings.length} settings are drawn; the table has all.` : "");

// The round numbers of an axis; all values are between the first and the last. It begins with 0 unless that would leave
// half of it empty. Values that differ in nothing but rounding are equal.
function ticksOf(values) {
  let [least, most] = known(values).length ? endsOf(values) : [0, 0];
  const isEqual = most - least <= 4e-12 * Math.max(Math.abs(least), Math.abs(most));
  if (least > 0 && (least < most / 2 || isEqual)) least = 0;
  if (most < 0 && (most > least / 2 || isEqual)) most = 0;
  if (least === most) return [0, 1];
  const rough = (most - least) / 4;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * size >= rough) * size;
  const [first, last] = [Math.floor(least / step + 1e-9), Math.ceil(most / step - 1e-9)];
  // A step is at least 1e-12 of a value: with 15 digits ticks differ, and have none that are not theirs.
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(15)));
}

// A picture with its title and a table below, which is made when it is opened.
let tables = [];
function framed(place, title, caption, picture, tabulate) {
  const below = make("div");
  const details = make("details", {}, make("summary", {}, "Numbers as a table"), below);
  const fill = () => { if (details.open) below.replaceChildren(tabulate()); };
  details.addEventListener("toggle", fill);
  tables.push(fill);
  place.append(make("figure", {}, make("figcaption", {}, make("h3", {}, sentence(title)), ` ${caption}`), ...picture, details));
}

// Where the name of the setting stands that is pointed at.
const nameOfPointed = () => make("p", { class: "where pointed" });

// All elements of a setting stand out while one of them is pointed at or has the focus; once it was pressed, until another
// is chosen.
function standsFor(element, setting) {
  element.classList.add("setting", dash(setting) || setting.place < TONES ? `tone-${setting.place % TONES}` : "rest");
  element.dataset.setting = setting.place;
  for (const event of ["pointerenter", "focus"]) element.addEventListener(event, () => point(setting.place));
  for (const event of ["pointerleave", "blur"]) element.addEventListener(event, () => point(null));
  element.addEventListener("click", () => choose(state.setting === setting.place ? null : setting.place));
  return element;
}

function point(place) {
  state.pointed = place;
  mark();
}

// Lines above the others, of this setting, each with that below which it is drawn otherwise.
let raised = { place: null, lines: [] };

function mark() {
  const out = state.pointed ?? state.setting;
  if (raised.place !== out) {
    for (const [line, next] of raised.lines.reverse()) next.before(line);
    raised = { place: out, lines: [] };
  }
  document.querySelector("main").classList.toggle("choosing", out !== null);
  for (const one of document.querySelectorAll(".out")) one.classList.remove("out");
  for (const one of document.querySelectorAll(`[data-setting="${out}"]`)) {
    one.classList.add("out");
    if (one.localName !== "g" || !one.nextSibling) continue;
    raised.lines.push([one, one.nextSibling]);
    one.parentNode.append(one);
  }
  for (const one of document.querySelectorAll("[aria-pressed]")) one.setAttribute("aria-pressed", String(Number(one.dataset.setting) === state.setting));
  const text = out === null ? "Point at a line or a dot, or press a name in the list above." : inWords(study.settings[out]);
  for (const one of document.querySelectorAll(".pointed")) one.textContent = text;
}

function inWords(setting) {
  const found = setting.figures[state.figure];
  return `${settingName(setting)}: ${figure().title} ${found ? `${written(found.mean)}, from ${written(found.least)} to ${written(found.most)} over ${found.n} of ${counted(setting.runs.length, "run")}` : "was not measured"}.`;
}
