// The score of one key worked out line by line, where a reader can follow it by hand.
const MOST_FACTORS = 4;
const MOST_TERMS = 6;

// Formulas for the query and the key that it prefers; none where they would be long.
function workedOut(moment, query) {
  const names = ["q", "k", "scores", "scaled", "weights"];
  if (!isDot(moment) || !names.every((name) => moment.has(name)) || moment.size("k")[1] > MOST_FACTORS || moment.nKeys > MOST_TERMS) return [];
  const key = moment.preferences(query).order[0];
  if (key === undefined) return [];
  const of = (name) => moment.row(name, query);
  const width = moment.size("k")[1];
  const scaled = Array.from(of("scaled")).filter(Number.isFinite);
  const sum = scaled.reduce((total, x) => total + Math.exp(x), 0);
  // A softmax with a sink, or one of the user's own, has another sum.
  if (!(Math.abs(Math.exp(of("scaled")[key]) / sum - of("weights")[key]) < 0.02)) return [];
  const lines = [`q · k${productInWords(moment, query, key)} = ${brief(of("scores")[key])}`];
  const isRoot = Math.abs(of("scores")[key] / Math.sqrt(width) - of("scaled")[key]) < 0.02 * Math.abs(of("scaled")[key]) + 0.01;
  lines.push(isRoot ? `${brief(of("scores")[key])} / √${width} = ${brief(of("scaled")[key])}` : `${scaleInWords(moment)}: ${brief(of("scaled")[key])}`);
  lines.push(say("worked.softmax", { value: brief(of("scaled")[key]), terms: scaled.map((x) => say("worked.term", { value: brief(x) })).join(" + "), top: brief(Math.exp(of("scaled")[key])), sum: brief(sum), share: of("weights")[key].toFixed(2) }));
  return [make("p", { class: "worked-title" }, ...prose(say("worked.title", { query: moment.queryName(query), key: moment.keyName(key) }))), ...lines.map((line) => make("p", { class: "worked-line" }, ...formula(line)))];
}
