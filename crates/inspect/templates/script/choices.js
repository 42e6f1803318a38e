// The choices: which figure, which setting stands out, and which keys; everything else follows from them.
const parts = [["legend", buildLegend], ["curves", buildOverSteps], ["pairs", buildPairs], ["spread", buildSpread], ["parallel", buildParallel], ["phase", buildPhase]];

function show() {
  for (const [place, build] of parts) {
    at(place).replaceChildren();
    build(at(place));
  }
  const setting = study.settings[state.setting];
  const found = setting?.figures[state.figure];
  at("said").textContent = setting ? `${settingName(setting)}: ${figure().title} ${found ? `${written(found.mean)}, from ${written(found.least)} to ${written(found.most)} over ${found.n} of ${setting.runs.length} runs` : "was not measured"}.` : `${study.settings.length} settings, ${study.runs.length} runs.`;
}

function choose(setting) {
  state.setting = setting;
  at("setting").value = String(setting ?? -1);
  show();
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
