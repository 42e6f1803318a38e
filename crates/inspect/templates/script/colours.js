// Colours of numbers: diverging with the paper at zero for weights, sequential for attention.
const dark = matchMedia("(prefers-color-scheme: dark)");
const printed = matchMedia("print");
const theme = () => (dark.matches && !printed.matches ? "dark" : "light");

// Both ends are far from the middle in lightness, so that they can be told apart without any colour.
const palettes = {
  diverging: {
    light: ["#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#ffffff", "#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f"],
    dark: ["#d4ecff", "#9ccbf2", "#5f9fd8", "#356a9e", "#21405f", "#17181b", "#5a2c22", "#984936", "#d3705a", "#f4a58c", "#ffdfd2"],
  },
  sequential: {
    light: ["#ffffff", "#e4f0df", "#bfe0c0", "#86c9b3", "#4aa9b0", "#2a82a6", "#215b95", "#233a78", "#1b1f4f"],
    dark: ["#17181b", "#1f2b4d", "#234a78", "#23719a", "#2b98a6", "#55bba2", "#99d69a", "#d3eba6", "#fdfbd0"],
  },
};
const LEVELS = 512;
const levels = new Map();

// Red, green and blue of every level, one after the other.
function levelsOf(kind) {
  const key = `${kind} ${theme()}`;
  if (!levels.has(key)) {
    const stops = palettes[kind][theme()].map((stop) => [1, 3, 5].map((i) => parseInt(stop.slice(i, i + 2), 16)));
    const mixed = new Uint8ClampedArray(3 * LEVELS);
    for (let level = 0; level < LEVELS; level++) {
      const place = (level / (LEVELS - 1)) * (stops.length - 1);
      const below = Math.min(Math.floor(place), stops.length - 2);
      for (let i = 0; i < 3; i++) mixed[3 * level + i] = stops[below][i] + (place - below) * (stops[below + 1][i] - stops[below][i]);
    }
    levels.set(key, mixed);
  }
  return levels.get(key);
}
const level = (fraction) => Math.round(Math.min(Math.max(fraction, 0), 1) * (LEVELS - 1));
function channels(kind, fraction) {
  const start = 3 * level(fraction);
  return levelsOf(kind).slice(start, start + 3);
}
const colour = (kind, fraction) => `rgb(${channels(kind, fraction).join(",")})`;
const ink = () => getComputedStyle(document.body).color;

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
    const nonFinite = Number.isNaN(x);
    image.data[4 * i] = nonFinite ? 255 : colours[start];
    image.data[4 * i + 1] = nonFinite ? 0 : colours[start + 1];
    image.data[4 * i + 2] = nonFinite ? 255 : colours[start + 2];
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return picture;
}
