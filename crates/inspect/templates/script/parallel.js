// Parallel coordinates: an axis for each key, then one for each figure; a line for each setting.
const MOST_LINES = 200;
const MOST_TICKS = 8;

// Numbers with as many digits as tell them apart.
function told(values) {
  for (let digits = 5, texts = values.map(written); ; digits++) {
    if (new Set(texts).size === values.length) return texts;
    texts = values.map((value) => value.toPrecision(digits));
  }
}

// Each axis is `place` from 0 to 1 by setting, null where it has none, and its ticks.
function axisOfKey({ values }, key) {
  const share = (index) => index / (values.length - 1);
  const every = Math.ceil(values.length / MOST_TICKS);
  const ticks = values.map((text, index) => [share(index), text]).filter((_, index) => index % every === 0 || index === values.length - 1);
  return { title: shortNames[key], ticks, place: (setting) => share(setting.values[key]) };
}

function axisOfFigure({ title }, figure) {
  const mean = (setting) => setting.figures[figure]?.mean ?? NaN;
  const [least, most] = endsOf(study.settings.map(mean));
  if (least > most) return [];
  const share = (value) => (Number.isFinite(value) ? (least < most ? (value - least) / (most - least) : 0.5) : null);
  const ends = [...new Set([least, most])];
  const texts = told(ends);
  return [{ title, ticks: ends.map((value, i) => [share(value), texts[i]]), place: (setting) => share(mean(setting)) }];
}

function buildParallel(place) {
  const axes = [...study.keys.map(axisOfKey), ...study.figures.flatMap(axisOfFigure)];
  if (axes.length < 2) return;
  const [width, top, bottom] = [120 * axes.length, 34, 236];
  const x = (i) => 60 + 120 * i;
  const y = (share) => bottom - (bottom - top) * share;
  const settings = study.settings.slice(0, MOST_LINES);
  const groups = [...settings].reverse().map((setting) => {
    // A line has a gap where a setting has no value; a value between two gaps is a dot.
    const parts = [[]];
    axes.forEach((axis, i) => {
      const share = axis.place(setting);
      if (share === null) parts.push([]);
      else parts.at(-1).push([x(i), y(share).toFixed(1)]);
    });
    const shapes = parts.filter((part) => part.length).flatMap((part) => {
      const [[cx, cy], points] = [part[0], part.map((point) => point.join(",")).join(" ")];
      return part.length > 1 ? [drawn("polyline", { class: "near", points }), drawn("polyline", { "stroke-dasharray": dash(setting), points })] : [drawn("circle", { class: "dot", cx, cy, r: 4 })];
    });
    return standsFor(drawn("g", {}, ...shapes), setting);
  });
  const svg = drawn("svg", { class: "plot parallel", style: `width: ${width}px; max-width: none`, viewBox: `0 0 ${width} 260`, role: "img", "aria-label": `Parallel coordinates of ${counted(settings.length, "setting")} over ${axes.map(({ title }) => title).join(", ")}; the table below has the numbers.` }, drawn("g", {}, ...groups));
  axes.forEach(({ title, ticks }, i) => {
    svg.append(drawn("line", { class: "axis strong", x1: x(i), y1: top, x2: x(i), y2: bottom }), drawn("text", { class: "title", x: x(i), y: 12, "text-anchor": "middle" }, cut(title, 17), drawn("title", {}, title)));
    for (const [share, text] of ticks) svg.append(drawn("text", { x: x(i), y: share === 0 ? bottom + 14 : y(share) - 4, "text-anchor": "middle", class: "tick" }, cut(text, 16), drawn("title", {}, text)));
  });
  const rows = () => study.settings.map((setting) => [settingName(setting), ...study.figures.map((_, i) => shown(setting.figures[i]?.mean ?? NaN))]);
  const holder = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Parallel coordinates" }, svg);
  framed(place, "All keys and figures", `a line for each setting, at its values and the means over its seeds; it has a gap where none was measured. ${axes.length} axes, from the least to the greatest value of each.${best(settings)}`, [holder, nameOfPointed()], () => table(["setting", ...study.figures.map(({ title }) => title)], rows()));
}
