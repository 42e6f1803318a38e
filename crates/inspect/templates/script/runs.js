"use strict";
// What the page is about: settings, their runs, and the figures of both.
const study = JSON.parse(document.getElementById("study").textContent);
const { palettes } = study;

// Strokes of lines, so that no colour is needed to tell them apart.
const DASHES = ["", "6 3", "2 2", "8 3 2 3", "1 3", "12 4"];
const TONES = 4;

// The figure and the keys that are chosen, and the setting that stands out, null for none.
const state = { figure: 0, setting: null, rows: 0, columns: Math.min(1, study.keys.length - 1), along: 0 };

const shortNames = study.keys.map(({ name }) => {
  const end = name.split(".").at(-1);
  return study.keys.filter((other) => other.name.split(".").at(-1) === end).length === 1 ? end : name;
});
const valueOf = (setting, key) => study.keys[key].values[setting.values[key]];
const settingName = (setting) => (study.keys.length ? study.keys.map((_, key) => `${shortNames[key]} ${valueOf(setting, key)}`).join(", ") : "all runs");
const figure = () => study.figures[state.figure];
const runsOf = (setting) => setting.runs.map((index) => study.runs[index]);

// The colour follows the first key, the stroke all others.
const tone = (setting) => (setting.values[0] ?? 0) % TONES;
const dash = (setting) => DASHES[setting.values.slice(1).reduce((sum, value, i) => sum + value * (i + 1), 0) % DASHES.length];
const isFaint = (setting) => state.setting !== null && study.settings[state.setting] !== setting;
const classes = (setting, more) => `${more} tone-${tone(setting)}${isFaint(setting) ? " faint" : ""}`;

const mean = (values) => values.reduce((sum, x) => sum + x, 0) / values.length;
const known = (values) => values.filter((x) => Number.isFinite(x));
// Steps are whole numbers; only their means are not.
const written = (x) => (Number.isInteger(x) && Math.abs(x) < 1e6 ? String(x) : number(x));
const shown = (x) => (Number.isFinite(x) ? written(x) : "–");
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// The ends of an axis; a share of one has both.
function rangeOf(values, isShare) {
  if (isShare) return [0, 1];
  const all = known(values);
  if (!all.length) return [0, 1];
  const [least, most] = all.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  if (least === most) return [least - (Math.abs(least) || 1) / 2, most + (Math.abs(most) || 1) / 2];
  return least > 0 && least < most / 2 ? [0, most] : [least, most];
}

// A picture with its title and a table below, which is made when it is opened.
function framed(place, title, caption, picture, tabulate) {
  const below = make("div");
  const details = make("details", {}, make("summary", {}, "Numbers as a table"), below);
  details.addEventListener("toggle", () => { if (details.open) below.replaceChildren(tabulate()); });
  place.append(make("figure", {}, make("figcaption", {}, make("h3", {}, sentence(title)), ` ${caption}`), picture, details));
}

// A setting stands out while it is pointed at.
function pointedAt(element, setting) {
  const index = study.settings.indexOf(setting);
  element.append(drawn("title", {}, settingName(setting)));
  element.addEventListener("click", () => choose(state.setting === index ? null : index));
}
