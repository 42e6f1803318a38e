"""Pictures to take along, as SVG and as PNG, of the live page: what they show is what the numbers are."""

import json
import os
import struct
import xml.etree.ElementTree as ET

from live_question import after, open_page
from live_texts import HOSTILE, dropped

SVG = "{http://www.w3.org/2000/svg}"

# A picture on a canvas, and the colour of one of its pixels.
LOAD = """new Promise((done, failed) => {{
    const image = new Image();
    image.onload = () => {{
        const canvas = make('canvas', {{ width: String(image.naturalWidth), height: String(image.naturalHeight) }});
        globalThis.loaded = canvas.getContext('2d', {{ willReadFrequently: true }});
        loaded.drawImage(image, 0, 0);
        done([image.naturalWidth, image.naturalHeight]);
    }};
    image.onerror = () => failed(new Error('not a picture'));
    image.src = {source};
}})"""

# Cells of the map, in the picture of it, as colours of the numbers and of the picture; a corner of a cell has no number.
CELLS = """(() => {{
    const {{ cells }} = live.stage.map;
    const found = [];
    cells.values.forEach((x, i) => {{
        const at = [16 + cells.side + (i % cells.columns + 0.85) * cells.size, 16 + 26 + cells.head + (Math.floor(i / cells.columns) + 0.15) * cells.size];
        const [red, green, blue] = loaded.getImageData(Math.round(at[0] * {scale}), Math.round(at[1] * {scale}), 1, 1).data;
        found.push([[red, green, blue], colour(cells.palette, (x - cells.low) / (cells.high - cells.low)).match(/[0-9]+/g).map(Number)]);
    }});
    return found;
}})()"""


def taken(browser, folder, kind, format):
    browser.run(f"at('picture').value = '{kind}'")
    path = browser.download(folder, f"at('picture-{format}').click()")
    # Firefox gives a second file of a name a number.
    assert f"-{kind}" in os.path.basename(path) and path.endswith(f".{format}"), path
    return path


def load(browser, path):
    with open(path, "rb") as file:
        content = file.read()
    kind = "image/svg+xml" if path.endswith("svg") else "image/png"
    return browser.run(LOAD.format(source=f"URL.createObjectURL(new Blob([new Uint8Array({list(content)})], {{ type: '{kind}' }}))"))


def cells_are_their_numbers(browser, scale):
    cells = browser.run(CELLS.format(scale=scale))
    assert len(cells) == 16
    for seen, wanted in cells:
        assert all(abs(a - b) <= 3 for a, b in zip(seen, wanted)), (seen, wanted)


def check(browser, page, binary, folder):
    open_page(browser, page, "#test")
    browser.run("qkvTest.step(60)")
    browser.run("choose({ query: 2 })")
    for kind in ["map", "matrices", "pipeline"]:
        path = taken(browser, folder, kind, "svg")
        root = ET.parse(path).getroot()
        assert root.tag == f"{SVG}svg" and not list(root.iter(f"{SVG}image")), "no bitmap in it"
        texts = [element.text for element in root.iter(f"{SVG}text")]
        caption = root.find(f"{SVG}title").text
        assert caption.startswith("Task letters, step 60, layer 0, head 0, query "), caption
        assert " ".join(texts).find(caption.split(",")[0]) >= 0, texts
        rectangles = len(list(root.iter(f"{SVG}rect")))
        least = {"map": 16, "matrices": 8 * 2 * 2 + 8 * 8, "pipeline": 30}[kind]
        assert rectangles >= least, (kind, rectangles)
        width, height = load(browser, path)
        assert width > 300 and height > 100, (width, height)
        if kind == "map":
            cells_are_their_numbers(browser, 1)
            shares = browser.run("Array.from(live.stage.map.cells.values, (x) => x.toFixed(2))")
            assert all(share in texts for share in shares), (shares, texts)
        if kind == "matrices":
            numbers = browser.run("live.stage.matrices.pictures.map(({ cells }) => cells.size >= cells.room ? Array.from(cells.values, brief) : []).flat()")
            assert all(one in texts for one in numbers)
        png = taken(browser, folder, kind, "png")
        with open(png, "rb") as file:
            assert struct.unpack(">II", file.read(24)[16:]) == (2 * width, 2 * height), "twice as many pixels"
        assert load(browser, png) == [2 * width, 2 * height]
        if kind == "map":
            cells_are_their_numbers(browser, 2)
    # What is dark stays dark.
    browser.colours("dark")
    browser.run("new Promise((done) => setTimeout(done, 100))")
    load(browser, taken(browser, folder, "map", "svg"))
    cells_are_their_numbers(browser, 1)
    browser.colours("light")
    # Labels that would be markup are text.
    after(browser, dropped(json.dumps(HOSTILE * 30)), "a hostile text")
    for kind in ["map", "pipeline"]:
        root = ET.parse(taken(browser, folder, kind, "svg")).getroot()
        assert {element.tag for element in root.iter()} <= {f"{SVG}{tag}" for tag in ["svg", "title", "rect", "text", "path"]}
    assert browser.complaints() == [], browser.complaints()
