// What is drawn on a canvas, written down as SVG: text stays text, and every rectangle is one. It has the part of a 2D
// context that our drawings use.
const ruler = make("canvas").getContext("2d");
// XML has no other characters, not even escaped.
const inXml = (text) => text.toWellFormed().replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd").replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const rounded = (x) => String(Math.round(x * 100) / 100);

class SvgContext {
  constructor(width, height) {
    Object.assign(this, { width, height, isVector: true, fillStyle: "#000000", strokeStyle: "#000000", lineWidth: 1, font: "10px sans-serif", textAlign: "left", textBaseline: "alphabetic", globalAlpha: 1 });
    Object.assign(this, { parts: [], kept: [], moves: [], dash: [], path: "" });
  }
  save() { this.kept.push([...this.moves]); }
  restore() { this.moves = this.kept.pop() ?? []; }
  translate(x, y) { this.moves.push(`translate(${rounded(x)} ${rounded(y)})`); }
  rotate(angle) { this.moves.push(`rotate(${rounded((angle * 180) / Math.PI)})`); }
  setLineDash(dash) { this.dash = dash; }
  measureText(text) {
    ruler.font = this.font;
    return ruler.measureText(text);
  }
  beginPath() { this.path = ""; }
  moveTo(x, y) { this.path += `M${rounded(x)} ${rounded(y)}`; }
  // As a canvas, which moves to the first point.
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${rounded(x)} ${rounded(y)}`; }
  bezierCurveTo(...places) { this.path += `C${places.map(rounded).join(" ")}`; }
  closePath() { this.path += "Z"; }
  arc(x, y, radius, from, to) {
    const at = (angle) => [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    // A whole circle has no end that differs from its start.
    const middle = (from + to) / 2;
    this.lineTo(...at(from));
    for (const angle of [middle, to]) this.path += `A${rounded(radius)} ${rounded(radius)} 0 0 1 ${at(angle).map(rounded).join(" ")}`;
  }
  fill() { this.add("path", { d: this.path, ...this.filled() }); }
  stroke() { this.add("path", { d: this.path, fill: "none", ...this.stroked() }); }
  fillRect(x, y, width, height) { this.add("rect", { ...this.box(x, y, width, height), ...this.filled() }); }
  strokeRect(x, y, width, height) { this.add("rect", { ...this.box(x, y, width, height), fill: "none", ...this.stroked() }); }
  // The ground of a picture is painted first, so that there is nothing to clear.
  clearRect() {}
  fillText(text, x, y) {
    if (text === "") return;
    const anchor = { left: "start", start: "start", center: "middle", right: "end", end: "end" }[this.textAlign];
    const middle = this.textBaseline === "middle" ? { dy: "0.35em" } : {};
    this.add("text", { x: rounded(x), y: rounded(y), ...middle, "text-anchor": anchor, style: `font: ${this.font}; white-space: pre`, ...this.filled() }, text);
  }
  box(x, y, width, height) { return { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) }; }
  filled() { return SvgContext.paint("fill", this.fillStyle); }
  stroked() {
    return { ...SvgContext.paint("stroke", this.strokeStyle), ...(this.lineWidth === 1 ? {} : { "stroke-width": rounded(this.lineWidth) }), ...(this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {}) };
  }
  // Programs that draw know no colours of eight digits.
  static paint(name, style) {
    const found = /^(#[0-9a-f]{6})([0-9a-f]{2})$/i.exec(style);
    return found ? { [name]: found[1], [`${name}-opacity`]: rounded(parseInt(found[2], 16) / 255) } : { [name]: style };
  }
  add(tag, attributes, text = "") {
    const all = { ...attributes, ...(this.moves.length ? { transform: this.moves.join(" ") } : {}), ...(this.globalAlpha === 1 ? {} : { opacity: rounded(this.globalAlpha) }) };
    const written = Object.entries(all).map(([key, value]) => ` ${key}="${inXml(String(value))}"`).join("");
    this.parts.push(text === "" ? `<${tag}${written}/>` : `<${tag}${written}>${inXml(text)}</${tag}>`);
  }
  text(title) {
    return `<svg xmlns="${SVG}" width="${this.width}" height="${this.height}" viewBox="0 0 ${this.width} ${this.height}" role="img">\n<title>${inXml(title)}</title>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}
