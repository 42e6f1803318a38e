// Every run as a dot, a row for each setting.
const MOST_ROWS = 60;

function buildSpread(place) {
  const rows = study.settings.slice(0, MOST_ROWS);
  const value = (run) => run.figures[state.figure];
  const ticks = ticksOf(rows.flatMap(runsOf).map(value));
  const [first, last] = [ticks[0], ticks.at(-1)];
  const x = (amount) => 20 + (520 * (amount - first)) / (last - first);
  const list = make("div", { class: "dots" });
  for (const setting of rows) {
    const all = runsOf(setting);
    const measured = known(all.map(value));
    const row = drawn("svg", { class: "plot", viewBox: "0 0 560 20", role: "img", "aria-label": `${settingName(setting)}: ${measured.length ? measured.map(written).join(", ") : "not measured"}` });
    row.append(drawn("line", { class: "axis", x1: 20, y1: 10, x2: 540, y2: 10 }));
    for (const tick of ticks) row.append(drawn("line", { class: "axis", x1: x(tick), y1: 7, x2: x(tick), y2: 13 }));
    if (measured.length) row.append(drawn("line", { class: "mean", x1: x(mean(measured)), x2: x(mean(measured)), y1: 2, y2: 18 }));
    for (const run of all) if (Number.isFinite(value(run))) row.append(drawn("circle", { class: "dot", cx: x(value(run)), cy: 10, r: 4 }, drawn("title", {}, `seed ${run.seed ?? "unknown"}: ${written(value(run))}`)));
    list.append(standsFor(make("span", {}, settingName(setting)), setting), standsFor(row, setting));
  }
  list.append(make("span"), make("div", { class: "ends", "aria-hidden": "true" }, make("span", {}, String(first)), make("span", {}, String(last))));
  const tabulate = () => table(["setting", "seed", figure().title], study.settings.flatMap((setting) => runsOf(setting).map((run) => [settingName(setting), String(run.seed ?? "–"), shown(value(run))])));
  framed(place, `${figure().title} of every run`, `a dot for each seed, a stroke at their mean; the best settings come first.${best(rows)}`, [list], tabulate);
}
