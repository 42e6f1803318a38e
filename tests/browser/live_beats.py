"""A step of the live page in seven beats, its pace, and what a reader predicts. `proofs.py` lists it."""

import json
import os
import time

from live_page import begin, fresh, pause, until

DEFAULT_PACE = "auto"
# A learned `letters` at the default pace takes so many seconds at most, and no less than can be watched.
LONGEST = 15
SHORTEST = 2.5


def to_the_end(browser, speed="0"):
    browser.choose("speed", speed)
    browser.run("at('play').click()")
    return until(browser, "live.ended !== null && !live.isPlaying", 60, "the end of the run")


def losses(browser):
    return dict(browser.run("live.film.log.losses"))


def one_step_in_seven_beats(browser, folder):
    """The training pauses, makes one step, and goes on from there as if nothing had been shown."""
    begin(browser, "letters", [])
    to_the_end(browser)
    undisturbed = losses(browser)
    begin(browser, "letters", [])
    browser.choose("speed", "60")
    browser.run("at('play').click()")
    until(browser, "live.film.frames.at(-1).step >= 40", 20, "forty steps")
    browser.press("s")
    until(browser, "slowMotion.isRunning", 5, "the first beat")
    steps = browser.run("[live.film.frames.at(-2).step, live.film.frames.at(-1).step, live.film.frames[state.frame].step]")
    assert steps[1] == steps[0] + 1 and steps[2] == steps[0], steps
    assert not browser.run("live.isPlaying") and browser.run("slowMotion.beats.root.getAttribute('aria-label')") == "One step in slow motion"
    titles = []
    for beat in range(7):
        titles.append(browser.run("document.querySelector('.beat-title').textContent"))
        line = browser.run("document.querySelector('.beat-line').textContent")
        assert line.strip(), titles
        assert browser.run("document.querySelectorAll('.stage .dim').length") > 0, "the other parts are faint"
        if beat == 5:
            assert "W_V" in browser.run("slowMotion.beats.words('gradients')"), "the gradients of the watched step"
            browser.picture(os.path.join(folder, "beats.png"), whole=False)
        # Back, and on again.
        if beat == 2:
            browser.run("document.querySelectorAll('.beat-buttons button')[0].click()")
            assert browser.run("document.querySelector('.beat-title').textContent") == titles[1]
            browser.run("document.querySelectorAll('.beat-buttons button')[1].click()")
        browser.run("document.querySelectorAll('.beat-buttons button')[1].click()")
    assert [title[:6] for title in titles] == [f"{n} of 7" for n in range(1, 8)], titles
    assert browser.run("[slowMotion.isRunning, live.film.frames[state.frame].step]") == [False, steps[1]]
    # Again, and out of it by Escape; then to the end.
    browser.press("s")
    until(browser, "slowMotion.isRunning", 5, "the beats of the next step")
    browser.press("Escape")
    assert browser.run("[slowMotion.isRunning, live.film.frames.at(-1).step]") == [False, steps[1] + 1]
    to_the_end(browser)
    assert losses(browser) == undisturbed, "the training goes on exactly"


def who_goes_elsewhere_leaves(browser):
    others = ["seek(3)", "choose({ query: 1 })", "choose({ view: 'change' })", "toggle()"]
    begin(browser, "letters", [])
    for other in others:
        browser.run("seek(live.film.frames.length - 1), at('slow').click()")
        until(browser, "slowMotion.isRunning", 5, f"the beats before {other}")
        browser.run("slowMotion.beats.to(6, false)")
        assert browser.run("live.stage.state.view") == "delta"
        browser.run(f"void {other}")
        until(browser, "!slowMotion.isRunning", 5, other)
        seen = browser.run("[live.stage.state.lit, live.stage.state.after, live.stage.state.view === state.view, live.stage.state.frame === state.frame, slowMotion.beats.root.hidden]")
        assert seen == [None, None, True, True, True], (other, seen)
    pause(browser)
    browser.run("choose({ query: null, view: 'weights' })")
    # Who looks back sees the way to the next frame, and no step is made.
    before = browser.run("seek(1), live.film.frames.length")
    browser.run("at('slow').click()")
    assert browser.run("[slowMotion.isRunning, slowMotion.beats.from, live.film.frames.length]") == [True, 1, before]
    browser.press("Escape")


# What the pace does with a map that moves once, around step 55, on a machine that shows a picture every so many
# milliseconds and makes 600 steps a second: the largest part that moves between two pictures, seconds, and how often it
# says that it is slow or no longer.
SIMULATED = """((between) => {
    let now = 0;
    const fake = { value: 'auto', addEventListener() {} };
    let sent = 0;
    const one = new Pace(fake, { changed: () => (sent += 1), now: () => now });
    const moved = (step) => Math.exp(-(((step - 55) / 12) ** 2)) / 21.3;
    const real = movedPerStep;
    const frames = [{ step: 0 }];
    let [step, whole, largest, slow] = [0, 0, 0, [one.isSlow]];
    movedPerStep = () => {
        const [from, to] = frames.slice(-2).map((frame) => frame.step);
        let sum = 0;
        for (let i = from; i < to; i++) sum += moved(i);
        largest = Math.max(largest, sum);
        return sum / (to - from);
    };
    while (step < 400) {
        now += between;
        whole += ((one.sentRate || 600) * between) / 1000;
        // The first step is shown at once.
        const next = step === 0 ? 1 : Math.min(Math.floor(whole), 400);
        if (next === step) continue;
        step = next;
        frames.push({ step });
        one.grown({ frames });
        if (one.isSlow !== slow.at(-1)) slow.push(one.isSlow);
    }
    movedPerStep = real;
    return [largest, now / 1000, slow.length - 1, sent];
})"""


def a_pace_for_every_machine(browser):
    for between, most in [(16, 0.1), (50, 0.15), (300, 0.45)]:
        largest, seconds, n_words, n_sent = browser.run(f"{SIMULATED}({between})")
        print(f"a picture every {between} ms: {largest:.2f} at most between two, {seconds:.1f} s, {n_sent} changes of the pace")
        assert largest <= most and 4 <= seconds <= 20 and n_words in [1, 2], (between, largest, seconds, n_words)
        assert n_sent <= 10 * seconds


def it_slows_down_while_the_map_changes(browser, folder):
    begin(browser, "letters", [])
    browser.choose("speed", DEFAULT_PACE)
    # What is said of the pace, and how often it changes.
    browser.run("""globalThis.paces = [], new MutationObserver(() => {
        const text = at('pace').textContent;
        const isSlow = text.startsWith('slow');
        if (text && live.isPlaying && paces.at(-1) !== isSlow) paces.push(isSlow);
    }).observe(at('pace'), { childList: true, characterData: true, subtree: true })""")
    took = to_the_end(browser, DEFAULT_PACE)
    # A time that is too long may be another program's.
    for _ in range(2):
        if took <= LONGEST:
            break
        begin(browser, "letters", [])
        browser.run("paces.length = 0")
        took = to_the_end(browser, DEFAULT_PACE)
    frames = browser.run("live.film.frames.length")
    paces = browser.run("paces")
    print(f"letters at the default pace: {took:.1f} s, {frames} frames, slow: {paces}")
    assert SHORTEST <= took <= LONGEST, took
    assert True in paces and len(paces) <= 4, paces
    assert browser.run("live.figures.sequence_accuracy") == 1
    browser.picture(os.path.join(folder, "pace.png"), whole=False)


def it_asks_first(browser, folder):
    """A guess is kept, and the page says what came of it; the next run asks of another query."""
    asked = []
    for right in [True, False]:
        begin(browser, "letters", [])
        assert browser.run("!guess.root.hidden && guess.isAsking"), "it asks before training"
        query, n = browser.run("[guess.asked.query, live.stage.moment.nKeys]")
        asked.append(query)
        assert browser.run(f"live.stage.query === {query}"), "the row that is asked of is the one that is drawn"
        if right:
            # By keyboard, in the map.
            browser.run(f"(() => {{ const {{ cells }} = live.stage.map; cells.canvas.focus(); cells.choose([{query}, {n - 1 - query}]); }})()")
            browser.press("Enter")
            browser.picture(os.path.join(folder, "guess.png"), whole=False)
        else:
            browser.run(f"document.querySelectorAll('.token')[{query}].click()")
        key = n - 1 - query if right else query
        assert browser.run("[live.stage.guess.query, live.stage.guess.key, state.query === null || state.query === guess.asked.query]") == [query, key, True]
        assert browser.run("live.stage.map.cells.guessed") == [query, key]
        # It is not in the way: the next click pins.
        other = (query + 1) % n
        browser.run(f"document.querySelectorAll('.token')[{other}].click()")
        assert browser.run("state.query") == other
        to_the_end(browser)
        words = browser.run("guess.words.textContent")
        share = browser.run(f"live.stage.moment.row('weights', {query})[{key}].toFixed(2)")
        assert share in words and ("right" in words) == right and ("not this time" in words) != right, words
        print(words)
        browser.picture(os.path.join(folder, f"guess-{'right' if right else 'wrong'}.png"), whole=False)
    assert asked[0] != asked[1], asked
    # What the reader pinned stays; a row that the page chose is let go.
    browser.run("choose({ query: null })")
    begin(browser, "letters", [])
    browser.run("guess.notNow.click()")
    assert browser.run("guess.root.hidden && state.query === null")
    browser.run("document.querySelectorAll('.token')[3].click()")
    assert browser.run("state.query === 3 && live.stage.guess === null")
    browser.run("choose({ query: null })")


def the_run_has_chapters(browser):
    begin(browser, "letters", [])
    assert browser.run("at('chapters').closest('section').hidden")
    to_the_end(browser)
    n = browser.run("document.querySelectorAll('.chapter').length")
    assert 2 <= n <= 6, n
    browser.run("document.querySelectorAll('.chapter')[1].click()")
    assert browser.run("document.querySelectorAll('.chapter')[1].getAttribute('aria-current')") == "step"
    assert browser.run("state.frame > 0 && state.frame < live.film.frames.length - 1")
    browser.run("document.querySelector('[data-matrix=w_v][data-what=zero]').click()")
    until(browser, "live.kept.length === 1", 5, "a change after the end")
    until(browser, "document.querySelectorAll('.chapter').length > 1", 5, "the chapters after a change")
    browser.run("undo()")
    until(browser, "live.kept.length === 0 && document.querySelectorAll('.chapter').length > 1", 5, "the chapters after undoing")


def a_step_is_pinned(browser, folder):
    """The map is shown as its difference to a step, which stays though the film grows thinner."""
    begin(browser, "letters", [])
    browser.press("b")
    to_the_end(browser)
    assert browser.run("live.stage.map.cells.palette") == "sequential"
    browser.press("d")
    first, last, seen = browser.run("[mapOf(live.film.probes[0].maps[0].frames[0]), mapOf(live.film.probes[0].maps[0].frames.at(-1)), live.stage.map.cells.values].map((one) => Array.from(one))")
    assert all(abs(x - (b - a)) < 1e-6 for a, b, x in zip(first, last, seen)) and max(seen) > 0.3 and min(seen) < -0.1, seen
    assert "step 0" in browser.run("live.stage.map.hint.textContent") and browser.run("live.stage.map.cells.palette") == "diverging"
    browser.picture(os.path.join(folder, "difference.png"), whole=False)
    # The scale has the colours of the map.
    bar = "live.stage.map.scale.querySelector('.colours').style.background"
    schemes = ["light", "dark"] if browser.run("dark.matches") else ["dark", "light"]
    for scheme in schemes:
        before = json.dumps(browser.run(bar))
        browser.colours(scheme)
        until(browser, f"{bar} !== {before}", 5, f"the scale of a difference in {scheme} colours")
    browser.run("seek(0)")
    assert browser.run("live.stage.map.cells.values.every((x) => x === 0)")
    browser.press("b")
    assert browser.run("[live.stage.map.cells.palette, pin.step]") == ["sequential", None]
    # Another run has nothing to do with it.
    browser.press("b")
    begin(browser, "reverse", [])
    assert browser.run("pin.step") is None


def letters_can_be_off(browser):
    begin(browser, "letters", [])
    browser.run("at('keys').click()")
    step = browser.run("live.film.frames.at(-1).step")
    for key in [".", "s", "r"]:
        browser.press(key)
    time.sleep(0.3)
    assert browser.run(f"live.film.frames.at(-1).step === {step} && !slowMotion.isRunning")
    browser.run("at('keys').click()")
    browser.press(".")
    until(browser, f"live.film.frames.at(-1).step === {step} + 1", 5, "one step by key")


def check(browser, page, binary, folder):
    fresh(browser, page)
    for one in [
        lambda: it_asks_first(browser, folder),
        lambda: one_step_in_seven_beats(browser, folder),
        lambda: who_goes_elsewhere_leaves(browser),
        lambda: a_pace_for_every_machine(browser),
        lambda: it_slows_down_while_the_map_changes(browser, folder),
        lambda: the_run_has_chapters(browser),
        lambda: a_step_is_pinned(browser, folder),
        lambda: letters_can_be_off(browser),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
