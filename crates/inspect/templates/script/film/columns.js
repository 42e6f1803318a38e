// Runs beside each other, each at the step that the film shows: a column for each, so that they are seen to part.
function buildColumns(place) {
  const own = { title: film.title, frames: film.frames, probes: film.probes };
  return [own, ...film.variants].map((run) => {
    const spot = make("div", { class: "column" });
    place.append(spot);
    const title = make("h3", {}, run.title);
    const facts = make("p", { class: "readout" });
    const picture = make("div");
    spot.append(title, facts, picture);
    const probe = run.probes[0];
    const map = probe?.maps.find(({ layer }) => layer === mainLayer(run));
    if (!map) {
      picture.append(make("p", { class: "hint" }, say("noMap")));
      return () => {};
    }
    const called = mapNames(probe, map);
    const where = make("p", { class: "where", "aria-live": "polite" });
    const cells = new Cells({
      rows: map.cells[0], columns: map.cells[1], palette: "sequential", low: 0, high: 1, inCell: (x) => x.toFixed(2), labels: map.cells[0] <= 32, rowNames: called[0], columnNames: called[1],
      describe: (row, column, x) => say("cell.map", { query: called[0][row], key: called[1][column], share: percent(x) }), said: (text) => (where.textContent = text),
    });
    cells.fit(Math.min(place.clientWidth || 360, 360), 360);
    picture.append(cells.canvas, where);
    return () => {
      const { step } = film.frames[state.frame];
      const frames = run.frames ?? [];
      // The last frame up to this step; a run of which one frame alone was kept shows that.
      const index = frames.length === map.frames.length ? frames.findLastIndex((frame, i) => frame.step <= step && map.frames[i]) : map.frames.findLastIndex((frame) => frame);
      const frame = map.frames[index];
      const found = frames[index];
      const words = found ? [say("columns.step", { step: found.step }), ...(Number.isFinite(found.loss) ? [say("readout.loss", { loss: number(found.loss) })] : []), ...(Number.isFinite(found.accuracy) ? [say("readout.accuracyLast", { accuracy: percent(found.accuracy) })] : [])] : [say("columns.last")];
      facts.replaceChildren(...words.map((text) => make("span", {}, text)));
      cells.show(frame ? mapOf(frame) : new Float32Array(map.cells[0] * map.cells[1]), found ? say("mapLabel", { rows: map.size[0], columns: map.size[1], step: found.step }) : say("mapLabelLast", { rows: map.size[0], columns: map.size[1] }));
    };
  });
}
