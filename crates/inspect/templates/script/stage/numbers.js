// Cells of the pipeline in words, with the numbers that they come from, so that each can be checked by hand.
// Whether a score is q · k; one that has no name is that of the paper.
const isDot = ({ facts: { score } }) => !score || score.endsWith("dot");

function termOf(moment, name) {
  const { score, positions, softmax } = moment.facts;
  const letter = { q: "W_Q", k: "W_K", v: "W_V" }[name];
  if (letter) return projected(moment, name, letter);
  if (name === "scores") return isDot(moment) ? "q kᵀ" : say("term.score", { score: score ?? say("part.scores") });
  if (name === "scaled") return scaleInWords(moment, positions);
  if (name === "weights" && softmax === "quiet") return say("term.quiet");
  if (name === "answers" && moment.isBelow) return say("term.answersLater");
  return say(`term.${name}`);
}

// The same where the column is narrow: k is made as q is, and the letters of a score are those of the columns beside it.
function shortTermOf(moment, name) {
  if (name === "k" && moment.has("q")) return say("term.asQ");
  return name === "scores" && !isDot(moment) ? moment.facts.score : null;
}

// What makes x a query, a key or a value: the matrix, a bias, and of queries and keys a norm and a rotation.
function projected(moment, name, letter) {
  const { bias, qk_norm: isNormed, positions } = moment.facts;
  const input = name === "q" ? "x" : moment.inputOfKeys;
  let term = moment.matrix(letter) ? `${input} ${letter}${bias ? " + b" : ""}` : input;
  if (name !== "v" && isNormed) term = say("term.norm", { x: term });
  if (name !== "v" && positions === "rope") term = say("term.rotated", { x: term });
  return term === input ? say("term.same", { x: input }) : term;
}

function scaleInWords(moment, positions) {
  const { scale } = moment.facts;
  const width = moment.parts.k?.size[1];
  const added = positions === "alibi" ? say("term.added") : "";
  // What a score of the user's own is multiplied with is not known.
  if (!Number.isFinite(scale)) return say("term.scaled");
  const isRoot = width && Math.abs(scale * Math.sqrt(width) - 1) < 1e-6;
  return `${isRoot ? "/ √d_k" : scale === 1 ? "· 1" : `· ${amount(scale)}`}${added}`;
}

const vectorInWords = (values, most = 8) => `${Array.from(values.subarray(0, most), brief).join(", ")}${values.length > most ? ", …" : ""}`;

// One cell: the query, a key, and the part that is asked for.
function inNumbers(moment, query, key, kind) {
  const [asks, gives] = [moment.queryName(query), ["x", "q"].includes(kind) ? moment.queryName(key) : moment.keyName(key)];
  const value = (name) => moment.row(name, query)[key];
  if (["x", "s", "q", "k", "v"].includes(kind)) return say("cell.vector", { part: kind, token: gives, values: vectorInWords(moment.row(kind, key)) });
  if (kind === "context") return say("cell.context", { token: asks, values: vectorInWords(moment.row("context", query)) });
  if (kind === "answers") return answerInWords(moment, query);
  if (kind !== "scores" && moment.isHidden(query, key)) return say("cell.hidden", { query: asks, key: gives });
  if (!Number.isFinite(value(kind))) return say("cell.notFinite", { query: asks, key: gives });
  if (kind === "scores") return say("cell.scores", { query: asks, key: gives, sum: productInWords(moment, query, key), value: number(value("scores")) });
  if (kind === "scaled") return say("cell.scaled", { query: asks, key: gives, scores: moment.has("scores") ? number(value("scores")) : "…", value: number(value("scaled")), width: moment.parts.k?.size[1] ?? "d_k" });
  return say("cell.weights", { query: asks, key: gives, value: percent(value("weights")) });
}

// q · k written out where both are short.
function productInWords(moment, query, key) {
  const [q, k] = ["q", "k"].map((name, i) => moment.has(name) && moment.row(name, [query, key][i]));
  if (!q || !k || q.length > 4 || !isDot(moment)) return "";
  return ` = ${Array.from(q, (x, i) => `${brief(x)} × ${brief(k[i])}`).join(" + ")}`;
}
