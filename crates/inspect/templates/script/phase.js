// The step of the phase change along a key.
function buildPhase(place) {
  const index = study.figures.findIndex(({ name }) => name === "phase_change");
  if (index < 0) return;
  const key = study.keys[state.along] ?? { name: "", values: ["all runs"] };
  const at = (run) => run.figures[index];
  const groups = key.values.map((_, value) => study.settings.filter((setting) => !study.keys.length || setting.values[state.along] === value).flatMap((setting) => runsOf(setting).map((run) => ({ run, setting }))));
  const most = Math.max(...known(study.runs.map(at)), 1);
  const plot = new Plot(`Step of the phase change by ${key.name}; the table below has the numbers.`, { width: 560, height: 260, left: 56, right: 14 }, [0, most], ["", ""], written);
  const x = (value, i, n) => plot.across((value + 0.5 + (n > 1 ? (0.5 * i) / (n - 1) - 0.25 : 0)) / key.values.length);
  // Names that would meet are left out; the table has all.
  const [ends, every] = [[], Math.ceil(key.values.length / 8)];
  groups.forEach((group, value) => {
    const steps = known(group.map(({ run }) => at(run)));
    if (steps.length) ends.push(`${plot.across((value + 0.5) / key.values.length).toFixed(1)},${plot.y(mean(steps)).toFixed(1)}`);
    group.forEach(({ run, setting }, i) => {
      // Runs that never got there stand above the axis.
      const isPassed = Number.isFinite(at(run));
      const dot = drawn("circle", { class: classes(setting, isPassed ? "setting dot" : "setting open dot"), cx: x(value, i, group.length), cy: isPassed ? plot.y(at(run)) : plot.box.top - 8, r: 4 });
      pointedAt(dot, setting);
      plot.svg.append(dot);
    });
    if (value % every === 0) plot.svg.append(drawn("text", { x: plot.across((value + 0.5) / key.values.length), y: plot.box.bottom + 14, "text-anchor": "middle" }, cut(key.values[value], key.values.length > 6 ? 8 : 16)));
  });
  plot.svg.append(drawn("polyline", { class: "means", points: ends.join(" ") }));
  const rows = () => groups.map((group, value) => {
    const steps = known(group.map(({ run }) => at(run)));
    return [key.values[value], `${steps.length} of ${group.length}`, steps.length ? written(mean(steps)) : "–", steps.length ? written(Math.min(...steps)) : "–", steps.length ? written(Math.max(...steps)) : "–"];
  });
  framed(place, `Phase change${key.name ? ` by ${key.name}` : ""}`, `the first evaluation with an accuracy of ${study.threshold} or more: a dot for each run, a line through the means of those that got there. Empty rings above the axis are runs that did not.`, plot.svg, () => table([key.name, "runs that got there", "mean step", "first", "last"], rows()));
}
