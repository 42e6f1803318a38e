// Formulas with real subscripts, and q, k and v in their colours wherever they stand.
const LETTERS = { Q: "q", K: "k", V: "v", q: "q", k: "k", v: "v" };

// The nodes of a text in which W_Q, d_k and the like have subscripts. In a formula the letters q, k and v have colours.
function lowered(text, isFormula) {
  return text.split(/(W_[QKVO]|d_(?:model|in|k|v)|(?<![\p{L}\p{N}'])[qkv](?!(?!ᵀ)[\p{L}\p{N}']))/u).map((part, i) => {
    if (i % 2 === 0) return part;
    const [letter, below] = part.split("_");
    const identity = isFormula || letter === "W" ? LETTERS[letter === "W" ? below : part] : undefined;
    if (!below) return identity ? make("b", { class: `is-${identity}` }, letter) : part;
    return make("span", identity ? { class: `is-${identity}` } : {}, letter, make("sub", {}, below));
  });
}
const formula = (text) => lowered(text, true);
const prose = (text) => lowered(text, false);

// A text of the table: [keys] in brackets and `code` between backticks become such, formulas have their subscripts.
const marked = (text) => text.split(/(\[.+?\]|`.+?`)/).flatMap((part, i) => (i % 2 ? make(part[0] === "[" ? "kbd" : "code", {}, part.slice(1, -1)) : formula(part)));

// Elements that name a text of the table came with it, without its markup.
function fill() {
  for (const element of document.querySelectorAll("[data-text]")) element.replaceChildren(...marked(say(element.dataset.text)));
}

// Gives the text of elements that came without subscripts theirs.
function lowerIn(elements) {
  for (const element of elements) element.replaceChildren(...prose(element.textContent));
}

// The same in SVG, which has no elements for subscripts.
const loweredInSvg = (text) => text.split(/(?<=W)_([QKVO])/).map((part, i) => (i % 2 ? drawn("tspan", { dy: 3, "font-size": "0.75em" }, part) : part));
