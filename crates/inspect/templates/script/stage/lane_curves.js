// Loss and accuracy of runs beside each other on one timeline, each line with its name at the end. The loss is solid, the
// accuracy dashed; the lines of the run that is shown are thick.
const LANE_LABEL = 132;
const LANE_LINE = 12;
// Where there is little room, the losses alone have labels, without numbers.
const LANE_NARROW = 480;
const LANE_NAME = 62;
const laneMargin = (width) => (width < LANE_NARROW ? LANE_NAME : LANE_LABEL);

function laneCurves(timeline, svg, { y, points }) {
  const { box } = timeline;
  const isNarrow = box.right + LANE_NAME < LANE_NARROW;
  const runs = timeline.lanes().map(({ name, film }, i) => ({ ...timeline.curves(film), name, kind: `lane-${i}`, isShown: film === timeline.film }));
  const most = Math.max(...runs.map(({ losses }) => largestLoss(losses)));
  const ends = [];
  for (const { losses, accuracies, name, kind, isShown } of runs) {
    const short = cut(name, 11);
    const curves = [
      [losses, most, "of-loss", (loss) => say("lanes.loss", { name: short, loss: brief(loss) })],
      [accuracies, 1, "of-accuracy", (accuracy) => say("lanes.accuracy", { name: short, accuracy: percent(accuracy) })],
    ];
    for (const [curve, of, style, text] of curves) {
      const finite = curve.filter(([, value]) => Number.isFinite(value));
      if (!finite.length) continue;
      svg.append(drawn("polyline", { class: `${kind} ${style}${isShown ? " is-large" : ""}`, points: points(finite, of) }));
      const [step, last] = finite.at(-1);
      const place = [timeline.x(timeline.shareOfStep(step)), y(last / of)];
      // One value makes no line.
      if (finite.length === 1) svg.append(drawn("circle", { class: kind, cx: place[0], cy: place[1], r: 2.5 }));
      if (!isNarrow) ends.push({ kind, style, place, text: text(last), isShown });
      else if (curve === losses) ends.push({ kind, style, place, text: cut(name, 8), isShown });
    }
  }
  const label = (x, y, kind, anchor, text) => drawn("text", { x, y, class: kind, "text-anchor": anchor }, text);
  for (const { kind, style, place, text, isShown, height } of spreadOut(ends, box.top, box.bottom + 10)) {
    const x = box.right + 14;
    svg.append(drawn("polyline", { class: `${kind} leader`, points: `${place[0]},${place[1]} ${box.right + 3},${place[1]} ${x - 3},${height}` }));
    svg.append(label(x, height + 4, `${kind} ${style}${isShown ? " is-large" : ""}`, "start", text));
  }
  if (!ends.length) return;
  const middle = (box.top + box.bottom) / 2;
  const beside = (height, text) => svg.append(label(box.left - 6, height, "", "end", text));
  // The numbers only where there is room for them, too.
  if (box.bottom - box.top > 52) {
    beside(box.top + 10, brief(most));
    beside(box.bottom, "0");
  }
  beside(middle - 2, say("lanes.axis.loss"));
  beside(middle + 12, say("lanes.axis.accuracy"));
}

// Labels as near to their line's end as they can be without covering each other.
function spreadOut(ends, top, bottom) {
  const sorted = [...ends].sort((a, b) => a.place[1] - b.place[1]);
  let last = top - LANE_LINE;
  for (const end of sorted) last = end.height = Math.max(end.place[1], last + LANE_LINE);
  let next = bottom;
  for (const end of [...sorted].reverse()) next = (end.height = Math.min(end.height, next)) - LANE_LINE;
  return sorted;
}
