// Colours of numbers, from the table that pictures and terminals use, too; zero is light whatever the page looks like.
const dark = matchMedia("(prefers-color-scheme: dark)");
const printed = matchMedia("print");
const LEVELS = 512;
// What is NaN or infinite has a colour of its own.
const NOT_FINITE = [255, 0, 255];
const levels = new Map();

// A dark ground, on which zero is dark where a palette has that; paper is light.
const isOnDark = () => dark.matches && !printed.matches;

// Red, green and blue of every level, one after the other.
function levelsOf(name) {
  const kind = isOnDark() && palettes[`${name}_on_dark`] ? `${name}_on_dark` : name;
  if (!levels.has(kind)) {
    const stops = palettes[kind];
    const mixed = new Uint8ClampedArray(3 * LEVELS);
    for (let level = 0; level < LEVELS; level++) {
      const place = (level / (LEVELS - 1)) * (stops.length - 1);
      const below = Math.min(Math.floor(place), stops.length - 2);
      for (let i = 0; i < 3; i++) mixed[3 * level + i] = stops[below][i] + (place - below) * (stops[below + 1][i] - stops[below][i]);
    }
    levels.set(kind, mixed);
  }
  return levels.get(kind);
}
const level = (fraction) => Math.round(Math.min(Math.max(fraction, 0), 1) * (LEVELS - 1));
function channels(kind, fraction) {
  if (Number.isNaN(fraction)) return NOT_FINITE;
  const start = 3 * level(fraction);
  return levelsOf(kind).slice(start, start + 3);
}
const colourTexts = new Map();
// The same as text; many cells share a level.
function colour(kind, fraction) {
  const key = `${kind} ${level(fraction)} ${isOnDark()}`;
  if (!colourTexts.has(key)) colourTexts.set(key, `rgb(${channels(kind, fraction).join(",")})`);
  return colourTexts.get(key);
}
// Over what matters less, so that its colour is still seen.
const faint = () => (isOnDark() ? "#14171cb0" : "#ffffffb0");
const ink = () => getComputedStyle(document.body).color;
// The colours of q, k and v, for the style sheet.
function colourIdentities() {
  const own = palettes[isOnDark() ? "identities_on_dark" : "identities"] ?? [];
  own.forEach((channels, i) => document.documentElement.style.setProperty(`--${"qkv"[i]}`, `rgb(${channels.join(",")})`));
}
// A colour of the style sheet, such as that of q.
const tone = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();
const MONO = "12px ui-monospace, SFMono-Regular, Menlo, Consolas, \"DejaVu Sans Mono\", monospace";
const mono = (pixels) => MONO.replace("12px", `${pixels}px`);
// Of a letter of it, the width as a share of the height.
const MONO_LETTER = 0.602;
const MOST_IN_A_HALL = 18;
// Pixels of a number of so many letters: in the presenter's view as many as its place has room for.
function pixelsOfNumber(pixels, letters, width, height) {
  if (!document.body.classList.contains("presenting")) return pixels;
  return Math.max(pixels, Math.min(MOST_IN_A_HALL, Math.floor(width / (letters * MONO_LETTER)), Math.floor(height * 0.75)));
}

// Ink that can be read on a colour.
function inkOn(kind, fraction) {
  const [red, green, blue] = Array.from(channels(kind, fraction), (channel) => (channel / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179 ? "#ffffff" : "#000000";
}

// One pixel for every value, to be drawn at any size.
function pixels(values, rows, columns, kind, low, high) {
  const picture = make("canvas", { width: String(columns), height: String(rows) });
  const context = picture.getContext("2d");
  const image = context.createImageData(columns, rows);
  const colours = levelsOf(kind);
  for (let i = 0; i < values.length; i++) {
    const x = values[i];
    const start = 3 * level(high === low ? 0.5 : (x - low) / (high - low));
    image.data.set(Number.isNaN(x) ? NOT_FINITE : colours.subarray(start, start + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return picture;
}
