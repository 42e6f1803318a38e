"""Opens the live page from a disk with the network off, trains in it, and compares it with the binary.

    python3 tests/browser/playground.py [--browser chromium|firefox] QKV PAGE FOLDER

QKV is the binary, PAGE what `crates/web/build` made. FOLDER gets runs, downloads and screenshots.
"""

import json
import os
import subprocess

from browser import arguments
from live_changes import changes
from live_lanes import cannot_run, in_step, longest_block
from live_gauge import main_directions_keep_their_place
from live_page import begin, until
from live_reach import reaching_in
from proofs import prove

# What the page promises: milliseconds until its first picture, seconds until `reverse` is learned, and milliseconds for
# which it does not answer.
FIRST_PICTURE = 1500
LEARNED = 15
LONGEST_BLOCK = 100

# A time that is too long may be another program's; it is measured so often, and the shortest counts. While other programs
# kept two cores busy six times over, every first picture came in time, of ten trainings of `letters` two in Chromium and four
# in Firefox blocked the page for less than the limit, and of five trainings of `reverse` none did.
TRIES = 5
TRIES_OF_A_PICTURE = 2

# Three tasks, and steps at which losses are compared. At step 500 of `modular-addition` and `max` they are 3.0e-3 and
# 1.8e-3 apart, but so are those of one processor where sums have another order: 4.5e-3 and 7.6e-3 between the fused and
# the reference implementation, and at most 1.4e-5 on these three.
TASKS = {
    "reverse": [],
    "sort": ["train.batch_size=16", "model.d_model=16"],
    "copy": ["train.batch_size=16", "model.d_model=16", "train.steps=500"],
}
STEPS = [1, 10, 100, 500]
CLOSE = 1e-4

EVIL = "</script><img src=x onerror=alert(1)>\u202e"


def qkv(binary, *arguments):
    return subprocess.run([binary, *arguments], check=True, capture_output=True, text=True).stdout


def shortest(measure, limit, what, tries=TRIES):
    """The shortest of some times; the first that is below the limit is short enough."""
    times = []
    for _ in range(tries):
        times.append(measure())
        if times[-1] <= limit:
            break
    print(f"{what}: {', '.join(f'{time:.4g}' for time in times)}, at most {limit}")
    assert times[-1] <= limit, f"{what} took {times}"


def losses_in_the_page(browser, task, settings):
    def train():
        begin(browser, task, settings)
        # As fast as it goes.
        browser.choose("speed", "0")
        browser.run("at('play').click()")
        took = until(browser, "live.ended !== null", 120, f"{task} in the page")
        print(f"{task}: {took:.1f} s, {browser.run('Math.round(live.rate)')} steps a second, {browser.run('live.figures')}")
        return took

    if task == "reverse":
        blocked = []

        def watched():
            browser.watch_blocking()
            took = train()
            blocked.append(browser.longest_block())
            return max(took / LEARNED, blocked[-1] / LONGEST_BLOCK)

        shortest(watched, 1, "`reverse`, as shares of the time and of the blocking that it may take,")
        print(f"`reverse` blocked the page for {', '.join(f'{time:.0f}' for time in blocked)} ms, at most {LONGEST_BLOCK}")
        figures = browser.run("live.figures")
        assert figures["sequence_accuracy"] == 1, figures
    else:
        train()
    return {step: loss for step, loss in browser.run("live.film.log.losses")}


def losses_of_the_binary(binary, folder, task, settings):
    run = os.path.join(folder, task)
    qkv(binary, "train", task, "--quiet", "--out", run, *(f"--set={setting}" for setting in settings))
    with open(os.path.join(run, "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    return {event["step"]: event["loss"] for event in events if event["event"] == "step"}


def first_picture(browser, page):
    def open_page():
        browser.open(page, width=1280, height=720)
        early = browser.run("live.run !== null || ['step', 'reset', 'own', 'weights', 'zero-head'].every((id) => at(id).disabled)")
        until(browser, "document.body.classList.contains('is-ready')", 10, "the first picture")
        assert early, "what needs a run can be pressed before there is one"
        assert browser.run("!document.querySelector('#step:disabled, #reset:disabled, [data-matrix]:disabled')")
        return browser.run("performance.getEntriesByName('first-picture')[0].startTime")

    shortest(open_page, FIRST_PICTURE, "milliseconds until the first picture", TRIES_OF_A_PICTURE)
    assert browser.run("document.querySelectorAll('#stage canvas').length") >= 3
    assert browser.run("document.getElementById('screen').getBoundingClientRect().bottom") <= 720
    browser.run("scrollTo(0, 0)")


def one_button(browser, folder):
    """The default task, from the first press to the last step."""
    browser.picture(os.path.join(folder, "beginning.png"), whole=False)

    def train():
        if browser.run("live.ended !== null"):
            begin(browser, "letters", [])
        browser.watch_blocking()
        browser.run("at('play').click()")
        took = until(browser, "live.ended !== null", 60, "the default task")
        figures = browser.run("live.figures")
        print(f"{browser.run('live.film.frames.at(-1).step')} steps in {took:.1f} s: {figures}")
        assert figures["sequence_accuracy"] == 1, figures
        return browser.longest_block()

    shortest(train, LONGEST_BLOCK, "milliseconds for which the page was blocked")
    browser.picture(os.path.join(folder, "learned.png"), whole=False)
    assert browser.run("live.film.frames.length") >= 10
    # Back in time, and to the end.
    browser.press("Home")
    assert browser.run("at('said').textContent").startswith("Step 0"), browser.run("at('said').textContent")
    browser.press("End")


def reach_in(browser):
    """A head is zeroed, and comes back exactly."""
    accuracy = "live.film.probes[0].predictions.at(-1).join()"
    before = browser.run(accuracy)
    n = browser.run("live.film.frames.length")
    browser.run("document.querySelector('[data-matrix=w_v][data-what=zero]').click()")
    until(browser, "live.kept.length === 1 && !at('undo').disabled", 5, "the change")
    w_v = "Math.max(...cellsOf(live.film.layers[0].heads[0].raw.find(({ name }) => name === 'W_V'), live.film.layers[0].heads[0].raw.find(({ name }) => name === 'W_V').frames.at(-1)).map(Math.abs))"
    until(browser, f"{w_v} === 0", 5, "W_V of zeros in the picture")
    assert browser.run(accuracy) != before
    browser.press("Control+z")
    until(browser, f"{w_v} > 0", 5, "the undoing")
    assert browser.run(accuracy) == before
    assert browser.run("live.film.frames.length") <= n + 1


def own_input(browser):
    tokens = browser.run("live.film.probes[0].tokens")
    own = json.dumps(" ".join(reversed(tokens)))
    browser.run(f"at('own').value = {own}, at('own').dispatchEvent(new Event('change'))")
    until(browser, f"live.film.probes[0].tokens.join(' ') === {own}", 5, "an input of one's own")
    evil = json.dumps(EVIL.replace(" ", "") + " 0" * (len(tokens) - 1))
    browser.run(f"at('own').value = {evil}, at('own').dispatchEvent(new Event('change'))")
    until(browser, "at('happened').textContent.includes('no token')", 5, "the refusal of a label")
    assert not browser.run("document.querySelector('img[src=x]')")


def what_does_not_fit(browser):
    step = browser.run("live.film.frames.at(-1).step")
    form = "document.forms.settings.elements"
    browser.run(f"{form}['model.d_model'].value = '-3', {form}['model.d_model'].dispatchEvent(new Event('change', {{bubbles: true}}))")
    until(browser, "document.querySelector('.refused:not(:empty)') !== null", 5, "the refusal of a setting")
    message = browser.run("document.querySelector('.refused:not(:empty)').textContent")
    assert "d_model" in message, message
    assert browser.run("live.film.frames.at(-1).step") == step, "the run before goes on"
    browser.run(f"{form}['model.d_model'].value = ''")


def not_finite(browser):
    """A rate that no training survives ends it with a sentence, and the page goes on."""
    begin(browser, "reverse", ["optimizer=sgd", "optimizer.lr=1e30", "schedule.warmup_steps=0"])
    browser.run("at('play').click()")
    until(browser, "at('happened').textContent.includes('not finite')", 10, "a rate of 1e30")
    assert not browser.run("live.isPlaying")


def take_along(browser, binary, folder):
    """What the page gives away is what the binary takes, and back."""
    weights = browser.download(folder, "at('weights').click()")
    shown = qkv(binary, "inspect", weights)
    assert "w_q" in shown.lower(), shown
    config = browser.download(folder, "at('config').click()")
    run = os.path.join(folder, "again")
    qkv(binary, "train", config, "--quiet", "--steps", "2", "--out", run)
    of_run = os.path.join(folder, "of-run.html")
    return run, of_run


def of_a_run(browser, binary, page, run, of_run):
    qkv(binary, "playground", run, "--page", page, "--out", of_run)
    browser.open(of_run, width=1280, height=720)
    until(browser, "document.body.classList.contains('is-ready')", 10, "the page of a run")
    assert browser.run("live.run.last_step") == 2
    assert browser.complaints() == [], browser.complaints()


def main(maker, binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with maker() as browser:
        first_picture(browser, page)
        one_button(browser, folder)
        reach_in(browser)
        own_input(browser)
        what_does_not_fit(browser)
        run, of_run = take_along(browser, binary, folder)
        not_finite(browser)
        reaching_in(browser)
        begin(browser, "reverse", [])
        changes(browser)
        in_step(browser, binary, folder)
        shortest(lambda: longest_block(browser), LONGEST_BLOCK, "milliseconds for which three runs blocked the page")
        main_directions_keep_their_place(browser)
        for task, settings in TASKS.items():
            ours = losses_in_the_page(browser, task, settings)
            theirs = losses_of_the_binary(binary, folder, task, settings)
            for step in STEPS:
                difference = abs(ours[step] - theirs[step]) / abs(theirs[step])
                print(f"{task}, step {step}: {ours[step]:.9f} in the page, {theirs[step]:.9f}, {difference:.1e} apart")
                assert difference <= CLOSE, f"{task}, step {step}"
        browser.colours("dark")
        browser.picture(os.path.join(folder, "dark.png"))
        assert browser.complaints() == [], browser.complaints()
        of_a_run(browser, binary, page, run, of_run)
        cannot_run(browser, page, folder)
        prove(browser, page, binary, folder)


if __name__ == "__main__":
    main(*arguments(__doc__, "qkv", "page", "folder"))
