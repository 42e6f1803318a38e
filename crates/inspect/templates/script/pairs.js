// Two keys at once: the mean of the figure over all runs that have both values, whatever else they were set to.
function buildPairs(place) {
  if (!study.keys.length) return;
  const [rows, columns] = [state.rows, state.columns];
  const down = study.keys[rows];
  const across = rows === columns ? { name: "", values: ["all"] } : study.keys[columns];
  const cell = (row, column) => study.settings.filter((setting) => setting.values[rows] === row && (rows === columns || setting.values[columns] === column)).flatMap(runsOf);
  const runs = down.values.map((_, row) => across.values.map((_, column) => cell(row, column)));
  const values = Float32Array.from(runs.flat(), (all) => {
    const measured = known(all.map((run) => run.figures[state.figure]));
    return measured.length ? mean(measured) : NaN;
  });
  const ticks = ticksOf(Array.from(values));
  const spot = make("div");
  place.append(spot);
  const name = (key, i) => `${shortNames[key]} ${study.keys[key].values[i]}`;
  const picture = new HeatMap(spot, {
    rows: down.values.length, columns: across.values.length, palette: "sequential", low: ticks[0], high: ticks.at(-1), labels: true, room: 40, isSparse: true, inCell: number, written: String,
    beside: [down.values, across.values],
    rowNames: down.values.map((_, i) => name(rows, i)), columnNames: across.values.map((_, i) => (rows === columns ? "all runs" : name(columns, i))),
    describe: (row, column, x) => {
      const all = runs[row][column];
      const where = [name(rows, row), ...(rows === columns ? [] : [name(columns, column)])].join(", ");
      const passed = known(all.map((run) => run.figures[state.figure])).length;
      return all.length ? `${where}: ${Number.isFinite(x) ? `${figure().title} ${number(x)}` : `no ${figure().title}`}, ${passed} of ${all.length} runs` : `${where}: no run`;
    },
  });
  const others = study.keys.filter((_, key) => key !== rows && key !== columns).map((key) => key.name);
  const over = others.length ? ` and over ${others.join(", ")}` : "";
  const title = `${figure().title} by ${down.name}${rows === columns ? "" : ` and ${across.name}`}`;
  picture.show(values, [make("h3", {}, sentence(title)), ` mean over seeds${over}; an empty cell has no run with a value.`], `${title}; values in the table below.`);
}
