"""Every control of the live page is used once, and the page is alive and without a complaint afterwards.

The controls are those that the document has in some states of the page, so that a new one is used without a change here.
One that this test cannot use fails it: a text field wants a line in `TEXTS`.
"""

import json
import os
import time

import controls
from live_page import begin, fresh, pause, until

# What is written into fields for text; every value fits every state below.
TEXTS = {
    "model.d_model": "16", "model.n_heads": "1", "model.n_layers": "1", "model.d_k": "4", "model.d_v": "4", "model.d_mlp": "8",
    "optimizer.lr": "0.01", "train.batch_size": "8", "train.steps": "30", "seed": "3", "task.seq_len": "5", "task.len": "5",
    "task.n_symbols": "5", "task.n_pairs": "5", "task.n_keys": "9", "task.n_values": "7", "task.layout": "interleaved",
    "lanes.second": "optimizer.lr=0.003", "lanes.third": "optimizer.lr=0.001", "lanes.width": "16",
    "more": "train.eval_examples=10", "text": "the quick brown fox " * 20,
    "own": None, "brush": "0.5",
}

SMALL_TEXT = ["model.d_model=16", "model.n_heads=1", "model.n_layers=1", "model.d_mlp=0", "task.seq_len=8", "train.batch_size=4", "train.eval_examples=8", "train.steps=30"]
SMALL = ["train.batch_size=8", "train.steps=30"]


def choose(control, value):
    return f"at('{control}').value = '{value}', void at('{control}').dispatchEvent(new Event('change'))"


# States that together show every control: a task, its settings, the width of the window, and what is done then.
STATES = {
    "letters": ("letters", [], 1280, []),
    "two layers": ("reverse", ["model.n_layers=2", "model.n_heads=2", "task.seq_len=4", "model.d_model=8", *SMALL], 1280, []),
    "recall": ("recall", SMALL, 1280, []),
    "a text": ("chars", SMALL_TEXT, 1280, []),
    "three runs": ("letters", SMALL, 1280, [choose("lanes", "arms")]),
    "two widths": ("letters", SMALL, 1280, [choose("lanes", "scaling")]),
    "runs of one's own": ("letters", SMALL, 1280, [choose("lanes", "own")]),
    "a guess": ("letters", SMALL, 1280, ["at('reset').click()", "document.querySelectorAll('.token')[2].click()"]),
    "a station": ("letters", [], 1280, ["lecture.open(7)"]),
    "slow motion": ("letters", SMALL, 1280, ["at('slow').click()"]),
    "a chosen cell": ("letters", SMALL, 1280, ["cellEditing.enter()", "cellEditing.chosen(live.stage.matrices.pictures[0], [0, 0])"]),
    "a wanted map": ("letters", SMALL, 1280, ["wantedMap.enter()"]),
    "a narrow window": ("letters", SMALL, 640, []),
    "an end": ("letters", SMALL, 1280, [choose("speed", "0"), "at('play').click()", "new Promise((done) => setTimeout(done, 1500))"]),
}

# So long a control may take, in seconds.
PATIENCE = 10


class Unknown(Exception):
    """A control that this test cannot use."""


def use(browser, one, folder):
    """Uses a control as a reader would, with a value that it did not have."""
    found = controls.pick(one["key"])
    kind, kind_of_input = one["kind"], one["type"]
    if kind == "select":
        # The choice after the present one.
        browser.run(f"(() => {{ const field = {found}; const all = [...field.options].filter((option) => !option.disabled); const other = all[(all.findIndex((option) => option.selected) + 1) % all.length]; if (other) {{ other.selected = true; field.dispatchEvent(new Event('input', {{ bubbles: true }})); field.dispatchEvent(new Event('change', {{ bubbles: true }})); }} }})()")
    elif kind == "textarea" or (kind == "input" and kind_of_input in ["text", "number", "search"]):
        name = one["key"].split("#")[-1].removeprefix("field-").replace("-", ".")
        if name not in TEXTS:
            raise Unknown(f"`{one['key']}` is a field that TEXTS has no value for")
        value = TEXTS[name] if TEXTS[name] is not None else browser.run("[...live.film.probes[0].tokens].reverse().join(' ')")
        browser.run(f"(() => {{ const field = {found}; field.focus(); field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input', {{ bubbles: true }})); field.dispatchEvent(new Event('change', {{ bubbles: true }})); field.blur(); }})()")
    elif kind == "input" and kind_of_input == "file":
        browser.run(f"void ({found}.dataset.proof = 'file')")
        browser.attach("[data-proof=file]", attached(browser, one, folder))
        browser.run("delete document.querySelector('[data-proof=file]').dataset.proof")
    elif kind == "input" and kind_of_input == "range":
        browser.run(f"{found}.focus()")
        browser.press("ArrowRight")
        browser.run("document.activeElement.blur()")
    elif kind in ["button", "summary", "a"] or (kind == "input" and kind_of_input in ["checkbox", "radio", "button", "submit"]):
        browser.run(f"{found}.click()")
    elif one["role"] == "slider":
        browser.run(f"{found}.focus()")
        for key in ["ArrowUp", "ArrowDown", "PageUp"]:
            browser.press(key)
        browser.run("document.activeElement?.blur()")
    elif kind == "canvas" or one["tabIndex"] >= 0:
        browser.run(f"{found}.focus()")
        for key in ["ArrowDown", "ArrowRight", "Enter", "Escape"]:
            browser.press(key)
        browser.run("document.activeElement?.blur()")
    elif one["tabIndex"] < 0:
        # A script moves the focus there; it is nothing to use.
        return
    else:
        raise Unknown(f"`{one['key']}` is of a kind that this test cannot use")


def attached(browser, one, folder):
    """A file that a field for files takes: one that the page itself gave away."""
    accepted = browser.run(f"{controls.pick(one['key'])}.accept")
    if ".safetensors" in accepted:
        return browser.download(folder, "file('weights')")
    if ".toml" in accepted:
        return browser.download(folder, "file('config')")
    if ".txt" in accepted or "text" in accepted:
        path = os.path.join(folder, "text.txt")
        with open(path, "w") as file:
            # So long that a field shows its beginning alone.
            file.write(TEXTS["text"] * 100)
        return path
    raise Unknown(f"`{one['key']}` takes files of a kind that this test does not have: {accepted}")


def settle(browser, what):
    """Waits until the page has done what was asked for."""
    until(browser, "!trainer.isBeginning && live.film !== null", PATIENCE, what)
    browser.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 10))))")
    complaints = browser.complaints()
    assert complaints == [], f"{what}: {complaints}"


def alive(browser, what):
    """A step can be made."""
    pause(browser, f"the pause after {what}", PATIENCE)
    before = browser.run("live.film.frames.at(-1).step")
    browser.run("oneStep()")
    until(browser, f"live.film.frames.at(-1).step !== {before}", PATIENCE, f"a step after {what}")


def open_drawers(browser):
    browser.run(controls.OPEN)
    browser.run("document.querySelectorAll('details').forEach((one) => (one.open = true))")


def enter(browser, page, name):
    task, settings, width, acts = STATES[name]
    fresh(browser, page, width=width)
    browser.run("void (globalThis.print = () => {})")
    begin(browser, task, settings)
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1", PATIENCE, f"a step of {name}")
    for act in acts:
        browser.run(act)
        settle(browser, f"{act} in the state of {name}")


def check(browser, page, binary, folder):
    folder = os.path.join(folder, "controls")
    os.makedirs(folder, exist_ok=True)
    used, seen, slowest = {}, {}, (0, "")
    for state in STATES:
        # What a control changes may hide others: each is looked for in the state as it was.
        enter(browser, page, state)
        tried = set()
        while True:
            open_drawers(browser)
            here = controls.found(browser)
            seen |= {one["key"]: one for one in here}
            left = [one for one in here if one["isSeen"] and not one["isDisabled"] and one["key"] not in used and one["key"] not in tried]
            if not left:
                break
            one = left[0]
            tried.add(one["key"])
            start = time.monotonic()
            use(browser, one, folder)
            settle(browser, f"{one['key']} ({one['name']}) in the state of {state}")
            used[one["key"]] = state
            took = time.monotonic() - start
            slowest = max(slowest, (took, one["key"]))
        alive(browser, f"all controls of {state}")
    # The disabled ones of each state, such as Undo before a change, were not disabled all the time.
    unused = [f"{key} ({one['name']})" for key, one in seen.items() if key not in used]
    assert unused == [], f"controls that no state of this test shows and enables: {unused}"
    print(f"{len(used)} controls used: {', '.join(f'{list(used.values()).count(state)} with {state}' for state in STATES)}; the slowest took {slowest[0]:.1f} s, {slowest[1]}")
