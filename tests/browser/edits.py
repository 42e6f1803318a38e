"""What a reader changes in the weights of the live page: a cell, a matrix, a head; and that Undo brings back every bit."""

import json
import os

import safetensors_file
from live_page import begin, fresh, train, until

# The matrices of the head that is shown, at the last frame.
MATRIX = "cellsOf(live.film.layers[0].heads[0].raw.find(({{ name }}) => name === '{name}'), live.film.layers[0].heads[0].raw.find(({{ name }}) => name === '{name}').frames.at(-1))"
ANSWERS = "live.film.probes[0].predictions.at(-1).join()"
WEIGHTS = "Array.from(mapOf(live.film.probes[0].maps[0].frames.at(-1)))"


def weights(browser, folder, name):
    """The bytes that the page gives as its model, and its tensors."""
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    path = browser.download(place, "file('weights')")
    with open(path, "rb") as file:
        return file.read(), safetensors_file.read(path)


def changed_cells(before, after):
    """Of each tensor that has changed, the indices of the cells."""
    found = {}
    for name, (shape, old) in before.items():
        assert after[name][0] == shape, name
        cells = [i for i, (a, b) in enumerate(zip(old, after[name][1], strict=True)) if a != b]
        if cells:
            found[name] = cells
    return found


def undone(browser, folder, before, what):
    browser.press("Control+z")
    until(browser, "live.kept.length === 0", 5, f"the undoing of {what}")
    bytes_after, _ = weights(browser, folder, "undone")
    assert bytes_after == before, f"Undo after {what} gives other weights"


def a_cell(browser, folder, before):
    shown = browser.run(WEIGHTS)
    place = {"layer": 0, "head": 0, "matrix": "w_q"}
    browser.run(f"edit({json.dumps({'what': 'cells', 'place': place, 'cells': [{'row': 3, 'column': 1, 'value': 7.5}]})})")
    until(browser, "live.kept.length === 1", 5, "the change of a cell")
    until(browser, f"Math.abs({MATRIX.format(name='W_Q')}[3 * 2 + 1] - 7.5) < 1e-3", 5, "the cell in the picture")
    assert browser.run(WEIGHTS) != shown, "the map follows at once"
    _, after = weights(browser, folder, "cell")
    cells = changed_cells(before[1], after)
    assert len(cells) == 1 and list(cells.values())[0] == [3 * 2 + 1], cells
    assert after[list(cells)[0]][1][7] == 7.5 and list(cells)[0].endswith("w_q"), cells
    undone(browser, folder, before[0], "the change of a cell")


def a_matrix(browser, folder, before):
    for what, name in [("zero", "w_k"), ("noise", "w_q")]:
        browser.run(f"document.querySelector('[data-what={what}][data-matrix={name}]').click()")
        until(browser, "live.kept.length === 1", 5, f"{what} of {name}")
        _, after = weights(browser, folder, what)
        changed = changed_cells(before[1], after)
        assert len(changed) == 1 and list(changed)[0].endswith(name), changed
        if what == "zero":
            assert not any(after[list(changed)[0]][1]), after
            # All scores are equal then.
            until(browser, f"{WEIGHTS}.every((weight) => Math.abs(weight - 1 / 4) < 1e-3)", 5, "the even map")
        undone(browser, folder, before[0], f"{what} of {name}")


def a_head(browser, folder, before):
    answers, map_before = browser.run(ANSWERS), browser.run(WEIGHTS)
    browser.run("at('zero-head').click()")
    until(browser, "live.kept.length === 1", 5, "the head of zeros")
    until(browser, f"{ANSWERS} !== {json.dumps(answers)}", 5, "other answers")
    # What the head adds is gone; where it looks is not.
    assert browser.run(WEIGHTS) == map_before
    # It learns again from there.
    train(browser, "letters after the head was zero")
    figures = browser.run("live.figures")
    assert figures["sequence_accuracy"] == 1, figures
    undone(browser, folder, before[0], "the training after a change")
    until(browser, f"{ANSWERS} === {json.dumps(answers)}", 5, "the answers before")


def check(browser, page, binary, folder):
    fresh(browser, page)
    begin(browser, "letters", [])
    train(browser, "letters")
    before = weights(browser, folder, "before")
    for change in [a_cell, a_matrix, a_head]:
        change(browser, folder, before)
