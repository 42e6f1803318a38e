"""Films that are not as every run makes them: without traces, with NaN, with labels and settings of another kind.

`film.py` makes the page of which these are copies.
"""

import base64
import json
import re

from stage import step_now, to_step, wait


def changed(page, name, change):
    """A copy of a page whose film is another one."""
    with open(page) as file:
        before, film, after = re.split(r'(?<=id="film">)(.*?)(?=</script>)', file.read(), maxsplit=1, flags=re.DOTALL)
    film = json.loads(film)
    change(film)
    copy = page.replace(".html", f"-{name}.html")
    with open(copy, "w") as file:
        file.write(before + json.dumps(film).replace("<", "\\u003c") + after)
    return copy


def traces_of(film):
    """Every part of the traces, with its name."""
    for trace in film["probes"][0]["traces"]:
        yield "x", trace["x"]
        for head in trace["heads"]:
            yield from head.items()
    yield "answers", film["probes"][0]["answers"]


def formulas_are_those_of_the_run(browser, page):
    terms = "['q', 'k', 'v', 'scaled', 'weights'].map((name) => termOf(stage.moment, name))"
    plain = {"positions": "none", "bias": False, "qk_norm": False, "softmax": None, "scale": 0.25, "score": "scaled-dot"}
    cases = [
        ({}, ["x W_Q", "x W_K", "x W_V", "/ √d_k", "softmax"]),
        ({"positions": "rope"}, ["rotated(x W_Q)", "rotated(x W_K)", "x W_V", "/ √d_k", "softmax"]),
        ({"bias": True, "qk_norm": True}, ["norm(x W_Q + b)", "norm(x W_K + b)", "x W_V + b", "/ √d_k", "softmax"]),
        ({"scale": 0.05, "softmax": "quiet"}, ["x W_Q", "x W_K", "x W_V", "· 0.05", "with a sink"]),
        # The scale of a score of the user's own is not known.
        ({"scale": None, "score": "mine"}, ["x W_Q", "x W_K", "x W_V", "to softmax", "softmax"]),
        ({"scale": 1, "score": "dot", "positions": "alibi"}, ["x W_Q", "x W_K", "x W_V", "· 1 + bias", "softmax"]),
    ]
    browser.open(page)
    assert browser.run("stage.moment.size('k')[1]") == 16
    for facts, expected in cases:
        browser.run(f"Object.assign(film.run.layers[0], {json.dumps(plain | facts)})")
        assert browser.run(terms) == expected, (facts, browser.run(terms))
    # One that is too long for its column gives way to that of q.
    browser.run("Object.assign(film.run.layers[0], { positions: 'rope', bias: true, qk_norm: true }), stage.layOut()")
    headings = browser.run("[...document.querySelectorAll('.heading')].map((one) => one.getBoundingClientRect().toJSON())")
    for i, one in enumerate(headings):
        for other in headings[i + 1 :]:
            assert one["right"] <= other["left"] or other["right"] <= one["left"] or one["bottom"] <= other["top"] or other["bottom"] <= one["top"], (one, other)


def frames_without_a_trace_do_not_stop_the_film(browser, page):
    """As of a run of an older version that went on: its first frames have maps alone."""

    def forget(film):
        for _, part in traces_of(film):
            part["frames"][:3] = [None] * 3
            part["frames"][5] = None

    browser.open(changed(page, "resumed", forget))
    assert browser.run("[stage.plane.isShown, stage.missing.hidden]") == [False, False]
    browser.choose("speed", "4")
    browser.run("player.play()")
    wait(browser, 2500)
    assert step_now(browser) == 60 and not browser.run("player.isPlaying")
    assert browser.run("[stage.plane.isShown, stage.missing.hidden]") == [True, True]
    # One between two others shows the numbers before it, and says so.
    to_step(browser, 25)
    assert "these are of step 20" in browser.run("stage.words.textContent"), browser.run("stage.words.textContent")
    to_step(browser, 30)
    assert "these are of step" not in browser.run("stage.words.textContent")


def numbers_that_are_none_are_not_called_hidden(browser, page):
    def broken(numbers, cells):
        least = (-32768).to_bytes(2, "little", signed=True)
        values = bytearray(base64.b64decode(numbers["data"]))
        for i in cells:
            values[i * len(least) : (i + 1) * len(least)] = least
        numbers["data"] = base64.b64encode(values).decode()

    def diverge(film):
        for name, part in traces_of(film):
            n = part["size"][0] * part["size"][1]
            last = part["frames"][-1]
            # Key 1 is hidden from query 0, as by a mask; query 2 has diverged.
            if name == "scaled":
                broken(last, [1])
            if name in ["q", "scores", "scaled", "answers"]:
                row = n // part["size"][0]
                broken(last, range(2 * row, 3 * row))

    browser.open(changed(page, "diverged", diverge))
    to_step(browser, 60)
    told = [browser.run(f"inNumbers(stage.shown, {query}, 1, 'scaled')") for query in [0, 2]]
    assert " is hidden from " in told[0] and told[1].endswith("NaN or infinite"), told
    assert browser.run("stage.plane.isShown && Number.isFinite(stage.plane.limit)")
    browser.run("choose({ query: 2 })")
    said = browser.run("stage.words.textContent")
    assert "NaN or infinite" in said, said
    # Each cell of q and the scores has the colour of such numbers, and not that of its neighbour.
    colours = """(() => {
        const { pipeline } = stage;
        const copy = make('canvas', { width: pipeline.canvas.width, height: pipeline.canvas.height });
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(pipeline.canvas, 0, 0);
        const at = (x, y) => Array.from(context.getImageData(x * pipeline.ratio, y * pipeline.ratio, 1, 1).data).slice(0, 3);
        const k = pipeline.column('k'), scaled = pipeline.column('scaled');
        return [at(k.x + 4, pipeline.queryTop + 5), at(scaled.x + 4, pipeline.keysTop + 5)];
    })()"""
    assert browser.run(colours) == [[255, 0, 255]] * 2, browser.run(colours)


def labels_and_rows_are_what_they_are(browser, page):
    def change(film):
        probe = film["probes"][0]
        # As of recall: every other position asks for nothing.
        probe["targets"] = ["" if i % 2 else target for i, target in enumerate(probe["targets"])]
        probe["predictions"] = [["שלום"] * 8 for _ in probe["predictions"]]
        probe["maps"][0]["frames"][3] = None
        asked = film["vocabulary"].index(probe["targets"][0])
        film["vocabulary"][asked - 1], film["vocabulary"][asked - 2] = probe["targets"][0], "שלום"

    browser.open(changed(page, "labels", change))
    to_step(browser, 15)
    said = browser.run("stage.words.textContent")
    assert "\u2068שלום\u2069" in said, said
    # Two tokens have the label of the right answer, so that its probability is not known.
    assert "which has" not in said and "with" not in said.split("answers")[1], said
    assert browser.run("stage.map.hint.textContent") == "query down, key across; pale where no answer counts; kept at step 10"
    assert browser.run("[stage.map.cells.silent, document.querySelectorAll('#map details tr.silent').length]") == [[False, True] * 4, 0]
    browser.run("document.querySelector('#map figure details').open = true")
    wait(browser, 50)
    assert browser.run("document.querySelectorAll('#map figure details tr.silent').length") == 4
    browser.run("document.querySelector('.panel.map canvas').focus()")
    for _ in range(2):
        browser.press("ArrowDown")
    assert browser.run("stage.where.textContent").endswith("; no answer counts here")
    browser.run("document.activeElement.blur()")


def check(browser, page):
    for one in [
        lambda: formulas_are_those_of_the_run(browser, page),
        lambda: frames_without_a_trace_do_not_stop_the_film(browser, page),
        lambda: numbers_that_are_none_are_not_called_hidden(browser, page),
        lambda: labels_and_rows_are_what_they_are(browser, page),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
