// The choices: which figure, which setting stands out, and which keys; everything else follows from them.
const parts = [["legend", buildLegend], ["curves", buildOverSteps], ["pairs", buildPairs], ["spread", buildSpread], ["parallel", buildParallel], ["phase", buildPhase]];

function show() {
  [tables, state.pointed, raised] = [[], null, { place: null, lines: [] }];
  for (const [place, build] of parts) {
    at(place).replaceChildren();
    build(at(place));
  }
  choose(state.setting);
}

function choose(setting) {
  state.setting = setting;
  at("setting").value = String(setting ?? -1);
  at("said").textContent = setting === null ? `${counted(study.settings.length, "setting")}, ${counted(study.runs.length, "run")}.` : inWords(study.settings[setting]);
  mark();
  for (const fill of tables) fill();
}

const options = (select, texts, first = 0) => select.replaceChildren(...texts.map((text, i) => make("option", { value: String(i + first) }, text)));
options(at("figure"), study.figures.map(({ title }) => title));
options(at("setting"), ["all", ...study.settings.map((setting) => cut(settingName(setting), 60))], -1);
for (const name of ["rows", "columns", "along"]) {
  options(at(name), study.keys.map((key) => key.name));
  at(name).value = String(state[name]);
  at(name).addEventListener("change", () => {
    state[name] = Number(at(name).value);
    show();
  });
}
at("figure").addEventListener("change", () => {
  state.figure = Number(at("figure").value);
  show();
});
at("setting").addEventListener("change", () => choose(Number(at("setting").value) < 0 ? null : Number(at("setting").value)));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && state.setting !== null) choose(null);
});
for (const query of [dark, printed]) query.addEventListener("change", show);
show();
