// Cells with a caption, a scale, what is pointed at, and the values as a table.
class HeatMap extends Cells {
  constructor(place, picture) {
    super(picture);
    const wide = place.clientWidth > 200 ? place.clientWidth : 480;
    this.where = make("p", { class: "where", "aria-live": "polite" }, say("pointAtCell"));
    this.said = (text) => (this.where.textContent = text);
    this.bar = make("canvas", { width: "144", height: "12", "aria-hidden": "true" });
    const middle = this.palette === "diverging" ? ["0"] : [];
    const scale = make("span", { class: "scale" }, this.bar, ...middle.map((text) => make("span", { class: "middle" }, text)));
    this.caption = make("figcaption");
    this.table = make("div");
    this.details = make("details", {}, make("summary", {}, say("valuesTable")), this.table);
    this.details.addEventListener("toggle", () => this.tabulate());
    this.ends = [make("span"), make("span")];
    place.append(make("figure", {}, this.caption, this.canvas, make("div", { class: "bar" }, this.ends[0], scale, this.ends[1]), this.where, this.details));
    this.fit(Math.min(480, wide), 480);
  }
  show(values, caption, described) {
    this.caption.replaceChildren(...caption);
    super.show(values, described);
    this.tabulate();
  }
  draw() {
    super.draw();
    this.ends[0].textContent = this.written(this.low);
    this.ends[1].textContent = this.written(this.high);
    const bar = this.bar.getContext("2d");
    for (let x = 0; x < 144; x++) {
      bar.fillStyle = colour(this.palette, x / 143);
      bar.fillRect(x, 0, 1, 12);
    }
  }
  tabulate() {
    if (!this.details.open || !this.values) return;
    const rows = this.rowNames.map((title, row) => [title, ...Array.from(this.values.subarray(row * this.columns, (row + 1) * this.columns), (x) => (this.isSparse && Number.isNaN(x) ? "–" : number(x)))]);
    this.table.replaceChildren(table(["", ...this.columnNames], rows));
    this.table.querySelectorAll("tbody tr").forEach((line, row) => line.classList.toggle("silent", Boolean(this.silent[row])));
  }
}
