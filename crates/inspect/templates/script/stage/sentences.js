// One plain sentence beside each change, made from the numbers.
// The frame that was shown before by a film that plays forwards.
const before = (moment) => (moment.frame > 0 ? moment.at(moment.frame - 1) : null);

function attentionInWords(moment, query, past = before(moment)) {
  const now = moment.preferences(query);
  if (!now) return "";
  if (!now.order.length) return now.row.every((_, key) => moment.isHidden(query, key)) ? "" : say("attention.notFinite", { query: moment.queryName(query) });
  const [first, second] = now.order;
  const share = moment.has("weights") ? moment.row("weights", query)[first] : null;
  const worth = (i, from = now) => (from.name === "scaled" ? brief(from.row[i]) : percent(from.row[i]));
  const words = { query: moment.queryName(query), key: moment.keyName(first), value: worth(first), share: share === null ? "" : percent(share) };
  if (second === undefined) return say("attention.only", words);
  // Of equal ones none is preferred.
  const n = largestIn(now.row).length;
  if (n === now.order.length) return say("attention.equal", words);
  if (n > 1) return say("attention.tied", { ...words, n });
  const earlier = past?.preferences(query);
  const favourite = earlier?.order[0];
  if (favourite !== undefined && favourite !== first) return say("attention.changed", { ...words, other: moment.keyName(favourite), otherValue: worth(favourite) });
  const key = moment.frame === 0 && moment.step === 0 ? "attention.first" : now.name === "scaled" && share !== null ? "attention.still" : "attention.plain";
  return say(key, { ...words, other: moment.keyName(second), otherValue: worth(second) });
}

function answerInWords(moment, query) {
  if (!moment.hasTarget(query)) return say("answer.none", { query: moment.queryName(query) });
  if (moment.isBroken(query)) return say("answer.notFinite", { query: moment.queryName(query) });
  const [said, right] = [moment.prediction(query), moment.target(query)];
  const shares = [said, right].map((label) => moment.shareOf(label, query));
  const known = shares.every(Number.isFinite);
  const words = { said: isolated(said), right: isolated(right), share: known ? percent(shares[0]) : "", rightShare: known ? percent(shares[1]) : "" };
  const verdict = moment.isWritten ? ["same", "other"] : ["right", "wrong"];
  return say(`answer.${verdict[said === right ? 0 : 1]}${known ? "" : ".plain"}`, words);
}

// Which of W_Q, W_K and W_V a config leaves out, by the letters of what they make; null where it is not known.
function absentOf({ facts: { projections } }) {
  return projections ? ["q", "k", "v"].filter((_, i) => projections[i] === "none") : null;
}
// What stands in the place of a matrix that is absent.
function inPlaceOfMatrix(moment, part) {
  const isPart = moment.has("x") && moment.has(part) && moment.size(part)[1] < moment.size("x")[1];
  return say(isPart ? "matrices.partOfX" : "matrices.x");
}

// Why a head has no matrices to show: its config says whether it has any.
function noMatricesInWords(moment) {
  const absent = absentOf(moment);
  if (!absent) return say("matrices.notKept");
  return absent.length === 3 ? say("matrices.none", { x: inPlaceOfMatrix(moment, "q") }) : say("matrices.large");
}
function absentInWords(moment) {
  const absent = absentOf(moment) ?? [];
  if (!absent.length || absent.length === 3) return "";
  const together = ([one, other]) => (other ? say("matrices.both", { one, other }) : one);
  const names = together(absent.map((part) => `W_${part.toUpperCase()}`));
  return say(absent.length === 1 ? "matrices.absentOne" : "matrices.absentTwo", { names, parts: together(absent), x: inPlaceOfMatrix(moment, absent[0]) });
}

// Which matrix the chosen view shows at its largest.
function matricesInWords(moment, view, after) {
  const names = ["W_Q", "W_K", "W_V", "W_O"].filter((name) => moment.matrix(name));
  if (!names.length) return noMatricesInWords(moment);
  const all = names.map((name) => {
    const matrix = moment.matrix(name);
    const values = MatrixView.values(matrix, view, moment.frame, after);
    const size = view === "weights" || view === "change" ? matrix.frames[moment.frame]?.moved : MatrixView.length(matrix, view, moment.frame, after);
    return { name, size: size ?? NaN, isBroken: Boolean(values) && !values.every(Number.isFinite) };
  });
  const figures = all.filter(({ size }) => Number.isFinite(size)).sort((a, b) => b.size - a.size);
  if (!figures.length && all.some(({ isBroken }) => isBroken)) return say("matrices.notFinite");
  if (!figures.length) return say(view === "gradient" ? "matrices.noGradient" : "matrices.noValue");
  if (moment.frame === 0 && moment.step === 0 && view !== "gradient" && view !== "delta") return say("matrices.start");
  const [most, ...others] = figures;
  return say(`matrices.${view}`, { name: most.name, size: amount(most.size), others: others.map(({ name, size }) => `${name} ${amount(size)}`).join(", ") || say("matrices.noOther") });
}
