// The step of the phase change along a key.
function buildPhase(place) {
  const index = study.figures.findIndex(({ name }) => name === "phase_change");
  if (index < 0) return;
  const key = study.keys[state.along] ?? { name: "", values: ["all runs"] };
  const at = (run) => run.figures[index];
  const groups = key.values.map((_, value) => study.settings.filter((setting) => !study.keys.length || setting.values[state.along] === value).flatMap((setting) => runsOf(setting).map((run) => ({ run, setting }))));
  const rows = () => groups.map((group, value) => {
    const steps = known(group.map(({ run }) => at(run)));
    return [key.values[value], `${steps.length} of ${group.length}`, ...(steps.length ? [mean(steps), ...endsOf(steps)].map(written) : ["–", "–", "–"])];
  });
  const tabulate = () => table([key.name, "runs that got there", "mean step", "first", "last"], rows());
  const title = `Phase change${key.name ? ` by ${key.name}` : ""}`;
  const what = `the first evaluation with an accuracy of ${study.threshold} or more`;
  const passed = known(study.runs.map(at));
  if (!passed.length) return framed(place, title, `${what}: no run got there.`, [], tabulate);
  const ticks = ticksOf(passed);
  const plot = new Plot(`Step of the phase change by ${key.name}; the table below has the numbers.`, { width: 560, height: 260, left: roomFor(ticks), right: 14 }, ticks, ["", ""], String);
  const middle = (value) => plot.across((value + 0.5) / key.values.length);
  const x = (value, i, n) => plot.across((value + 0.5 + (n > 1 ? (0.5 * i) / (n - 1) - 0.25 : 0)) / key.values.length);
  // Names that would meet are left out; the table has all.
  const [ends, every] = [[], Math.ceil(key.values.length / 8)];
  groups.forEach((group, value) => {
    const steps = known(group.map(({ run }) => at(run)));
    if (steps.length) ends.push(`${middle(value).toFixed(1)},${plot.y(mean(steps)).toFixed(1)}`);
    group.forEach(({ run, setting }, i) => {
      // Runs that never got there stand above the axis.
      const isPassed = Number.isFinite(at(run));
      plot.svg.append(standsFor(drawn("circle", { class: isPassed ? "dot" : "open dot", cx: x(value, i, group.length), cy: isPassed ? plot.y(at(run)) : plot.box.top - 8, r: 4 }), setting));
    });
    if (value % every === 0) plot.svg.append(drawn("text", { x: middle(value), y: plot.box.bottom + 14, "text-anchor": "middle" }, cut(key.values[value], key.values.length > 6 ? 8 : 16), drawn("title", {}, key.values[value])));
  });
  plot.svg.append(drawn("polyline", { class: "means", points: ends.join(" ") }));
  const rings = passed.length < study.runs.length ? " Empty rings above the axis are runs that did not." : "";
  framed(place, title, `${what}: a dot for each run, a line through the means of those that got there.${rings}`, [plot.svg, nameOfPointed()], tabulate);
}
