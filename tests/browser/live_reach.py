"""Reaching in: cells that are painted, dragged and typed, arrows that are turned, a map that is drawn, and Undo."""

import json

from live_lanes import lanes
from live_page import begin, until

# The weights of the session, bit for bit, as one number.
BITS = """new Promise((done) => {
    const { file } = trainer.heard;
    trainer.heard.file = ({ content }) => {
        trainer.heard.file = file;
        done(content.reduce((sum, byte) => (31 * sum + byte) % 4294967296, 7));
    };
    trainer.post("file", { what: "weights" });
})"""

PICTURE = "live.stage.matrices.pictures.find(({{ matrix }}) => matrix.name === '{name}')"


def learned(browser):
    begin(browser, "letters", [])
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    until(browser, "live.ended !== null && !live.isPlaying", 60, "`letters`, learned")
    assert browser.run("live.figures.accuracy") == 1


def middle_of_cell(browser, name, row, column):
    """Where a cell of a matrix is in the window."""
    browser.run("scrollTo(0, 0)")
    return browser.run(f"""[{PICTURE.format(name=name)}.cells].map((cells) => {{
        const box = cells.canvas.getBoundingClientRect();
        return [box.left + cells.canvas.clientLeft + cells.side + ({column} + 0.5) * cells.size, box.top + cells.canvas.clientTop + cells.head + ({row} + 0.5) * cells.size];
    }})[0]""")


def cell(browser, name, row, column):
    """The value of a cell as its picture has it."""
    return browser.run(f"[{PICTURE.format(name=name)}.cells].map((cells) => cells.values[{row} * cells.columns + {column}])[0]")


def tool(browser, value):
    browser.run(f"document.querySelector('.reach-tools [data-value={value}]').click()")


def settled(browser, what):
    until(browser, "reach.sent === null && reach.next === null", 10, what)
    # The frame of the last change is there.
    until(browser, "Math.abs(live.film.frames.at(-1).loss - live.figures.loss) <= 1e-9 * live.figures.loss", 10, what)


def effect(browser):
    return browser.run("reachCard.text")


def cells_are_painted(browser):
    before, n = browser.run(BITS), browser.run("live.kept.length")
    steps = browser.run("live.film.frames.length")
    browser.press("e")
    assert browser.run("cellEditing.isOn && document.querySelector('.matrices .mode').getAttribute('aria-pressed') === 'true'")
    assert browser.run("document.getElementById('screen').getBoundingClientRect().bottom") <= 720
    tool(browser, "paint")
    browser.run("cellEditing.brush.value = '-1.25'")
    browser.drag([middle_of_cell(browser, "W_K", row, 1) for row in [2, 3, 4]])
    settled(browser, "three painted cells")
    for row in [2, 3, 4]:
        assert abs(cell(browser, "W_K", row, 1) + 1.25) < 1e-3, cell(browser, "W_K", row, 1)
    # One gesture is one step of Undo, and one point of the curve.
    assert browser.run("live.kept.length") == n + 1
    assert browser.run("live.film.frames.length") == steps
    assert browser.run("live.film.log.losses.filter(([step]) => step === live.film.frames.at(-1).step).length") == 2
    words = effect(browser)
    assert words.startswith("3 cells of W_K have other values: accuracy 1.0000 → 0."), words
    assert f"→ {browser.run('live.figures.accuracy.toFixed(4)')}" in words
    # The page shows the loss of the changed model, and its accuracy.
    shown = browser.run("at('loss').textContent + at('accuracy').textContent")
    assert browser.run("number(live.figures.loss)") in shown and browser.run("percent(live.figures.accuracy)") in shown, shown
    assert sorted(browser.run(f"[...{PICTURE.format(name='W_K')}.cells.marks]")) == [5, 7, 9]
    assert browser.run("at('play').textContent").strip() == "Let it learn from here"
    browser.press("Control+z")
    until(browser, "live.kept.length === 0 && live.film.frames.at(-1).loss < 0.1", 5, "the undoing of a gesture")
    assert browser.run(BITS) == before, "Undo brings back the bits"
    assert browser.run(f"!{PICTURE.format(name='W_K')}.cells.marks?.size"), "the marks are gone"
    assert browser.run("at('accuracy').textContent").endswith("100.0\u00a0%")
    assert browser.run("at('play').textContent").strip() == "Train on"
    assert browser.run("live.film.log.losses.filter(([step]) => step === live.film.frames.at(-1).step).length") == 1


def a_cell_is_dragged(browser):
    tool(browser, "drag")
    before = cell(browser, "W_Q", 5, 0)
    x, y = middle_of_cell(browser, "W_Q", 5, 0)
    n = browser.run("live.kept.length")
    browser.drag([(x, y), (x, y - 20), (x, y - 35), (x, y - 50)])
    settled(browser, "a dragged cell")
    after = cell(browser, "W_Q", 5, 0)
    assert after > before + 0.1, (before, after)
    assert browser.run("live.kept.length") == n + 1
    assert effect(browser).startswith("W_Q, row 5, column 0 is "), effect(browser)


def a_cell_is_typed(browser, name="W_V"):
    """By the pointer, and by keyboard alone."""
    browser.click(*middle_of_cell(browser, name, 1, 3))
    until(browser, "document.activeElement.matches('.cell-field')", 5, "a field over the cell")
    assert browser.run("document.activeElement.getAttribute('aria-label')") == f"{name}, row 1, column 3"
    browser.run("document.activeElement.value = '0,75'")
    browser.press("Enter")
    settled(browser, "a typed cell")
    assert abs(cell(browser, name, 1, 3) - 0.75) < 1e-3
    assert browser.run(f"document.activeElement === {PICTURE.format(name=name)}.cells.canvas"), "the focus is back at the cells"
    # One cell down, and a number.
    for key in ["ArrowDown", "-", "2", "Enter"]:
        browser.press(key)
    until(browser, "!cellField.isOpen", 5, "the field that closes")
    settled(browser, "a number by keyboard")
    assert abs(cell(browser, name, 2, 3) + 2) < 1e-3
    # What is no number is said, and changes nothing.
    n = browser.run("live.kept.length")
    for key in ["-", "-", "Enter"]:
        browser.press(key)
    assert effect(browser).startswith("Expected a number such as -0.5, got --"), effect(browser)
    browser.press("Escape")
    assert browser.run("!cellField.isOpen && cellEditing.isOn && live.kept.length") == n
    browser.press("Delete")
    settled(browser, "a cell of zero")
    assert cell(browser, name, 2, 3) == 0
    browser.run("cellEditing.row.click()")
    settled(browser, "a row of zeros")
    assert all(cell(browser, name, 2, column) == 0 for column in range(8))
    assert effect(browser).startswith(f"Row 2 of {name} is zero"), effect(browser)


def a_matrix_is_frozen(browser, name="W_V"):
    frozen = f"{PICTURE.format(name=name)}.figure.classList.contains('is-frozen') && cellEditing.freeze.getAttribute('aria-pressed') === 'true'"
    n = browser.run("live.kept.length")
    browser.run("cellEditing.freeze.click()")
    until(browser, frozen, 5, "a frozen matrix")
    assert effect(browser).startswith(f"{name} is frozen from here on."), effect(browser)
    shown = f"{PICTURE.format(name=name)}.cells.values.join()"
    values, others = browser.run(shown), browser.run(f"{PICTURE.format(name='W_Q')}.cells.values.join()")
    step = browser.run("live.film.frames.at(-1).step")
    # The rate of the first step is that of a warm-up.
    for _ in range(3):
        step += 1
        browser.run("oneStep()")
        until(browser, f"live.film.frames.at(-1).step === {step}", 5, "a step with a frozen matrix")
    assert browser.run(shown) == values, "it does not learn"
    assert browser.run(f"{PICTURE.format(name='W_Q')}.cells.values.join()") != others, "the others do"
    browser.press("Control+z")
    until(browser, f"live.kept.length === {n} && !({frozen})", 5, "the undoing of a freeze")


def tip(browser, name, position):
    """Where the tip of an arrow is in the window."""
    browser.run("scrollTo(0, 0)")
    return browser.run(f"""[arrowDragging.place({{ name: '{name}', position: {position} }})].map(([x, y]) => {{
        const box = live.stage.plane.canvas.getBoundingClientRect();
        return [box.left + x, box.top + y];
    }})[0]""")


def an_arrow_is_dragged(browser):
    query = browser.run("live.stage.query")
    x, y = tip(browser, "q", query)
    scale = browser.run("arrowDragging.scale")
    vector = f"Array.from(live.stage.moment.row('q', {query}))"
    before, n = browser.run(vector), browser.run("live.kept.length")
    browser.drag([(x, y), (x + 10, y + 8), (x + 25, y + 20)])
    settled(browser, "an arrow that was dragged")
    after = browser.run(vector)
    wanted = [before[0] + 25 / scale, before[1] - 20 / scale]
    assert all(abs(a - b) < 2e-3 for a, b in zip(after, wanted)), (before, after, wanted)
    assert browser.run("live.kept.length") == n + 1
    assert effect(browser).startswith("q of "), effect(browser)
    # By keyboard: a key is chosen, and moved.
    browser.run("live.stage.plane.canvas.focus()")
    browser.press("PageDown")
    assert browser.run("arrowDragging.chosen.name") == "k"
    k = "Array.from(live.stage.moment.row('k', arrowDragging.chosen.position))"
    before, length = browser.run(k), browser.run("live.stage.plane.limit * TIP_STEP")
    browser.press("ArrowUp")
    settled(browser, "an arrow that was moved by a key")
    after = browser.run(k)
    assert abs(after[0] - before[0]) < 2e-3 and abs(after[1] - before[1] - length) < 2e-3, (before, after)


def everything_is_undone(browser, bits):
    for _ in range(browser.run("live.kept.length")):
        n = browser.run("live.kept.length")
        browser.run("undo()")
        until(browser, f"live.kept.length === {n - 1}", 5, "Undo")
    assert browser.run(BITS) == bits
    browser.press("Escape")
    browser.run("cellEditing.isOn && cellEditing.leave()")
    assert browser.run("!cellEditing.isOn && !document.querySelector('.reach')")


def a_map_is_drawn(browser, bits):
    preset = "[...document.querySelectorAll('.reach-tools button')].find((one) => one.textContent === {}).click()"

    def drawn(text):
        browser.run("wantedMap.figures = null")
        browser.run(preset.format(json.dumps(text)))
        until(browser, "wantedMap.figures && !wantedMap.isSent", 10, text)
        return browser.run("wantedMap.figures")

    browser.press("m")
    assert browser.run("wantedMap.isOn && getComputedStyle(live.stage.map.spot).display === 'none'")
    assert browser.run("document.getElementById('screen').getBoundingClientRect().bottom") <= 720
    own = drawn("the model's own")
    loss = own["here"]["effect"]
    assert abs(loss["after"]["loss"] - loss["before"]["loss"]) < 1e-4, own
    assert own["held_out"]["after"]["accuracy"] == own["held_out"]["before"]["accuracy"] == 1
    right = drawn("anti-diagonal")
    assert right["held_out"]["after"]["accuracy"] > 0.99, right
    assert "the accuracy would be" in effect(browser) and "against 1.0000" in effect(browser), effect(browser)
    assert drawn("diagonal")["held_out"]["after"]["accuracy"] < 0.6
    assert drawn("clear")["here"]["entropy"] is None
    # With the pointer, and with digits.
    x, y = browser.run("""[wantedMap.cells].map(({ canvas, side, head, size }) => {
        const box = canvas.getBoundingClientRect();
        return [box.left + side + 3.5 * size, box.top + head + 0.5 * size];
    })[0]""")
    browser.run("wantedMap.figures = null")
    browser.click(x, y)
    until(browser, "wantedMap.figures && !wantedMap.isSent", 10, "a painted weight")
    assert browser.run("[...wantedMap.raw].map((weight, i) => (weight ? i : -1)).filter((i) => i >= 0)") == [3]
    for key in ["ArrowLeft", "1", "Enter"]:
        browser.press(key)
    until(browser, "wantedMap.raw[2] === 1 && !wantedMap.isSent", 10, "a typed weight")
    assert browser.run("[wantedMap.cells.values[2], wantedMap.cells.values[3]]") == [0.5, 0.5]
    assert browser.run("live.kept.length") == 0
    assert browser.run(BITS) == bits, "a wanted map changes nothing"
    browser.press("m")
    assert browser.run("!wantedMap.isOn && getComputedStyle(live.stage.map.spot).display !== 'none'")


def it_learns_from_here(browser):
    """What was broken heals, and the curves show it."""
    browser.run("document.querySelector('[data-matrix=w_v][data-what=zero]').click()")
    until(browser, "live.kept.length === 1 && live.figures.accuracy < 0.6", 5, "W_V of zeros")
    words = browser.run("at('happened').textContent")
    assert words.startswith("W_V is zero: accuracy 1.0000 → 0."), words
    assert browser.run("at('play').textContent").strip() == "Let it learn from here"
    # At once, because the training may soon be over.
    assert browser.run("(at('play').click(), at('play').textContent.trim())") == "Pause"
    until(browser, "live.ended !== null && !live.isPlaying", 60, "the healing")
    assert browser.run("at('play').textContent").strip() == "Train on"
    assert browser.run("live.film.log.accuracies.at(-1)[1]") > 0.95
    least = browser.run("Math.min(...live.film.log.accuracies.slice(5).map(([, accuracy]) => accuracy))")
    assert least < 0.6, least


def weights_that_do_not_fit(browser):
    """They end nothing: the run that was there goes on."""
    step, bits = browser.run("live.film.frames.at(-1).step"), browser.run(BITS)
    browser.run("begin({ ...live.asked, weights: new Uint8Array(99).buffer })")
    until(browser, "at('happened').textContent !== '' && !trainer.isBeginning && live.film !== null", 5, "the refusal of weights")
    assert browser.run("live.film.frames.at(-1).step") == step and browser.run(BITS) == bits


def the_large_run_is_meant(browser):
    """Of several runs in step one is changed, and Undo brings all back."""
    lanes(browser, "arms")
    values = "live.lanes.map(({ film }) => film.layers[0]?.heads[0].raw.find(({ name }) => name === 'W_V')?.frames.at(-1).data ?? null).map(String)"
    before, large = browser.run(values), browser.run("live.lane")
    browser.run("edit({ what: 'zero', place: { layer: 0, head: 0, matrix: 'w_v' } })")
    until(browser, f"{values}[{large}] !== {json.dumps(before[large])}", 5, "a change in the large run")
    after = browser.run(values)
    assert [one for i, one in enumerate(after) if i != large] == [one for i, one in enumerate(before) if i != large]
    browser.run("undo()")
    until(browser, f"JSON.stringify({values}) === {json.dumps(json.dumps(before, separators=(',', ':')))}", 5, "the undoing in all runs")
    browser.run("laneChoice.show([])")
    begin(browser, "letters", [])


def reaching_in(browser):
    learned(browser)
    bits = browser.run(BITS)
    cells_are_painted(browser)
    a_cell_is_dragged(browser)
    a_cell_is_typed(browser)
    a_matrix_is_frozen(browser)
    an_arrow_is_dragged(browser)
    everything_is_undone(browser, bits)
    a_map_is_drawn(browser, bits)
    it_learns_from_here(browser)
    weights_that_do_not_fit(browser)
    the_large_run_is_meant(browser)
