"""What the live page says is true of what it shows: its strips, names, lists and sentences belong to one model and one input."""

import json
import os

from browser import arguments
from live_page import begin, fresh, until

OWN = "at('own').value = {own}, at('own').dispatchEvent(new Event('change'))"


def an_own_input_is_shown_everywhere(browser):
    """A run is there; every part of the stage follows the input that takes the place of its own."""
    before = browser.run("live.film.probes[0].tokens.join(' ')")
    for own in ["A B C D", "D A B C"]:
        assert own != before
        browser.run(OWN.format(own="'A B C'"))
        until(browser, "at('happened').textContent.includes('tokens of this task')", 5, "the refusal of a short input")
        browser.run(OWN.format(own=json.dumps(own)))
        until(browser, f"live.film.probes[0].tokens.join(' ') === '{own}'", 5, own)
        until(browser, "at('happened').textContent === ''", 5, "the end of the refusal")
        tokens, targets = own.split(), browser.run("live.film.probes[0].targets")
        assert targets == tokens[::-1], targets
        each = "live.stage.tokens.buttons.map(({{ button }}) => button.querySelector('.{}').textContent)"
        assert browser.run(each.format("word")) == tokens
        assert browser.run(each.format("right-answer")) == targets
        labels = browser.run("live.stage.tokens.buttons.map(({ button }) => button.getAttribute('aria-label'))")
        assert [f"position {i}: {token}; right answer {targets[i]}," in labels[i] for i, token in enumerate(tokens)] == [True] * 4, labels
        assert browser.run("live.stage.map.cells.rowNames") == [f"{i}: {token}" for i, token in enumerate(tokens)]
        assert browser.run("live.stage.map.cells.columnNames") == [f"{i}: {token}" for i, token in enumerate(tokens)]
        assert browser.run("at('probe').options[0].textContent") == f"0: {own}"
    assert browser.run("[at('probe').selectedIndex, state.probe]") == [0, 0]


def rings(browser):
    """How many cells of the map and of the pipeline are drawn as the largest of their rows."""
    return browser.run("""(() => {
        const { cells } = live.stage.map;
        const context = cells.canvas.getContext('2d');
        let n = 0;
        context.strokeRect = () => n++;
        cells.drawRings(context);
        delete context.strokeRect;
        const { cell } = PipelineDrawing.prototype;
        let boxed = 0;
        PipelineDrawing.prototype.cell = function (name, value, x, y, how) {
            boxed += how?.isMost ? 1 : 0;
            return cell.call(this, name, value, x, y, how);
        };
        live.stage.draw();
        PipelineDrawing.prototype.cell = cell;
        return [n, boxed];
    })()""")


def equal_keys_have_no_winner(browser):
    begin(browser, "letters", [])
    assert rings(browser) == [4, 3], rings(browser)
    browser.run("document.querySelector('[data-matrix=w_q][data-what=zero]').click()")
    until(browser, "live.stage.moment.row('scaled', 0).every((score) => score === 0)", 5, "W_Q of zeros")
    sentence = browser.run("live.stage.words.textContent")
    assert sentence.startswith("All keys are equal for query") and ": 0 each." in sentence and "prefers" not in sentence, sentence
    assert rings(browser) == [0, 0], rings(browser)
    browser.run("undo()")
    until(browser, "live.kept.length === 0 && live.stage.moment.row('scaled', 0).some((score) => score !== 0)", 5, "Undo")
    assert rings(browser) == [4, 3], rings(browser)


def what_is_too_large_is_said(browser):
    """A head has matrices, though they are not shown."""
    begin(browser, "letters", ["model.d_k=100000"])
    words = browser.run("[live.stage.matrices.words.textContent, live.stage.missing.hidden ? '' : live.stage.missing.textContent]")
    assert words[0] == "The matrices of this head are too large to be shown.", words
    assert "too large to be shown" in words[1] and "trained now" not in words[1], words
    browser.run("document.activeElement.blur()")
    browser.press("e")
    assert browser.run("!cellEditing.isOn && at('happened').textContent") == words[0]
    begin(browser, "letters", ["model.projections=none", "model.d_k=8"])
    assert browser.run("live.stage.matrices.words.textContent") == "No matrices here: queries, keys and values are x itself."
    begin(browser, "letters", [])


def check(browser, page, binary, folder):
    fresh(browser, page)
    an_own_input_is_shown_everywhere(browser)
    equal_keys_have_no_winner(browser)
    what_is_too_large_is_said(browser)


def main(maker, binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with maker() as browser:
        check(browser, page, binary, folder)
        assert browser.complaints() == [], browser.complaints()


if __name__ == "__main__":
    main(*arguments(__doc__, "qkv", "page", "folder"))
