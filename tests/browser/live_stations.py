"""The lecture of the live page: each station's question is found in its run, by playing. `proofs.py` lists it."""

import json
import os

from live_page import fresh, pause, until

# Seconds for the runs of one station, which may be two of `recall` side by side.
PATIENCE = 600

FITS = """(() => {
    const screen = at('screen').getBoundingClientRect();
    const hidden = [...document.querySelectorAll('#station p, #station button, #station h2, #play, #timeline')].filter((one) => {
        const box = one.getBoundingClientRect();
        return one.offsetParent && (box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.top < -1 || box.left < -1);
    }).map((one) => one.textContent || one.id);
    return [screen.bottom <= innerHeight + 1, hidden, document.documentElement.scrollWidth <= innerWidth];
})()"""


def keys(browser):
    return browser.run("STATIONS.map(({ key }) => key)")


def opened(browser, number):
    """Opens a station by its number, counted from 1, and waits for its runs."""
    before = browser.run("trainer.asked")
    browser.run(f"lecture.open({number - 1})")
    until(browser, f"trainer.asked > {before} && trainer.id === trainer.asked && live.film !== null", 20, f"station {number}")


def train(browser, until_found=False):
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    condition = "live.ended !== null && !live.isPlaying" + (" || lecture.isFound" if until_found else "")
    until(browser, condition, PATIENCE, "the run of a station")


def act(browser, number=0):
    browser.run(f"lecture.buttons[{number}].click()")


def by_training(browser):
    train(browser, until_found=True)


def by_an_edit(browser):
    train(browser)
    assert not browser.run("lecture.isFound"), "it takes what the question asks for"
    act(browser)


def by_all_lengths(browser):
    for number in range(browser.run("lecture.buttons.length")):
        before = browser.run("trainer.asked")
        act(browser, number)
        until(browser, f"trainer.asked > {before} && trainer.id === trainer.asked && live.film !== null", 20, "another length")
        browser.run("at('play').click()")
        until(browser, f"lecture.lines.length > {number}", PATIENCE, "what a length costs")


WAYS = {"scores": by_an_edit, "softmax": by_an_edit, "values": by_an_edit, "cost": by_all_lengths}


def every_question_is_found(browser, folder):
    for number, key in enumerate(keys(browser), 1):
        opened(browser, number)
        assert not browser.run("lecture.isFound || lecture.found.textContent"), key
        texts = browser.run("[...document.querySelectorAll('#station .station-text, #station .station-question')].map((one) => one.textContent)")
        # Two sentences, and one question to find out by playing.
        assert len(texts) == 2 and texts[1].rstrip().endswith("?"), texts
        WAYS.get(key, by_training)(browser)
        until(browser, "lecture.isFound", 20, f"what station {number} asks for")
        print(f"{number} {key}: {browser.run('lecture.found.textContent')}")
        pause(browser)
        assert browser.run(FITS) == [True, [], True], (key, browser.run(FITS))
        browser.picture(os.path.join(folder, f"station-{number}.png"), whole=False)


def keys_lead_through_it(browser):
    before = browser.run("lecture.close(), trainer.asked")
    browser.press("n")
    assert browser.run("lecture.index") == 0
    for key, index in [("n", 1), ("PageDown", 2), ("PageUp", 1), ("N", 0), ("PageUp", 0)]:
        browser.press(key)
        assert browser.run("lecture.index") == index, key
    assert browser.run("document.querySelector('.station [aria-current=step]').textContent") == "1"
    # Letters can be off, a remote control's keys cannot.
    browser.run("at('keys').checked = false")
    browser.press("n")
    assert browser.run("lecture.index") == 0
    browser.press("PageDown")
    assert browser.run("lecture.index") == 1
    browser.run("at('keys').checked = true, lecture.close()")
    assert browser.run("at('station').hidden")
    until(browser, f"trainer.asked > {before} && trainer.id === trainer.asked && live.film !== null", 20, "the last station that was opened")
    # In the address.
    assert browser.run("lecture.address().station") is None
    opened(browser, 1)
    train(browser)
    browser.run("address.write()")
    whole = browser.run("location.hash")
    assert "station=1" in whole, whole
    for fragment, index in [(whole, 0), ("#station=4", 3), ("#station=1", 0), ("#station=8", 7)]:
        browser.run("lecture.close(), location.hash = '#v=1'")
        until(browser, "!trainer.isBeginning && live.film !== null && lecture.station === null", 20, "the page without a station")
        browser.run(f"location.hash = {json.dumps(fragment)}")
        until(browser, f"lecture.index === {index} && lecture.isHere && !trainer.isBeginning && live.film !== null", 20, fragment)
        key, value = browser.run("Object.entries(lecture.station.settings)[0]")
        assert browser.run(f"live.asked.begin.settings.includes('{key}={value}')"), fragment
        if fragment == whole:
            until(browser, "live.film.frames[state.frame].step === 200", 60, "the step of the address")
    for wrong in ["0", "9", "x", "1.5"]:
        browser.run(f"lecture.restore({{ station: '{wrong}' }})")
        assert browser.run("lecture.index") == 7, wrong
    browser.run("lecture.close(), location.hash = '#v=1'")
    until(browser, "!trainer.isBeginning && live.film !== null", 20, "the page without a station")


def another_run_is_not_the_stations(browser):
    """What a reader sets beside a station is no answer to it, and leads back."""
    opened(browser, 3)
    before = browser.run("trainer.asked")
    browser.run("settings.adopt('letters', [['model.projections', 'none'], ['model.d_k', '8']]), settings.apply()")
    until(browser, f"trainer.asked > {before} && !trainer.isBeginning && live.film !== null", 20, "another run of the same task")
    browser.run("settings.adopt('copy', []), settings.apply()")
    until(browser, "live.run.task === 'copy' && !trainer.isBeginning && live.film !== null", 20, "another task")
    until(browser, "lecture.found.textContent.startsWith('This run is another one')", 5, "the way back")
    browser.run("lecture.found.querySelector('button').click()")
    until(browser, "live.run.task === 'letters' && lecture.isHere && lecture.found.textContent === ''", 20, "the station again")
    browser.run("lecture.close()")


def the_presenters_view(browser, folder):
    """Large, whole without scrolling, and no more than a hall needs."""
    for width, height in [(1280, 720), (1920, 1080)]:
        browser.size(width, height)
        for number, key in enumerate(keys(browser), 1):
            opened(browser, number)
            if not browser.run("presenter.isOn"):
                small = browser.run("parseFloat(getComputedStyle(document.querySelector('.station-text')).fontSize)")
                browser.run("document.activeElement.blur()")
                browser.press("p")
            seen = browser.run("(() => { const { fontSize } = getComputedStyle(document.querySelector('.station-text')); return parseFloat(fontSize); })()")
            assert seen >= 1.34 * small, (seen, small)
            assert browser.run("[...document.querySelectorAll('.chosen')].every((one) => one.offsetParent === null)"), "settings are hidden"
            assert browser.run("document.querySelector('.station-notes').offsetParent !== null"), "notes are shown"
            assert browser.run(FITS) == [True, [], True], (width, key, browser.run(FITS))
            browser.picture(os.path.join(folder, f"presenter-{width}-{number}.png"), whole=False)
        browser.press("Escape")
        assert not browser.run("presenter.isOn") and browser.run("lecture.index") is not None
    browser.size(1280, 720)
    browser.run("lecture.close()")


def check(browser, page, binary, folder):
    fresh(browser, page)
    for one in [
        lambda: every_question_is_found(browser, folder),
        lambda: keys_lead_through_it(browser),
        lambda: another_run_is_not_the_stations(browser),
        lambda: the_presenters_view(browser, folder),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
