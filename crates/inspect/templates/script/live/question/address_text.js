// What an address says, read with care: it comes from anybody. Nothing here depends on the run that is there.
const ADDRESS_VERSION = "1";
const MOST_STEP = 1_000_000;
const MOST_IN_A_SETTING = 200;
const MOST_IN_AN_INPUT = 2_000;
// A page that is tested says so in its address.
const isTest = /[?#&]test\b/.test(location.search + location.hash);
// A setting whose name stands alone.
const PLAIN_KEYS = ["seed", "optimizer", "schedule", "loss"];
const isSetting = (key) => KEY.test(key) && (key.includes(".") || PLAIN_KEYS.includes(key));

// Parts that are no settings: what each becomes, undefined where it may not be so.
const whole = (most) => (text) => (/^\d{1,9}$/.test(text) && Number(text) <= most ? Number(text) : undefined);
const oneOf = (...values) => (text) => (values.includes(text) ? text : undefined);
const PARTS = {
  v: oneOf(ADDRESS_VERSION),
  task: (text) => (/^[a-z0-9-]{1,40}$/.test(text) ? text : undefined),
  step: whole(MOST_STEP), query: whole(1e5), layer: whole(1e3), head: whole(1e3), probe: whole(1e3),
  view: oneOf(...MATRIX_VIEWS), gauge: oneOf("main"), keys: oneOf("off"),
  speed: (text) => (Array.from(at("speed").options).some(({ value }) => value === text) ? text : undefined),
  own: (text) => (text.length <= MOST_IN_AN_INPUT ? text : undefined),
  test: (text) => text,
};

// The parts by key, the settings in their order, what is unknown, and what is wrong.
function addressInParts(found) {
  const read = { parts: {}, settings: [], unknown: [], wrong: [] };
  for (const [key, text] of Object.entries(found)) {
    if (Object.hasOwn(PARTS, key)) {
      const value = PARTS[key](text);
      if (value === undefined) read.wrong.push(key);
      else read.parts[key] = value;
    } else if (isSetting(key)) {
      if (text.length <= MOST_IN_A_SETTING && !/[\r\n]/.test(text)) read.settings.push([key, text]);
      else read.wrong.push(key);
    } else read.unknown.push(key);
  }
  return read;
}
