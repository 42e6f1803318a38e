"""What the tests of the live page share: they wait for it, and begin its runs."""

import json
import time

SET = "document.forms.settings.elements[name].value = value, document.forms.settings.elements[name].dispatchEvent(new Event('change'))"


def until(browser, condition, seconds, what):
    """Seconds until a condition of the page holds."""
    start = time.monotonic()
    while not browser.run(condition):
        assert time.monotonic() - start < seconds, f"{what}: not within {seconds} s; {browser.run('at(`happened`).textContent')}"
        time.sleep(0.02)
    return time.monotonic() - start


def begin(browser, task, settings):
    """Sets the question, and waits until its run is there."""
    more = json.dumps("\n".join(settings))
    form = "document.forms.settings.elements"
    before = browser.run("trainer.asked")
    browser.run(f"{form}.task.value = '{task}', {form}.more.value = {more}, document.forms.settings.requestSubmit()")
    begun(browser, before, task)


def begun(browser, before, what):
    """Waits until a run that was asked for after another has its first picture."""
    until(browser, f"trainer.asked > {before} && trainer.id === trainer.asked && live.film !== null", 10, what)


def set_field(name, value):
    """A script that fills in a field, as a reader does who leaves it."""
    return f"(([name, value]) => ({SET}))({json.dumps([name, value])})"


def fresh(browser, page, width=1280, height=720, fragment=""):
    """Opens the live page, and waits for its first picture."""
    browser.open(page, width=width, height=height, fragment=fragment)
    until(browser, "document.body.classList.contains('is-ready')", 20, "the first picture")


# A frame may be on its way when the button is pressed.
STANDS = """new Promise((done) => {
    let before = null;
    const look = () => {
        const now = [live.isPlaying, live.film.frames.length, live.film.frames.at(-1).step].join();
        if (now === before) return done(!live.isPlaying);
        before = now;
        setTimeout(look, 100);
    };
    look();
})"""


def pause(browser, what="the pause", seconds=5):
    """Presses Pause while it trains, and waits until it stands."""
    browser.run("live.isPlaying && at('play').click()")
    until(browser, STANDS, seconds, what)


# The page answers within so many milliseconds, whatever text it is given.
LONGEST_BLOCK = 100

# What another program keeps the page from is in the time of a short text as well: a long one adds nothing to that. On two
# cores that others kept busy six times over, a million letters took 141 to 531 ms in Firefox and a short text 257 to 546,
# and the million were below the limit or the short text in four of six tries: six in a row fail once in 700 proofs.
TRIES_OF_A_TEXT = 6


def a_long_text_blocks_no_longer(block, what):
    """`block` gives the milliseconds for which the page does not answer while it takes a `short` text, or a `million`."""
    times = []
    for _ in range(TRIES_OF_A_TEXT):
        short, million = block("short"), block("million")
        times.append((short, million))
        if million <= max(LONGEST_BLOCK, short):
            break
    print(f"{what}: a text of 3,000 and of a million letters block the page for {times} ms, at most {LONGEST_BLOCK}")
    assert million <= max(LONGEST_BLOCK, short), times


def train(browser, what, seconds=120):
    """Trains to the end, as fast as it goes, and returns how many seconds that took."""
    before = browser.run("live.film.frames.at(-1).step")
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    return until(browser, f"live.ended !== null && !live.isPlaying && live.film.frames.at(-1).step > {before}", seconds, what)
