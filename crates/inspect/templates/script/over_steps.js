// Means over the steps, with the range over the seeds: training loss, and the figure that is chosen.
function buildOverSteps(place) {
  const chosen = figure().curve === null ? study.figures.find(({ curve }) => curve !== null) : figure();
  const series = [{ title: "Training loss", isShare: false, curve: 0 }];
  if (chosen) series.push({ title: `${chosen.title} on validation examples`, isShare: chosen.is_share, curve: chosen.curve });
  for (const one of series) lines(place, one);
}

function lines(place, { title, isShare, curve }) {
  const drawnSettings = study.settings.filter((setting) => setting.curves[curve]?.steps.length);
  if (!drawnSettings.length) return;
  const curves = drawnSettings.map((setting) => setting.curves[curve]);
  const lastStep = Math.max(...curves.map(({ steps }) => steps.at(-1)), 1);
  const range = rangeOf(curves.flatMap(({ least, most }) => [...least, ...most]), isShare);
  const plot = new Plot(`${title} over ${lastStep} steps, ${drawnSettings.length} settings; the table below has the numbers.`, { width: 560, height: 260, left: 56, right: 14 }, range, ["step 0", `step ${lastStep}`]);
  const point = (step, value) => `${plot.across(step / lastStep).toFixed(1)},${plot.y(value).toFixed(1)}`;
  // What stands out is drawn last, above the others.
  const order = [...drawnSettings].sort((a, b) => isFaint(b) - isFaint(a));
  for (const setting of order) {
    const { steps, mean, least, most } = setting.curves[curve];
    const band = [...steps.map((step, i) => point(step, most[i])), ...steps.map((step, i) => point(step, least[i])).reverse()];
    const group = drawn("g", { class: classes(setting, "setting") }, drawn("polygon", { points: band.join(" ") }), drawn("polyline", { "stroke-dasharray": dash(setting), points: steps.map((step, i) => point(step, mean[i])).join(" ") }));
    pointedAt(group, setting);
    plot.svg.append(group);
  }
  const tabulate = () => {
    const named = state.setting === null ? drawnSettings : drawnSettings.filter((setting) => !isFaint(setting));
    const rows = named.flatMap((setting) => {
      const { steps, mean, least, most } = setting.curves[curve];
      return steps.map((step, i) => [settingName(setting), String(step), number(mean[i]), number(least[i]), number(most[i])]);
    });
    return table(["setting", "step", "mean", "least", "most"], rows);
  };
  framed(place, title, `${study.settings.length > drawnSettings.length ? `of ${drawnSettings.length} settings ` : ""}over the steps: the line is the mean over seeds, the band around it their range. A line ends with the first of its runs.`, plot.svg, tabulate);
}

// What the lines are; pressing one makes it stand out.
function buildLegend(place) {
  const most = 24;
  const item = (setting, index) => {
    const line = drawn("svg", { class: `key tone-${tone(setting)}`, viewBox: "0 0 32 4", "aria-hidden": "true" }, drawn("line", { "stroke-dasharray": dash(setting), x1: 0, y1: 2, x2: 32, y2: 2 }));
    const button = make("button", { type: "button", "aria-pressed": String(state.setting === index) }, line, settingName(setting));
    button.addEventListener("click", () => {
      choose(state.setting === index ? null : index);
      place.querySelectorAll("button")[index].focus();
    });
    return button;
  };
  place.append(...study.settings.slice(0, most).map(item));
  if (study.settings.length > most) place.append(make("p", { class: "hint" }, `and ${study.settings.length - most} more, which the list of settings above has`));
}
