"""Makes the picture of the live page that the README shows: three runs in step, of which one learned, and one query of it.

    python3 tests/browser/still.py [--browser chromium|firefox] PAGE STILL.png

PAGE is what `crates/web/build` made. The picture has at most 64 colours, so that it is small.
"""

import os
import struct
import tempfile
import zlib

from browser import arguments
from live_page import until

COLOURS = 64


def learned(browser, page):
    """The main job without matrices, with frozen ones and with learned ones, at the last step."""
    browser.colours("light")
    browser.open(page, width=1400, height=760, fragment="#v=1&task=reverse")
    until(browser, "document.body.classList.contains('is-ready')", 10, "the first picture")
    browser.choose("lanes", "arms")
    until(browser, "live.lanes.length === 3 && live.lanes.every(({ film }) => film)", 60, "three runs")
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    until(browser, "live.ended !== null", 240, "the training")
    # No message, no focus and no pointer are in the picture.
    browser.run("said(''), choose({ query: 3 }), document.activeElement.blur(), scrollTo(0, 0)")
    browser.point(1, 1)
    browser.run("new Promise((done) => setTimeout(done, 500))")


def rows_of(png):
    """Width, and the rows of a PNG of 8 bits without interlacing, each a list of red, green and blue."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    channels = {2: 3, 6: 4}[kind]
    assert depth == 8, depth
    data, at = b"", 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += length + 12
    data = zlib.decompress(data)
    stride = width * channels
    before = bytearray(stride)
    rows = []
    for row in range(height):
        start = row * (stride + 1)
        line = bytearray(data[start + 1 : start + 1 + stride])
        unfilter(data[start], line, before, channels)
        rows.append([tuple(line[i : i + 3]) for i in range(0, stride, channels)])
        before = line
    return width, rows


def unfilter(kind, line, above, channels):
    """PNG, section 9.2: what each byte was, from those at its left and above."""
    for i in range(len(line)):
        left = line[i - channels] if i >= channels else 0
        corner = above[i - channels] if i >= channels else 0
        if kind == 4:
            guess = left + above[i] - corner
            predicted = min((left, above[i], corner), key=lambda value: abs(guess - value))
        else:
            predicted = [0, left, above[i], (left + above[i]) // 2][kind]
        line[i] = (line[i] + predicted) & 255


def reduced(rows):
    """A palette, and the index of the nearest of its colours for every pixel."""
    counts = {}
    for row in rows:
        for colour in row:
            counts[colour] = counts.get(colour, 0) + 1
    distance = lambda a, b: sum((x - y) ** 2 for x, y in zip(a, b))
    # The most frequent colours that are not nearly one of those before.
    palette = []
    for colour in sorted(counts, key=counts.get, reverse=True):
        if len(palette) < COLOURS and all(distance(colour, other) > 300 for other in palette):
            palette.append(colour)
    nearest = {colour: min(range(len(palette)), key=lambda i: distance(colour, palette[i])) for colour in counts}
    return palette, [bytes(nearest[colour] for colour in row) for row in rows]


def written(width, palette, rows):
    """A PNG of indices."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, len(rows), 8, 3, 0, 0, 0)
    lines = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    colours = b"".join(bytes(colour) for colour in palette)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", colours) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def main(maker, page, still):
    with maker() as browser, tempfile.TemporaryDirectory() as folder:
        learned(browser, page)
        whole = os.path.join(folder, "whole.png")
        browser.picture(whole, whole=False)
        with open(whole, "rb") as file:
            width, rows = rows_of(file.read())
        assert browser.complaints() == [], browser.complaints()
    with open(still, "wb") as file:
        file.write(written(width, *reduced(rows)))
    print(f"{still}: {os.path.getsize(still) / 1000:.0f} kB")


if __name__ == "__main__":
    main(*arguments(__doc__, "page", "still"))
