// Means over the steps, with the range over the seeds: training loss, and the figure that is chosen.
// Lines with their number at their end; more would be above each other.
const MOST_NUMBERS = 12;
// Height of such a number on a narrow screen.
const NUMBER = 17;
// So many of them below or above the end of its line, a number seems to be that of another.
const FARTHEST = 2;

function buildOverSteps(place) {
  const chosen = figure().curve === null ? study.figures.find(({ curve }) => curve !== null) : figure();
  lines(place, "Training loss", 0, "");
  if (chosen) lines(place, `${chosen.title} on validation examples`, chosen.curve, chosen === figure() ? "" : ` For ${figure().title} there is no curve.`);
}

function lines(place, title, curve, note) {
  const settings = study.settings.filter((setting) => setting.curves[curve]?.steps.length);
  if (!settings.length) return;
  const curves = settings.map((setting) => setting.curves[curve]);
  const lastStep = Math.max(...curves.map(({ steps }) => steps.at(-1)), 1);
  const ticks = ticksOf(curves.flatMap(({ least, most }) => [...least, ...most]));
  const plot = new Plot(`${title} over ${lastStep} steps, ${counted(settings.length, "setting")}; the table below has the numbers.`, { width: 560, height: 260, left: roomFor(ticks), right: 34 }, ticks, ["step 0", `step ${lastStep}`], String);
  const point = (step, value) => `${plot.across(step / lastStep).toFixed(1)},${plot.y(value).toFixed(1)}`;
  // The best are drawn last, above the others.
  const groups = [...settings].reverse().map((setting) => {
    const { steps, mean, least, most } = setting.curves[curve];
    const band = [...steps.map((step, i) => point(step, most[i])), ...steps.map((step, i) => point(step, least[i])).reverse()];
    const points = steps.map((step, i) => point(step, mean[i])).join(" ");
    const group = drawn("g", {}, drawn("polygon", { points: band.join(" ") }), drawn("polyline", { class: "near", points }), drawn("polyline", { "stroke-dasharray": dash(setting), points }));
    if (settings.length > 1 && setting.place < MOST_NUMBERS) {
      const x = plot.across(steps.at(-1) / lastStep) + 4;
      const label = drawn("text", { class: "name", x }, String(setting.place + 1));
      plot.ends.unshift({ label, x, y: plot.y(mean.at(-1)) + 4 });
      group.append(label);
    }
    return standsFor(group, setting);
  });
  plot.name(NUMBER, FARTHEST);
  // Many bands would hide each other.
  const isMany = settings.length > TONES;
  plot.svg.append(drawn("g", { class: isMany ? "many" : "" }, ...groups));
  const tabulate = () => {
    const named = settings.filter(({ place }) => state.setting === null || place === state.setting);
    const rows = named.flatMap((setting) => {
      const { steps, mean, least, most } = setting.curves[curve];
      return steps.map((step, i) => [settingName(setting), String(step), number(mean[i]), number(least[i]), number(most[i])]);
    });
    return table(["setting", "step", "mean", "least", "most"], rows);
  };
  const some = settings.length < study.settings.length ? `of the ${counted(settings.length, "setting")} that measured it, ` : "";
  const numbers = settings.length > 1 ? ` The numbers are those of the list above${settings.length > MOST_NUMBERS ? `, of the best ${MOST_NUMBERS}` : ""}, where there is room.` : "";
  framed(place, title, `${some}over the steps: the line is the mean over seeds, the band around ${isMany ? "that which stands out" : "it"} their range. A line ends with the first of its runs.${numbers}${note}`, [plot.svg, nameOfPointed()], tabulate);
}

// What the lines are; pressing one makes it stand out.
function buildLegend(place) {
  const most = state.isWhole ? study.settings.length : 12;
  const item = (setting) => {
    const line = drawn("svg", { class: "key", viewBox: "0 0 32 4", "aria-hidden": "true" }, drawn("line", { "stroke-dasharray": dash(setting), x1: 0, y1: 2, x2: 32, y2: 2 }));
    return standsFor(make("button", { type: "button", "aria-pressed": "false" }, line, settingName(setting)), setting);
  };
  place.append(...study.settings.slice(0, most).map(item));
  if (study.settings.length <= 12) return;
  const more = make("button", { type: "button", class: "more" }, state.isWhole ? "Only the best 12" : `and ${study.settings.length - most} more`);
  more.addEventListener("click", () => {
    state.isWhole = !state.isWhole;
    place.replaceChildren();
    buildLegend(place);
    mark();
    place.querySelectorAll("button")[state.isWhole ? most : 12].focus();
  });
  place.append(more);
}
