"""A query that a reader pins in the live page stays while the training goes on."""

import os

from live_page import begin, fresh, until

PRESSED = "[...document.querySelectorAll('.token')].map((token) => token.getAttribute('aria-pressed')).indexOf('true')"


def pinned(browser):
    """The pinned query by the page's own account, by its picture and by what a screen reader has."""
    return browser.run(f"[state.query, live.stage.query, {PRESSED}]")


def it_stays_while_the_page_trains(browser):
    # Before training a token answers where a query will look, until the reader wants no such question.
    browser.run("guess.notNow.click()")
    browser.click(*browser.middle(".token:nth-of-type(3)"))
    browser.run("document.activeElement.blur(), scrollTo(0, 0)")
    browser.point(1, 1)
    query = browser.run("state.query")
    assert query is not None and pinned(browser) == [query] * 3, pinned(browser)
    browser.choose("speed", "60")
    browser.press(" ")
    until(browser, "live.film.frames.length > 4", 10, "frames of a training")
    assert browser.run("live.isPlaying") and pinned(browser) == [query] * 3, pinned(browser)
    # Another one that is pointed at is shown meanwhile, and gives way.
    browser.point(*browser.middle(".token:nth-of-type(1)"))
    until(browser, f"live.stage.query !== {query}", 5, "the token that is pointed at")
    assert browser.run("state.query") == query
    browser.point(1, 1)
    until(browser, f"live.stage.query === {query}", 5, "the pinned token again")
    n = browser.run("live.film.frames.length")
    until(browser, f"live.film.frames.length > {n}", 5, "more frames")
    assert pinned(browser) == [query] * 3, pinned(browser)
    browser.press(" ")
    until(browser, "!live.isPlaying", 5, "the pause")
    # So it does through single steps, through the past, and to the end.
    for act, wanted in [("oneStep()", "live.isFollowing"), ("seek(0)", "state.frame === 0")]:
        browser.run(f"void {act}")
        until(browser, wanted, 5, act)
        assert pinned(browser) == [query] * 3, (act, pinned(browser))
    browser.choose("speed", "0")
    browser.press(" ")
    until(browser, "live.ended !== null", 60, "the end of the training")
    assert pinned(browser) == [query] * 3, pinned(browser)
    sentence = browser.run("live.stage.words.textContent")
    assert browser.run(f"live.film.probes[0].tokens[{query}]") in sentence, sentence


def it_goes_by_key_and_in_the_map(browser):
    browser.press("Escape")
    assert pinned(browser)[0] is None and pinned(browser)[2] == -1, pinned(browser)
    browser.run("document.querySelector('.panel.map canvas').focus()")
    for key in ["ArrowDown", "ArrowDown", "Enter"]:
        browser.press(key)
    assert browser.run("state.query") == 1, browser.run("state.query")
    browser.run("document.activeElement.blur()")
    browser.press("Escape")
    assert browser.run("state.query") is None


def check(browser, page, binary, folder):
    fresh(browser, page)
    # So many that it does not end meanwhile, whatever the machine.
    begin(browser, "letters", ["train.steps=5000"])
    it_stays_while_the_page_trains(browser)
    browser.picture(os.path.join(folder, "pinned.png"), whole=False)
    it_goes_by_key_and_in_the_map(browser)
