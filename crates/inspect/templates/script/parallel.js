// Parallel coordinates: an axis for each key, then one for each of some figures; a line for each setting.
const MOST_LINES = 200;
const MOST_AXES = 10;

function axes() {
  const ofKeys = study.keys.map((key, i) => ({
    title: shortNames[i], low: key.values[0], high: key.values.at(-1),
    place: (setting) => (key.values.length > 1 ? setting.values[i] / (key.values.length - 1) : 0.5),
    ticks: key.values.length <= 8 ? key.values.map((text, at) => [key.values.length > 1 ? at / (key.values.length - 1) : 0.5, text]) : [[0, key.values[0]], [1, key.values.at(-1)]],
  }));
  const ofFigures = study.figures.flatMap((one, i) => {
    const means = study.settings.map((setting) => setting.figures[i]?.mean ?? NaN);
    if (!known(means).length) return [];
    const [low, high] = rangeOf(means, one.is_share);
    return [{ title: one.title, place: (setting) => (Number.isFinite(setting.figures[i]?.mean) ? (setting.figures[i].mean - low) / (high - low || 1) : null), ticks: [[0, written(low)], [1, written(high)]] }];
  });
  return [...ofKeys, ...ofFigures].slice(0, MOST_AXES);
}

function buildParallel(place) {
  const all = axes();
  if (all.length < 2) return;
  const [width, top, bottom] = [Math.max(560, 120 * all.length), 34, 236];
  const x = (i) => 60 + ((width - 120) * i) / (all.length - 1);
  const y = (share) => bottom - (bottom - top) * share;
  const settings = study.settings.slice(0, MOST_LINES);
  const svg = drawn("svg", { class: "plot parallel", viewBox: `0 0 ${width} 260`, role: "img", "aria-label": `Parallel coordinates of ${settings.length} settings over ${all.map(({ title }) => title).join(", ")}; the table below has the numbers.` });
  for (const setting of [...settings].sort((a, b) => isFaint(b) - isFaint(a))) {
    // A line has a gap where a setting has no value.
    const parts = [[]];
    all.forEach((axis, i) => {
      const share = axis.place(setting);
      if (share === null) parts.push([]);
      else parts.at(-1).push(`${x(i).toFixed(1)},${y(share).toFixed(1)}`);
    });
    const group = drawn("g", { class: classes(setting, "setting") }, ...parts.filter((part) => part.length > 1).map((part) => drawn("polyline", { "stroke-dasharray": dash(setting), points: part.join(" ") })));
    pointedAt(group, setting);
    svg.append(group);
  }
  all.forEach((axis, i) => {
    svg.append(drawn("line", { class: "axis strong", x1: x(i), y1: top, x2: x(i), y2: bottom }), drawn("text", { class: "title", x: x(i), y: 12, "text-anchor": "middle" }, cut(axis.title, 17)));
    for (const [share, text] of axis.ticks) svg.append(drawn("text", { x: x(i), y: share === 0 ? bottom + 14 : y(share) - 4, "text-anchor": "middle", class: "tick" }, cut(text, 16)));
  });
  const rows = () => study.settings.map((setting) => [settingName(setting), ...study.figures.map((_, i) => shown(setting.figures[i]?.mean ?? NaN))]);
  const more = study.settings.length > settings.length ? ` The first ${settings.length} of ${study.settings.length} settings are drawn.` : "";
  const holder = make("div", { class: "scroll", tabindex: "0" }, svg);
  framed(place, "All keys and figures", `a line for each setting, at its values and the means over its seeds; it has a gap where none was measured.${more}`, holder, () => table(["setting", ...study.figures.map(({ title }) => title)], rows()));
}
