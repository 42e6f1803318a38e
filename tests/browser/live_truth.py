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


def check(browser, page, binary, folder):
    fresh(browser, page)
    an_own_input_is_shown_everywhere(browser)


def main(maker, binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with maker() as browser:
        check(browser, page, binary, folder)
        assert browser.complaints() == [], browser.complaints()


if __name__ == "__main__":
    main(*arguments(__doc__, "qkv", "page", "folder"))
