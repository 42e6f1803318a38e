"""The question of the live page: every setting has its field, its default and a way back, what does not fit is said beside
it, and what a reader chose stays."""

import json
import os
import subprocess

from live_page import begun, set_field, until

VALUES = "Object.fromEntries(settings.all.map((field) => [field.key, field.value]))"

def open_page(browser, page, fragment="", width=1280, height=720):
    browser.open(page, width=width, height=height, fragment=fragment)
    until(browser, "document.body.classList.contains('is-ready')", 10, "the first picture")


def after(browser, script, what):
    """Runs a script, and waits for the run that it begins."""
    before = browser.run("trainer.asked")
    browser.run(f"{script}, null")
    begun(browser, before, what)


def chips(browser):
    return browser.run("Array.from(document.querySelectorAll('.chip'), (chip) => chip.textContent)")


def fields_show_what_holds(browser):
    """Also where the task decides, with a mark at the default."""
    assert not browser.run("question.isOpen")
    browser.run("at('question-open').click()")
    assert browser.run("question.isOpen && at('question-open').getAttribute('aria-expanded') === 'true'")
    values = browser.run(VALUES)
    wanted = {"model.d_model": "8", "model.d_k": "2", "model.d_v": "8", "model.score": "scaled-dot", "model.mask": "none",
              "model.projections.w_k": "learned", "optimizer": "adam-w", "optimizer.lr": "0.02", "train.steps": "200",
              "seed": "0", "task.seq_len": "4", "task.n_symbols": "4"}
    assert {key: values.get(key) for key in wanted} == wanted, values
    assert "" not in values.values(), values
    assert browser.run("settings.all.every(({ mark }) => !mark.hidden)"), "every one is the default"
    # Each has a name, and stands in the drawer.
    assert browser.run("settings.all.every(({ control }) => control.labels.length === 1 && at('question').contains(control))")
    browser.press("Escape")
    assert not browser.run("question.isOpen") and browser.run("document.activeElement.id") == "question-open"


def one_setting_and_back(browser):
    after(browser, set_field("model.d_k", "4"), "d_k")
    assert browser.run("live.run.values.model.d_k") == 4 and browser.run("live.run.defaults.model.d_k") == 2
    assert chips(browser) == ["dk 4 ×"] and browser.run("at('question-open').textContent") == "Settings · 1"
    field = "settings.field('model.d_k')"
    assert browser.run(f"[{field}.mark.hidden, {field}.back.hidden, {field}.back.textContent]") == [True, False, "↺ 2"]
    # The default by another way of writing is no change.
    after(browser, set_field("optimizer.lr", "2e-2"), "the default rate")
    assert chips(browser) == ["dk 4 ×"]
    after(browser, "document.querySelector('.chip').click()", "the chip")
    assert chips(browser) == [] and browser.run("live.run.values.model.d_k") == 2
    # What follows from another setting is shown, too.
    after(browser, "settings.form.elements.task.value = 'reverse', settings.form.elements.task.dispatchEvent(new Event('change'))", "reverse")
    before = browser.run(VALUES)
    after(browser, set_field("model.n_heads", "2"), "two heads")
    values = browser.run(VALUES)
    assert int(values["model.d_k"]) == int(before["model.d_k"]) // 2, (before, values)
    assert len(chips(browser)) == 1
    # A setting of one task is none of another.
    after(browser, set_field("task.seq_len", "6"), "a length")
    after(browser, "settings.form.elements.task.value = 'letters', settings.form.elements.task.dispatchEvent(new Event('change'))", "letters")
    assert browser.run("live.run.seq_len") == 4 and chips(browser) == ["Heads 2 ×"], chips(browser)
    after(browser, "at('defaults').click()", "the defaults")
    assert chips(browser) == [] and browser.run("live.run.values.model.n_heads") == 1


def root_of_d_k(browser):
    assert browser.run("at('scaled').checked")
    after(browser, "at('scaled').click()", "without √d_k")
    assert browser.run("live.run.values.model.score") == "dot" and not browser.run("at('scaled').checked")
    after(browser, "at('scaled').click()", "with √d_k")
    assert browser.run("live.run.values.model.score") == "scaled-dot" and chips(browser) == []


def one_matrix_alone(browser):
    """One that is not learned, and all three by their one name."""
    after(browser, set_field("model.projections.w_k", "frozen"), "W_K frozen")
    assert browser.run("valueAt(live.run.values, 'model.projections.w_k')") == "frozen"
    assert browser.run("valueAt(live.run.values, 'model.projections.w_q')") == "learned"
    assert chips(browser) == ["WK frozen ×"]
    after(browser, set_field("model.projections.w_q", "frozen"), "W_Q frozen")
    after(browser, set_field("model.projections.w_v", "frozen"), "W_V frozen")
    assert browser.run("live.asked.begin.settings.includes('model.projections=frozen')")
    after(browser, "at('defaults').click()", "the defaults")


def beside_its_field(browser):
    """What does not fit stands beside the field that it is about, and the run before goes on."""
    step = "live.film.frames.at(-1).step"
    browser.run("at('step').click()")
    until(browser, f"{step} === 1", 5, "one step")
    for key, text in [("model.d_model", "-3"), ("model.d_k", "none"), ("optimizer.lr", "0"), ("train.batch_size", "0"), ("model.n_heads", "0"), ("task.n_symbols", "1")]:
        browser.run(set_field(key, text))
        until(browser, "document.querySelector('.refused:not(:empty)') !== null", 5, f"the refusal of {key}")
        beside = browser.run("Array.from(document.querySelectorAll('.refused:not(:empty)'), (one) => [one.closest('.field')?.querySelector('[name]').name, one.textContent])")
        assert len(beside) == 1 and beside[0][0] == key, (key, beside)
        described = browser.run(f"settings.field('{key}').control.getAttribute('aria-describedby')")
        assert browser.run(f"at('{described}').textContent") == beside[0][1]
        assert browser.run("document.querySelectorAll('.chip.wrong').length") == 1
        assert browser.run(f"{step} === 1 && live.run.values.model.d_model === 8"), "the run before goes on"
        after(browser, "document.querySelector('.chip.wrong').click()", f"without {key}")
        browser.run("at('step').click()")
        until(browser, f"{step} === 1", 5, "one step")
    # Keys that are a part of another, and messages that name two.
    keys = json.dumps(["model.projections.w_q", "model.projections.w_k", "model.d_k", "model.n_heads", "model.d_model", "train.steps", "task.seq_len"])
    for message, last, found in [
        ("n_kv_heads must divide n_heads = 3, got 2", None, "model.n_heads"),
        ("schedule.warmup_steps must be below train.steps", "model.d_k", "train.steps"),
        ("schedule.warmup_steps: too many", "train.steps", None),
        ("d_model = 7 is not a multiple of n_heads = 2", "model.n_heads", "model.n_heads"),
        ("d_model = 7 is not a multiple of n_heads = 2", None, "model.d_model"),
        ('projections.w_k = "none" hands the input through, so n_heads * d_k must equal 8', "model.d_k", "model.projections.w_k"),
        ('projections = "none" has no matrices and therefore no biases', "model.projections.w_k", "model.projections.w_k"),
        ("model.d_key and model.d_k.x are unknown", None, None),
    ]:
        assert browser.run(f"keyIn({json.dumps(message)}, {keys}, {json.dumps(last)}) ?? null") == found, message
    # One that has no field.
    browser.run("settings.more.value = 'model.d_mlpp=3', settings.apply()")
    until(browser, "settings.allRefused.textContent.includes('d_mlpp')", 5, "an unknown key")
    after(browser, "at('defaults').click()", "the defaults")
    assert browser.run("settings.allRefused.textContent") == ""


def choices_stay(browser):
    """Layer, head, input, query and view, where the stage is built again and still has them."""
    task = "settings.form.elements.task"
    # The page asks where a query will look, which pins it.
    browser.run(f"guess.dismiss(), {task}.value = 'reverse'")
    after(browser, set_field("model.n_heads", "2"), "two heads")
    browser.run("choose({ head: 1, probe: 2, query: 3, view: 'change' }), at('head').value = '1', at('probe').value = '2'")
    chosen = "[state.head, state.probe, state.query, state.view, at('head').value, at('probe').value, live.stage.query].join()"
    wanted = "1,2,3,change,1,2,3"
    after(browser, "globalThis.oldTimeline = live.timeline, at('reset').click()", "Reset")
    assert browser.run(chosen) == wanted, browser.run(chosen)
    browser.run("edit({ what: 'zero-head', layer: 0, head: 0 })")
    until(browser, "live.kept.length === 1", 5, "the change")
    assert browser.run(chosen) == wanted, browser.run(chosen)
    after(browser, set_field("optimizer.lr", "0.001"), "another rate")
    assert browser.run(chosen) == wanted, browser.run(chosen)
    own = " ".join(reversed(browser.run("live.film.probes[0].tokens")))
    browser.run(f"at('own').value = {json.dumps(own)}, at('own').dispatchEvent(new Event('change'))")
    until(browser, f"live.film.probes[0].tokens.join(' ') === {json.dumps(own)}", 5, "an input of one's own")
    after(browser, "at('reset').click()", "Reset")
    until(browser, f"live.film.probes[0].tokens.join(' ') === {json.dumps(own)}", 5, "the own input after Reset")
    # A timeline that is gone draws no more.
    browser.run("globalThis.nDrawn = 0, oldTimeline.build = () => (nDrawn += 1), null")
    browser.size(1400, 720)
    browser.run("new Promise((done) => setTimeout(done, 200))")
    browser.size(1280, 720)
    browser.run("new Promise((done) => setTimeout(done, 200))")
    assert browser.run("nDrawn") == 0
    # Fewer heads, and another task.
    after(browser, set_field("model.n_heads", "1"), "one head")
    found = browser.run("[state.head, state.query, at(`own`).value !== ``].join()")
    assert found == "0,3,true", found
    after(browser, f"{task}.value = 'letters', {task}.dispatchEvent(new Event('change'))", "letters")
    assert browser.run("[state.head, state.probe, state.query, at('own').value].join()") == "0,0,,"
    after(browser, "at('defaults').click()", "the defaults")


def a_config_stays(browser, binary, page, folder):
    """Settings stand over the config of a run, until its reader goes back to the task's defaults; a config can be opened."""
    run = os.path.join(folder, "with-config")
    settings = ["--set", "model.d_k=3", "--set", "task.n_symbols=3", "--set", "schedule.warmup_steps=7"]
    subprocess.run([binary, "train", "letters", "--quiet", "--steps", "2", *settings, "--out", run], check=True)
    of_run = os.path.join(folder, "with-config.html")
    subprocess.run([binary, "playground", run, "--page", page, "--out", of_run], check=True, capture_output=True)
    open_page(browser, of_run)
    has_weights = "live.asked.weights !== undefined"
    assert browser.run(f"live.run.values.model.d_k === 3 && {has_weights}") and chips(browser) == []
    after(browser, set_field("seed", "5"), "a setting over a config")
    values = browser.run("live.run.values")
    assert [values["seed"], values["model"]["d_k"], values["task"]["n_symbols"], values["schedule"]["warmup_steps"]] == [5, 3, 3, 7], values
    assert chips(browser) == ["Seed 5 ×"] and not browser.run(has_weights)
    after(browser, "document.querySelector('.chip').click()", "without it")
    assert browser.run(f"live.run.values.seed === 0 && {has_weights}")
    after(browser, "at('defaults').click()", "the defaults")
    assert browser.run("live.run.values.model.d_k") == 2
    assert browser.complaints() == [], browser.complaints()
    open_page(browser, page)
    before = browser.run("trainer.asked")
    browser.attach("#open-config", os.path.join(run, "config.toml"))
    begun(browser, before, "a config from the disk")
    assert browser.run("live.run.values.model.d_k") == 3
    after(browser, set_field("model.d_k", "5"), "a setting over it")
    assert browser.run("live.run.values.schedule.warmup_steps === 7 && live.run.values.model.d_k === 5")
    # What is no config leaves the run before, and its config.
    wrong = os.path.join(folder, "wrong.toml")
    with open(wrong, "w") as file:
        file.write("task = [")
    browser.attach("#open-config", wrong)
    until(browser, "settings.allRefused.textContent.includes('TOML')", 5, "a file that is no config")
    after(browser, set_field("seed", "1"), "a setting after it")
    assert browser.run("live.run.values.schedule.warmup_steps") == 7


def everything_has_room(browser, page):
    """The bar with all that it may have, in the narrowest window with one row of it."""
    open_page(browser, page)
    browser.run("settings.form.elements.task.value = 'reverse', settings.more.value = 'model.n_layers=2\\nmodel.n_heads=2\\ntrain.eval_every=1'")
    after(browser, "settings.apply()", "two layers")
    before = browser.run("trainer.asked")
    browser.choose("lanes", "arms")
    begun(browser, before, "three runs")
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1 && at('accuracy') !== null", 10, "a step of three runs")
    for width in [1280, 1000, 999, 360]:
        browser.size(width, 720)
        for is_open in ["true", "false"]:
            browser.run(f"question.open({is_open}), new Promise((done) => setTimeout(done, 200))")
            found = browser.run("[document.documentElement.scrollWidth, document.querySelector('.topbar').scrollWidth]")
            assert max(found) <= width, (width, is_open, found)
    browser.size(1280, 720)
    assert browser.run("at('screen').getBoundingClientRect().bottom") <= 720
    # What is refused while the drawer is open stands there alone.
    browser.run("said(''), question.open(true)")
    browser.run(set_field("optimizer.lr", "-1"))
    until(browser, "document.querySelector('.refused:not(:empty)') !== null", 5, "the refusal of a rate")
    assert browser.run("at('happened').textContent === '' && settings.field('optimizer.lr').mark.hidden")


def help_has_every_key(browser):
    named = {" ": "space", "ArrowLeft": "←", "ArrowRight": "→", "Escape": "Esc"}
    said = browser.run("Array.from(document.querySelectorAll('.help-text kbd'), (key) => key.textContent)")
    for key in browser.run("Object.keys(keyActions)"):
        assert named.get(key, key) in said, (key, said)


def letters_off(browser, page):
    open_page(browser, page)
    browser.press(".")
    until(browser, "live.film.frames.at(-1).step === 1", 5, "the key of one step")
    browser.run("at('keys').click(), document.activeElement.blur()")
    browser.press(".")
    browser.run("new Promise((done) => setTimeout(done, 300))")
    assert browser.run("live.film.frames.at(-1).step") == 1
    # Writing is still possible, and so are the keys that are no letters.
    browser.run("question.open(true), settings.field('seed').control.select(), settings.field('seed').control.focus()")
    browser.press("7")
    assert browser.run("settings.field('seed').value") == "7"
    before = browser.run("trainer.asked")
    browser.run("document.activeElement.blur()")
    begun(browser, before, "a seed")
    browser.press(" ")
    until(browser, "live.isPlaying", 5, "the key of training")
    browser.press(" ")
    browser.run("at('keys').click()")


def on_a_phone(browser, page, folder):
    for width, height in [(390, 844), (360, 640), (640, 360)]:
        open_page(browser, page, width=width, height=height)
        assert browser.run("document.documentElement.scrollWidth") <= width
        buttons = {id: browser.run(f"at('{id}').getBoundingClientRect().toJSON()") for id in ["play", "step", "reset", "speed", "timeline"]}
        for id, box in buttons.items():
            assert box["height"] >= 40 and 0 <= box["left"] and box["right"] <= width and box["bottom"] <= height, (width, id, box)
        # What is said covers neither Train nor what is drawn, and goes.
        browser.run("said('Something has happened, which is said in a sentence that is longer than a line of a phone.')")
        message = browser.run("at('message').getBoundingClientRect().toJSON()")
        bar = browser.run("at('transport').getBoundingClientRect().toJSON()")
        play = browser.run("at('play').getBoundingClientRect().toJSON()")
        assert bar["top"] <= message["top"] and message["bottom"] <= play["top"], (message, play)
        browser.picture(os.path.join(folder, f"phone-{width}.png"), whole=False)
        browser.run("at('message-close').click()")
        assert browser.run("at('happened').textContent === '' && at('message').classList.contains('empty')")
        browser.run("question.open(true), new Promise((done) => setTimeout(done, 100))")
        browser.picture(os.path.join(folder, f"phone-{width}-question.png"), whole=False)
        assert browser.run("at('question').getBoundingClientRect().bottom <= at('transport').getBoundingClientRect().top + 1")
    # It goes by itself.
    browser.run("said('x'), clearTimeout(message.timer), hush()")
    assert browser.run("at('happened').textContent") == ""
    # 200 % zoom of a usual window.
    browser.size(640, 360, 2)
    assert browser.run("document.documentElement.scrollWidth") <= 640
    browser.size(1280, 720)


def check(browser, page, binary, folder):
    open_page(browser, page)
    help_has_every_key(browser)
    fields_show_what_holds(browser)
    one_setting_and_back(browser)
    root_of_d_k(browser)
    one_matrix_alone(browser)
    beside_its_field(browser)
    choices_stay(browser)
    a_config_stays(browser, binary, page, folder)
    everything_has_room(browser, page)
    letters_off(browser, page)
    on_a_phone(browser, page, folder)
    assert browser.complaints() == [], browser.complaints()
