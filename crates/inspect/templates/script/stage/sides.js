// Models of two sequences: which positions the rows and columns of a layer's maps are, and what a layer is in words.
// Signs of a label beside a map.
const BESIDE = 6;

const isBetweenTwo = ({ queries, keys }) => Boolean(queries) && String(queries) !== String(keys);

// The layer to look at first: the last whose map is an alignment of two sequences, or else the first.
const mainLayer = ({ layers, probes }) => probes[0]?.maps.findLast(isBetweenTwo)?.layer ?? layers?.[0]?.name ?? probes[0]?.maps[0]?.layer ?? "";

// An input in one line, its sequences with an arrow between them.
function inputInWords({ tokens, sides }) {
  const joined = (part) => part.join(part.every((token) => Array.from(token).length === 1) ? "" : " ");
  return sides?.length ? sides.map((side) => joined(tokens.slice(...side))).join(" → ") : tokens.join(" ");
}

// A position counted from the beginning of its own sequence.
const placeIn = ({ sides }, position) => position - ((sides ?? []).findLast(([first]) => first <= position)?.[0] ?? 0);

// A layer in words where a model has several kinds of them; null otherwise.
function layerInWords(film, name) {
  const { kind, block } = film.run?.layers?.find((layer) => layer.name === name) ?? {};
  return kind && Number.isInteger(block) ? say(`layer.${kind}`, { block }) : null;
}

// What the rows and the columns of a map are.
const axesInWords = (film, layer, block) => {
  const { kind } = film.run?.layers?.find(({ name }) => name === layer) ?? {};
  const axes = kind ? say(`mapAxes.${kind}`) : say("mapAxes");
  return block[0] * block[1] > 1 ? say("mapAxesBlocks", { axes, block: block.join(" × ") }) : axes;
};

// The labels of both axes of a map, a word for each position, or none where there are not as many. Between two sequences a
// row has what is read there and what is to be written.
function mapLabels(probe, { queries, keys, size }) {
  const of = (range, length) => {
    const positions = probe.tokens.map((token, i) => ({ token, target: probe.targets[i] ?? "" })).slice(...(range ?? []));
    return positions.length === length ? positions : [];
  };
  const row = ({ token, target }) => (target === "" ? token : `${cut(token, BESIDE)}→${cut(target, BESIDE)}`);
  const [down, across] = [of(queries, size[0]), of(keys, size[1])];
  return [down.map(isBetweenTwo({ queries, keys }) ? row : ({ token }) => token), across.map(({ token }) => token)];
}

// The names of the cells of a map along both axes.
function mapNames(probe, map) {
  const labels = mapLabels(probe, map);
  return [0, 1].map((axis) => names(say(["axis.query", "axis.key"][axis]), labels[axis], map.cells[axis], map.block[axis], map.size[axis]));
}
