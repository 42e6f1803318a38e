"""The whole state of the live page in its address, both ways."""

import json

from live_page import begun, pause, until
from live_question import after, open_page

STATE = "JSON.stringify({ ...state, frame: live.film.frames[state.frame].step, own: live.own ?? null, settings: live.asked.begin.settings, task: live.run.task, tokens: live.film.probes[0].tokens, speed: at('speed').value, keys: at('keys').checked })"
WEIGHTS = "qkvTest.hash()"


def written(browser):
    """The address, when it was written."""
    browser.run("new Promise((done) => setTimeout(done, 600))")
    return browser.run("location.hash")


def round_trip(browser, page):
    open_page(browser, page, "#test")
    assert browser.run("location.hash") in ["#test", "#v=1&test="]
    browser.run("settings.form.elements.task.value = 'reverse', settings.more.value = 'schedule.warmup_steps=3'")
    for script in ["settings.field('model.n_heads').control.value = '2'", "settings.field('model.projections.w_v').control.value = 'frozen'"]:
        browser.run(script)
    after(browser, "settings.apply()", "reverse")
    own = " ".join(reversed(browser.run("live.film.probes[0].tokens")))
    browser.run(f"at('own').value = {json.dumps(own)}, at('own').dispatchEvent(new Event('change'))")
    until(browser, f"live.film.probes[0].tokens.join(' ') === {json.dumps(own)}", 5, "an input of one's own")
    browser.run("qkvTest.step(5).then(() => qkvTest.step(12))")
    browser.run("choose({ head: 1, query: 3, view: 'change' }), at('speed').value = '10', at('speed').dispatchEvent(new Event('change'))")
    address = written(browser)
    state, weights = browser.run(STATE), browser.run(WEIGHTS)
    for part in ["v=1", "task=reverse", "model.n_heads=2", "schedule.warmup_steps=3", "model.projections.w_v=frozen", "step=17", "query=3", "head=1", "view=change", "speed=10", "test="]:
        assert part in address.lstrip("#").split("&"), (part, address)
    # What is a default is not in it.
    assert not [key for key in ["layer=", "probe=", "eval_every", "model.d_model", "keys=", "gauge="] if key in address], address
    open_page(browser, page, address)
    until(browser, "live.film.frames.at(-1).step === 17 && live.own !== null", 20, "the way to step 17")
    until(browser, f"live.film.probes[0].tokens.join(' ') === {json.dumps(own)}", 5, "the input of the address")
    assert json.loads(browser.run(STATE)) == json.loads(state), (browser.run(STATE), state)
    assert browser.run(WEIGHTS) == weights, "the same weights at that step"
    assert written(browser) == address
    assert browser.run("live.film.frames.length") > 8, "frames of the way are there"


def what_is_wrong_is_said(browser, page):
    """Unknown and wrong parts are left out, and the page is there."""
    evil = "%3C/script%3E%3Cimg%20src=x%20onerror=alert(1)%3E"
    open_page(browser, page, f"#v=1&step=3&query=99&head=-1&view=nothing&foo={evil}&{evil}=1&model.d_k=3&speed=7")
    until(browser, "live.film.frames.at(-1).step === 3", 10, "the step of the address")
    words = browser.run("at('happened').textContent")
    for part in ["foo", "query is 99, and must be between 0 and 3", "head cannot be -1", "view cannot be nothing", "speed cannot be 7", "</script>"]:
        assert part in words, (part, words)
    assert not browser.run("document.querySelector('img')")
    assert browser.run("live.run.values.model.d_k") == 3 and browser.run("state.query") is None
    # Settings that do not fit leave the defaults, and are said.
    for fragment, part in [("#v=1&model.d_model=-3&step=5", "d_model"), ("#v=1&task=nothing", "nothing"), ("#v=9&step=2", "v cannot be 9")]:
        open_page(browser, page, fragment)
        until(browser, f"at('happened').textContent.includes('{part}')", 5, fragment)
        assert browser.run("live.run.task") == "letters" and browser.run("live.run.values.model.d_model") == 8
    assert not browser.complaints(), browser.complaints()


def another_address_in_its_place(browser, page):
    open_page(browser, page, "#v=1&step=4")
    until(browser, "live.film.frames.at(-1).step === 4", 10, "step 4")
    asked = browser.run("trainer.asked")
    # The same run, further on, and back.
    browser.run("location.hash = '#v=1&step=9&query=1'")
    until(browser, "live.film.frames.at(-1).step === 9 && state.query === 1", 10, "step 9")
    browser.run("location.hash = '#v=1&step=4'")
    until(browser, "live.film.frames[state.frame].step === 4 && state.query === null", 5, "step 4 again")
    assert browser.run("trainer.asked") == asked
    browser.run("location.hash = '#v=1&task=sort&seed=3'")
    begun(browser, asked, "another run")
    assert browser.run("live.run.task === 'sort' && live.run.values.seed === 3")
    # Who does something else on the way is not dragged along.
    browser.run("location.hash = '#v=1&task=sort&seed=3&step=400'")
    until(browser, "live.film.frames.length > 3", 10, "the way to step 400")
    browser.run("at('play').click()")
    until(browser, "live.isPlaying && journey.to === null", 5, "the training in its place")
    pause(browser)
    browser.run("journey.start(300), at('step').click()")
    until(browser, "journey.to === null", 5, "one step in place of the way")


def runs_in_step(browser, page):
    open_page(browser, page, "#v=1&task=reverse&runs=arms&large=2&step=3&query=1")
    until(browser, "live.lanes.length === 3 && live.film.frames.at(-1).step === 3", 20, "three runs of an address")
    assert browser.run("live.lane === 1 && state.query === 1 && at('lanes').value === 'arms'")
    assert {"runs=arms", "large=2", "step=3"} <= set(written(browser).lstrip("#").split("&")), written(browser)


def what_is_frozen_is_in_it(browser, page):
    """A matrix that a reader froze in all layers is a setting of the address, and of the config that is given away."""
    frozen = "model.projections.w_k"
    open_page(browser, page, "#v=1&model.n_layers=2&seed=3")

    def freeze(layer, is_frozen):
        n = browser.run("reach.frozen.size")
        edit = {"what": "freeze", "place": {"layer": layer, "head": 0, "matrix": "w_k"}, "frozen": is_frozen}
        browser.run(f"edit({json.dumps(edit)})")
        until(browser, f"reach.frozen.size === {n + (1 if is_frozen else -1)}", 5, "the freezing")
        browser.run("choose({})")
        return written(browser)

    assert frozen not in freeze(0, True), "of one layer no config can say it"
    address = freeze(1, True)
    assert f"{frozen}=frozen" in address.split("&"), address
    assert frozen not in freeze(0, False)
    open_page(browser, page, address)
    until(browser, "live.run.values.seed === 3", 10, "the run of the address")
    words = browser.run("live.run.values.model.projections")
    assert words == {"w_q": "learned", "w_k": "frozen", "w_v": "learned"}, words
    assert written(browser) == address
    assert not browser.complaints(), browser.complaints()


def copied(browser, page):
    open_page(browser, page)
    browser.run("edit({ what: 'zero-head', layer: 0, head: 0 })")
    until(browser, "live.kept.length === 1", 5, "a change")
    browser.run("at('copy-address').click()")
    until(browser, "/address/.test(at('happened').textContent)", 5, "the copied address")
    assert "Weights that were changed" in browser.run("at('happened').textContent")
    assert not browser.run("'qkvTest' in window"), "the calls for tests are for tests alone"


def check(browser, page, binary, folder):
    round_trip(browser, page)
    what_is_wrong_is_said(browser, page)
    another_address_in_its_place(browser, page)
    runs_in_step(browser, page)
    what_is_frozen_is_in_it(browser, page)
    copied(browser, page)
