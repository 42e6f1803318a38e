// The numbers of the stage as a table, for those who do not see its pictures.
class StageTable {
  constructor(place) {
    this.content = make("div");
    this.ofMatrices = make("div");
    this.matrices = make("details", {}, make("summary", {}, say("table.matrices")), this.ofMatrices);
    this.root = make("details", {}, make("summary", {}, say("table.title")), this.content, this.matrices);
    for (const details of [this.root, this.matrices]) details.addEventListener("toggle", () => this.fill());
    place.append(this.root);
  }
  // `matrices` are those shown, with names of their rows and columns, in a view; they are long, and have a fold of their own.
  show(moment, query, matrices, view) {
    Object.assign(this, { moment, query, shown: matrices, view });
    this.fill();
  }
  fill() {
    const { moment, query } = this;
    if (!this.root.open || !moment) return;
    const single = ["scores", "scaled", "weights"].filter((name) => moment.has(name));
    const vectors = [...(moment.inputOfKeys === "s" ? ["s"] : []), "k", "v"].filter((name) => moment.has(name));
    const cell = (name, key) => (name !== "scores" && moment.isHidden(query, key) ? say("hidden") : number(moment.row(name, query)[key]));
    const rows = Array.from({ length: moment.nKeys }, (_, key) => [moment.keyName(key), ...single.map((name) => cell(name, key)), ...vectors.map((name) => vectorInWords(moment.row(name, key), Infinity))]);
    const own = ["x", "q", "context"].filter((name) => moment.has(name)).map((name) => [say(`part.${name}`), vectorInWords(moment.row(name, query), Infinity)]);
    const answers = moment.has("answers") && Number.isFinite(moment.row("answers", query)[0]) ? Array.from(moment.row("answers", query), (share, token) => [moment.film.vocabulary[token] ?? String(token), percent(share)]) : [];
    this.content.replaceChildren(
      make("p", { class: "hint" }, say("table.query", { query: moment.queryName(query), step: moment.step })),
      table([say("table.key"), ...single.map((name) => say(`part.${name}`)), ...vectors.map((name) => say(`part.${name}`))], rows),
      ...(own.length ? [table([say("table.part"), say("table.values")], own)] : []),
      ...(answers.length ? [table([say("part.answers"), say("term.answers")], answers)] : []),
    );
    this.matrices.hidden = !this.shown.length;
    if (!this.matrices.open) return;
    this.ofMatrices.replaceChildren(...this.shown.flatMap(({ matrix, cells }) => [
      make("p", { class: "hint" }, ...formula(matrix.name), `, ${say(`view.${this.view}`)}`),
      table(["", ...cells.columnNames], cells.rowNames.map((title, row) => [title, ...Array.from(cells.values.subarray(row * cells.columns, (row + 1) * cells.columns), number)])),
    ]));
  }
}
