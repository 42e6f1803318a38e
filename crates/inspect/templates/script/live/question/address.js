// The state of the page in its address, both ways: what is asked, and what is shown of it. What a reader's disk had, and
// weights that were changed by hand, cannot be in it.
// A companion may have keys of its own: its `address()` gives them with their values, and its `restore(found)` takes what it
// knows of an address and returns those keys.
const linked = {
  wanted: null,
  // When every part of the page has heard of the run.
  grown() { if (linked.wanted) queueMicrotask(showWanted); },
  shown() { address.changed(); },
  // A config of the page itself is there when the address is opened; one that was opened is not.
  get isOwnConfig() { return live.asked.begin.config !== undefined && live.asked.begin.config !== settings.first?.config; },
};

const address = new Address({ read: addressOf, apply: (found) => follow(found) });

function addressOf() {
  const { film, asked } = live;
  if (!film || !asked) return {};
  const { begin } = asked;
  const found = {};
  if (begin.task !== undefined && (begin.task !== "letters" || page.beginning)) found.task = begin.task;
  // Settings over a config from a disk mean nothing without it.
  const settings = linked.isOwnConfig ? [] : begin.settings.filter((setting) => !OFTEN.includes(setting));
  const ofReader = linked.isOwnConfig ? [] : reach.projections();
  for (const setting of [...settings, ...ofReader]) found[setting.slice(0, setting.indexOf("="))] = setting.slice(setting.indexOf("=") + 1);
  const { step } = film.frames[state.frame];
  const layer = state.layer === mainLayer(film) ? null : Math.max(namesOfLayers(film).indexOf(state.layer), 0);
  const shown = { step: step || null, query: state.query, layer, head: state.head || null, probe: state.probe || null };
  Object.assign(found, shown, { view: state.view === "weights" ? null : state.view, gauge: state.gauge ? "main" : null, own: live.own ?? null });
  Object.assign(found, { speed: isDefaultSpeed() ? null : at("speed").value, keys: at("keys")?.checked === false ? "off" : null });
  for (const one of companions) Object.assign(found, one.address?.());
  const kept = Object.entries(found).filter(([, value]) => value !== null && value !== undefined);
  const test = isTest && !/[?&]test\b/.test(location.search) ? [["test", ""]] : [];
  return Object.fromEntries(kept.length || test.length ? [["v", ADDRESS_VERSION], ...kept, ...test] : []);
}
const isDefaultSpeed = () => at("speed").selectedOptions[0]?.defaultSelected ?? true;
const namesOfLayers = (film) => [...new Set(film.layers.map(({ name }) => name).concat(film.probes.flatMap(({ maps }) => maps.map(({ layer }) => layer))))];

// What a page begins with when its address has something to say; null where it has not.
function addressed() {
  const found = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const { test, ...others } = found;
  if (!Object.keys(others).length) return null;
  take(found);
  return { ...settings.begin(), ...laneChoice.asked };
}
// Takes what an address asks for; what it shows waits until the run is there.
function take(found) {
  const read = addressInParts(found);
  const { parts } = read;
  const isOther = parts.task !== undefined;
  settings.adopt(isOther ? parts.task : null, read.settings);
  laneChoice.take(found);
  if (parts.speed) at("speed").value = parts.speed;
  linked.wanted = { ...read, found };
}
// An address that was put in the place of the one before.
function follow(found) {
  const asks = ({ begin, lanes }) => JSON.stringify([begin.task, begin.config, begin.settings, lanes ?? []]);
  const before = live.asked && asks(live.asked);
  take(found);
  const asked = { ...settings.begin(), ...laneChoice.asked };
  if (before === asks(asked) && live.film) return showWanted();
  trainer.whenBegun(() => begin(asked));
}

// Shows what an address names, now that the run is there; what it does not have is said and left.
function showWanted() {
  if (!linked.wanted) return;
  const { parts, unknown, wrong, found } = linked.wanted;
  linked.wanted = null;
  const known = new Set(companions.flatMap((one) => one.restore?.(found) ?? []));
  const { film } = live;
  const faults = [...unknown.filter((key) => !known.has(key)).map((key) => say("address.unknown", { key: cut(key, 30) })), ...wrong.map((key) => say("address.wrong", { key, value: cut(found[key], 30) }))];
  const within = (key, n) => {
    if (parts[key] === undefined) return null;
    if (parts[key] < n) return parts[key];
    faults.push(say("address.range", { key, value: parts[key], most: n - 1 }));
    return null;
  };
  const names = namesOfLayers(film);
  const probe = within("probe", film.probes.length) ?? 0;
  const layer = names[within("layer", names.length)] ?? mainLayer(film);
  const head = within("head", Math.max(at("head").options.length, 1)) ?? 0;
  const query = within("query", film.probes[probe]?.tokens.length ?? 0);
  for (const [id, value] of Object.entries({ probe, head, layer: Math.max(names.indexOf(layer), 0) })) at(id).value = String(value);
  choose({ probe, layer, head, query, view: parts.view ?? "weights", gauge: parts.gauge === "main" });
  at("keys").checked = parts.keys !== "off";
  const last = live.run.last_step;
  if (parts.step > last) faults.push(say("address.end", { value: parts.step, last }));
  if (parts.own !== undefined) {
    at("own").value = parts.own;
    ownInput(parts.own);
  }
  const step = Math.min(parts.step ?? 0, last);
  if (step <= film.frames.at(-1).step) seek(film.frames.findLastIndex((frame) => frame.step <= step));
  else journey.start(step);
  if (faults.length) said(faults.join(" "));
  else if (journey.to !== null) said(say("address.way", { step }));
}

async function copyAddress() {
  address.write();
  const lacks = [...(live.kept.length || live.asked.weights ? ["address.noWeights"] : []), ...(live.asked.begin.text ? ["address.noText"] : []), ...(linked.isOwnConfig ? ["address.noConfig"] : [])];
  const more = lacks.map((key) => ` ${say(key)}`).join("");
  try {
    await navigator.clipboard.writeText(location.href);
    said(say("address.copied") + more);
  } catch {
    said(say("address.notCopied", { address: location.href }) + more, { stays: true });
  }
}
