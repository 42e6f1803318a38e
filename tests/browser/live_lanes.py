"""Up to three runs of the live page beside each other, which make every step together."""

import json
import os
import subprocess
import time

from live_page import begin, begun, until

# Accuracy as often as the page measures it.
OFTEN = ["train.eval_every=20", "train.eval_examples=200"]
# A task without matrices has heads as wide as x.
ARMS = {
    "none": ["model.projections=none", "model.d_k=8", "model.d_v=8"],
    "frozen": ["model.projections=frozen"],
    "learned": ["model.projections=learned"],
}
ARMS_AT = [1, 10, 100, 200]
# `qkv lecture` prints these two trainings up to step 75.
SCORES = {"scaled": ["model.score=scaled-dot", "model.d_k=1024"], "unscaled": ["model.score=dot", "model.d_k=1024"]}
SCORES_AT = [1, 4, 8]
CLOSE = 1e-4

STEPS = "live.lanes.map(({ film }) => film.frames.map(({ step }) => step).join())"
TOGETHER = f"(([first, ...others]) => others.every((one) => one === first))({STEPS})"
SHOWN = "document.querySelector('.lane[aria-checked=true] .lane-name').textContent"
DIVERGING = "optimizer=sgd\noptimizer.lr=1e30\nschedule.warmup_steps=0"


def lanes(browser, kind, task="letters", own=(), width=None, more=()):
    """Chooses a task and then its lanes, as a reader does, and waits for their first picture."""
    browser.run("laneChoice.show([])")
    begin(browser, task, list(more))
    if width is not None:
        browser.run(f"at('lanes-width').value = {width}")
    for field, text in zip(["lanes-second", "lanes-third"], [*own, "", ""]):
        browser.run(f"at('{field}').value = {json.dumps(text)}")
    before = browser.run("trainer.asked")
    browser.run(f"at('lanes').value = '{kind}', at('lanes').dispatchEvent(new Event('change'))")
    begun(browser, before, f"the runs {kind}")


def events_of_the_binary(binary, folder, name, task, settings, more=()):
    run = os.path.join(folder, f"lane-{name}")
    settings = [f"--set={setting}" for setting in [*OFTEN, *settings]]
    subprocess.run([binary, "train", task, "--quiet", "--out", run, *settings, *more], check=True, capture_output=True)
    with open(os.path.join(run, "metrics.jsonl")) as file:
        return [json.loads(line) for line in file]


def compared(browser, lane, name, events, steps):
    """The losses of a lane beside those of the binary."""
    ours = dict(browser.run(f"live.lanes[{lane}].film.log.losses"))
    theirs = {event["step"]: event["loss"] for event in events if event["event"] == "step"}
    for step in steps:
        difference = abs(ours[step] - theirs[step]) / abs(theirs[step])
        print(f"{name}, step {step}: {ours[step]:.9f} in the page, {theirs[step]:.9f}, {difference:.1e} apart")
        assert difference <= CLOSE, f"{name}, step {step}"


def arms(browser, binary, folder):
    """None, frozen and learned reach in the page what they reach in the terminal, and never part."""
    lanes(browser, "arms")
    assert browser.run("live.lanes.map(({ name }) => name)") == list(ARMS)
    assert browser.run(SHOWN) == "learned"
    assert browser.run("at('screen').getBoundingClientRect().bottom <= 720 && at('screen').scrollWidth <= 1280"), "one screen"
    sizes = browser.run("Array.from(document.querySelectorAll('.lane-size'), (one) => one.textContent)")
    assert sizes == browser.run("live.lanes.map(({ run }) => `${run.n_parameters} parameters`)"), sizes
    # While it plays.
    browser.choose("speed", "0")
    browser.run("globalThis.parted = [], companions.push({ grown() { if (!(" + TOGETHER + ")) parted.push(" + STEPS + "); } })")
    browser.run("at('play').click()")
    took = until(browser, "live.ended !== null", 60, "the three runs")
    print(f"three runs of `letters`: {took:.1f} s, {browser.run('Math.round(live.rate)')} steps a second")
    assert browser.run("parted") == []
    browser.picture(os.path.join(folder, "lanes.png"), whole=False)
    for lane, (name, settings) in enumerate(ARMS.items()):
        events = events_of_the_binary(binary, folder, name, "letters", settings)
        compared(browser, lane, name, events, ARMS_AT)
        theirs = [event["accuracy"] for event in events if event["event"] == "eval" and event["split"] == "validation" and event["step"] == 200][-1]
        ours = browser.run(f"live.lanes[{lane}].figures.accuracy")
        assert abs(ours - theirs) <= 0.01, f"{name}: accuracy {ours} in the page, {theirs}"
    accuracies = browser.run("live.lanes.map(({ figures }) => figures.accuracy)")
    assert accuracies[2] == 1 and max(accuracies[:2]) < 0.6, accuracies


def longest_block(browser):
    """Milliseconds for which the page does not answer while three runs train."""
    lanes(browser, "arms")
    browser.choose("speed", "60")
    browser.watch_blocking()
    browser.run("at('play').click()")
    until(browser, "live.ended !== null", 60, "the three runs")
    longest = browser.longest_block()
    # What is measured next is one run.
    lanes(browser, "one")
    return longest


def switched(browser):
    """Another run becomes the large one: same step, same query, same input, same scale."""
    middle = browser.run("Math.floor(live.film.frames.length / 2)")
    browser.run(f"choose({{ query: 2, probe: 1 }}), seek({middle})")
    asked = "JSON.stringify([state.frame, state.query, state.probe, live.film.frames[state.frame].step])"
    scale = "live.stage.matrices.pictures[0].cells.high"
    cards = "Array.from(document.querySelectorAll('.lane-figures'), (one) => one.textContent)"
    before, high, texts = browser.run(asked), browser.run(scale), browser.run(cards)
    browser.press("2")
    assert browser.run("live.lane") == 1 and browser.run(SHOWN) == "frozen"
    assert browser.run("live.stage.film === live.lanes[1].film && live.timeline.film === live.lanes[1].film")
    assert browser.run(asked) == before
    assert browser.run(scale) == high, "sizes of all runs can be compared"
    assert browser.run(cards) == texts
    assert browser.run("at('said').textContent").startswith(f"Step {browser.run('live.film.frames[state.frame].step')}")
    # By the cards, with the keyboard as well.
    browser.run("document.querySelectorAll('.lane')[0].click()")
    assert browser.run("live.lane") == 0
    assert browser.run("document.querySelector('.matrices').classList.contains('empty')"), "without matrices"
    browser.run("document.querySelectorAll('.lane')[0].focus()")
    browser.press("ArrowUp")
    assert browser.run("live.lane") == 2 and browser.run("document.activeElement === document.querySelectorAll('.lane')[2]")
    # All follow the scrubber.
    browser.run("seek(0)")
    first = browser.run(cards)
    browser.run("seek(live.film.frames.length - 1)")
    assert all(one != other for one, other in zip(first, browser.run(cards)))


def moved_together(browser):
    """Steps, changes and Undo leave all runs at one step."""
    before = browser.run("trainer.asked")
    browser.run("at('reset').click()")
    until(browser, f"trainer.id > {before} && live.film !== null && live.film.frames.length === 1", 20, "Reset")
    assert browser.run("live.lanes.length") == 3 and browser.run("live.lane") == 2, "Reset keeps the runs and the large one"
    for step in [1, 2, 3]:
        browser.run("at('step').click()")
        until(browser, f"live.film.frames.at(-1).step === {step}", 5, f"step {step}")
        assert browser.run(TOGETHER)
    lengths = "live.lanes.map(({ film }) => film.layers[0]?.heads[0].raw.map((one) => Math.max(...cellsOf(one, one.frames.at(-1)).map(Math.abs)))[2] ?? null)"
    untouched = browser.run(lengths)
    browser.run("document.querySelector('[data-matrix=w_v][data-what=zero]').click()")
    until(browser, f"({lengths})[2] === 0", 5, "W_V of zeros in the large run")
    assert browser.run(lengths)[:2] == untouched[:2], "a change is made in the large run alone"
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 4", 5, "a step after the change")
    browser.press("Control+z")
    until(browser, "live.film.frames.at(-1).step === 3", 5, "the undoing")
    assert browser.run(TOGETHER) and browser.run(lengths) == untouched
    assert browser.run("live.lanes.every(({ film }) => film.log.losses.length === 3)")
    # The same input for all.
    own = "D C B A"
    browser.run(f"at('own').value = '{own}', at('own').dispatchEvent(new Event('change'))")
    until(browser, f"live.lanes.every(({{ film }}) => film.probes[0].tokens.join(' ') === '{own}')", 5, "an input of one's own in all runs")


def follow(browser, link):
    """Goes to an address when the page has written its own."""
    browser.run(f"new Promise((done) => setTimeout(done, 600)).then(() => (location.hash = {json.dumps(link)}))")


def in_the_address(browser):
    """The runs, the large one and the step are in the address, and come back from there."""
    browser.run("choose({ query: 1 }), seek(2), enlarge(1)")
    link = browser.run("address.write(), location.hash")
    assert "runs=arms" in link and "large=2" in link, link
    lanes(browser, "own", own=["model.score=dot", "seed=7\noptimizer.lr=0.01"])
    own = browser.run("address.write(), location.hash")
    for hash, names, large in [(link, list(ARMS), 1), (own, ["as set", "score dot", "seed 7, lr 0.01"], 0)]:
        lanes(browser, "one")
        follow(browser, hash)
        until(browser, f"live.lanes.length === 3 && live.film !== null && live.lane === {large} && linked.wanted === null", 15, hash)
        assert browser.run("live.lanes.map(({ name }) => name)") == names
    follow(browser, link)
    until(browser, "live.lanes.length === 3 && live.film !== null && live.film.frames[state.frame].step === 2 && state.query === 1", 15, "the step of an address")
    assert browser.run("at('lanes').value") == "arms"
    # What is no choice of runs is said, and one run begins.
    follow(browser, "#v=1&runs=%3Cimg%3E&large=9")
    until(browser, "live.lanes.length === 1 && at('happened').textContent.includes('runs')", 15, "a wrong choice of runs")
    lanes(browser, "arms")


def unlike(browser):
    """Runs whose inputs have different lengths: a query that a run does not have is let go, and an input must fit all."""
    lanes(browser, "own", own=["task.seq_len=6"])
    browser.press("2")
    browser.run("choose({ query: 5 })")
    assert browser.run("live.run.seq_len === 6 && state.query === 5")
    browser.press("1")
    assert browser.run("live.run.seq_len === 4 && state.query === null && live.stage.shown.tokens.length === 4")
    inputs = "JSON.stringify(live.lanes.map(({ film }) => film.probes[0].tokens))"
    before = browser.run(inputs)
    browser.run("at('own').value = 'A B C D', at('own').dispatchEvent(new Event('change'))")
    until(browser, "at('happened').textContent.startsWith('In the run seq_len 6: ')", 5, "an input that does not fit one run")
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1", 5, "a step with the inputs of before")
    assert browser.run(inputs) == before and browser.run(TOGETHER)
    browser.run("at('own').value = ''")


def begun_by_others(browser):
    """Runs that are none of the choices keep their names and settings, also when a setting of all is changed."""
    lanes(browser, "one")
    given = [{"name": "narrow", "settings": ["model.d_k=1"]}, {"name": "wide", "settings": ["model.d_k=4"]}]
    before = browser.run("trainer.asked")
    browser.run(f"begin({{ ...settings.begin(), lanes: {json.dumps(given)}, large: 1 }})")
    begun(browser, before, "runs of others")
    widths = "live.lanes.map(({ name, run }) => `${name} ${/^d_k = (\\d+)/m.exec(run.config)[1]}`)"
    assert browser.run(widths) == ["narrow 1", "wide 4"] and browser.run("live.lane") == 1
    assert browser.run("at('lanes').value") == "own"
    link = browser.run("address.write(), location.hash")
    begin(browser, "letters", ["seed=5"])
    assert browser.run(widths) == ["narrow 1", "wide 4"] and browser.run("live.lane") == 1, "what all share is changed"
    lanes(browser, "one")
    follow(browser, link)
    until(browser, "live.lanes.length === 2 && live.film !== null", 15, "runs of others from an address")
    assert browser.run(widths) == ["d_k 1 1", "d_k 4 4"], browser.run(widths)
    # A reader's own settings begin at the question as it is set.
    before = browser.run("trainer.asked")
    browser.run("at('lanes-second').value = 'model.d_k=3', at('lanes-second').dispatchEvent(new Event('change'))")
    begun(browser, before, "a run of one's own")
    assert browser.run(widths) == ["as set 2", "d_k 3 3"]


def of_one_lane(browser, folder):
    """Files are those of the large run, under its name."""
    browser.press("2")
    config = browser.download(folder, "at('config').click()")
    with open(config) as file:
        text = file.read()
    assert os.path.basename(config).startswith("frozen") and 'projections = "frozen"' in text, config


def scaled_and_unscaled(browser, binary, folder, steps=SCORES_AT):
    """The scale of the scores at d_k 1024, as the lecture has it."""
    lanes(browser, "scaling", "reverse", width=1024)
    assert browser.run("live.lanes.map(({ name }) => name)") == list(SCORES)
    browser.choose("speed", "0")
    began = time.monotonic()
    for step in range(1, steps[-1] + 1):
        browser.run("at('step').click()")
        until(browser, f"live.film.frames.at(-1).step === {step}", 30, f"step {step} at d_k 1024")
    print(f"d_k 1024, scaled and unscaled: {steps[-1]} steps in {time.monotonic() - began:.1f} s")
    assert browser.run(TOGETHER)
    for lane, (name, settings) in enumerate(SCORES.items()):
        compared(browser, lane, name, events_of_the_binary(binary, folder, name, "reverse", settings, ["--stop-after", str(steps[-1])]), steps)
    before = browser.run("trainer.id")
    for wrong, said in [("0", "d_k"), ("70000", "MiB")]:
        browser.run(f"at('lanes-width').value = {wrong}, at('lanes-width').dispatchEvent(new Event('change'))")
        until(browser, f"at('lanes-refused').textContent.includes('{said}')", 10, f"the refusal of d_k {wrong}")
        assert browser.run("trainer.id") == before, "the runs before go on"


def not_finite(browser, folder):
    """A run that diverges stops all; the page says which, and a button leads back."""
    lanes(browser, "own", own=["", DIVERGING])
    names = browser.run("live.lanes.map(({ name }) => name)")
    assert names[0] == "as set" and len(names) == 2, names
    browser.choose("speed", "0")
    browser.run("at('play').click()")
    until(browser, "at('happened').textContent.includes('not finite')", 10, "a rate of 1e30")
    said = browser.run("at('happened').textContent")
    assert names[1].split(",")[0] in said, said
    until(browser, "!live.isPlaying", 5, "the end of the training")
    assert browser.run(TOGETHER), "the run that could go on has gone back"
    last = browser.run("live.film.frames.at(-1).step")
    assert browser.run(f"live.lanes.every(({{ film }}) => film.log.losses.length === {last})")
    browser.picture(os.path.join(folder, "not-finite.png"), whole=False)
    label = browser.run("at('back').textContent")
    browser.run("at('back').click()")
    until(browser, "live.film.frames.at(-1).step === 0", 5, label)
    assert label == "Back to step 0" and browser.run(TOGETHER)
    # What comes after it is what came before.
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1 || at('happened').textContent.includes('not finite')", 5, "the next step")


def back_to_a_good_step(browser):
    """The way back leads to a step in which the losses were still good, not to one that was already lost."""
    lanes(browser, "own", own=["schedule.kind=constant"])
    for step in range(30):
        browser.run("at('step').click()")
        until(browser, f"live.film.frames.at(-1).step === {step + 1}", 5, "a step")
    # Beyond all bounds in one run.
    n = browser.run("live.film.layers[0].heads[0].raw.find(({ name }) => name === 'W_V').size.reduce((a, b) => a * b)")
    edit = json.dumps({"what": "matrix", "place": {"layer": 0, "head": 0, "matrix": "w_v"}, "values": [3e38] * n})
    browser.run(f"edit({edit})")
    until(browser, "live.kept.length === 1", 5, "the change")
    browser.run("at('step').click()")
    until(browser, "at('happened').textContent.includes('not finite')", 10, "a step with numbers beyond all bounds")
    assert browser.run("at('back').textContent") == "Back to step 26", browser.run("at('back').textContent")
    browser.run("at('back').click()")
    until(browser, "live.film.frames.at(-1).step === 26", 5, "the way back")
    assert browser.run(TOGETHER) and browser.run("live.kept.length") == 0 and browser.run("at('undo').disabled")
    browser.run("at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 27", 5, "a step from there")


def what_does_not_fit(browser):
    """A lane that cannot begin is named, and the runs before go on."""
    lanes(browser, "own", own=["model.score=dot"])
    before = browser.run("trainer.id")
    browser.run("at('lanes-third').value = 'model.d_k=-1', at('lanes-third').dispatchEvent(new Event('change'))")
    until(browser, "at('lanes-refused').textContent.includes('d_k')", 5, "the refusal of a lane")
    assert "d_k -1" in browser.run("at('happened').textContent")
    assert browser.run("trainer.id") == before and browser.run("live.lanes.length") == 2
    browser.run("at('lanes-third').value = '', at('step').click()")
    until(browser, "live.film.frames.at(-1).step === 1", 5, "a step of the runs before")
    # Each would fit, but not all.
    batch = "train.batch_size=300000"
    browser.run(f"at('lanes-second').value = '{batch}', at('lanes-third').value = '{batch}\\nseed=1', at('lanes-third').dispatchEvent(new Event('change'))")
    until(browser, "at('lanes-refused').textContent.includes('MiB')", 20, "three runs that are too large together")
    assert browser.run("at('lanes-refused').textContent").startswith("The 3 runs together would need about")
    assert browser.run("trainer.id") == before


def one_again(browser):
    """Back to one run, whose page is as it was."""
    lanes(browser, "one")
    assert browser.run("live.lanes.length === 1 && !document.body.classList.contains('with-lanes') && document.querySelector('.rail').hidden")


def on_a_phone(browser, folder):
    """The runs stand under one another, and nothing is wider than the page."""
    lanes(browser, "arms")
    for width in [390, 360]:
        browser.size(width, 844, 1)
        tops = "Array.from(document.querySelectorAll('.lane'), (one) => one.getBoundingClientRect())"
        until(browser, f"(([a, b]) => b.top >= a.bottom)({tops})", 5, "runs under one another")
        assert browser.run(f"{tops}.every(({{ height }}) => height < 100)")
        until(browser, f"document.documentElement.scrollWidth <= {width}", 5, f"a page of {width} pixels")
    browser.run("scrollTo(0, 0)")
    browser.picture(os.path.join(folder, "lanes-phone.png"), whole=True)
    browser.size(1280, 720, 1)


def cannot_run(browser, page, folder):
    """A browser that lacks something is told so, in a sentence."""
    with open(page) as file:
        text = file.read()
    # What is hidden, and what the page says then.
    for what, said in [("WebAssembly", "has no WebAssembly"), ("DecompressionStream", "has no DecompressionStream"), ("Worker", "has no worker")]:
        lacking = os.path.join(folder, f"without-{what}.html")
        with open(lacking, "w") as file:
            file.write(text.replace("<head>", f"<head><script>delete globalThis.{what}</script>", 1))
        browser.open(lacking, width=1280, height=720)
        until(browser, f"at('stage').textContent.includes('{said}')", 5, f"a browser without {what}")
        assert browser.run("at('play').disabled && at('happened').textContent === ''")
        assert browser.complaints() == [], browser.complaints()


def failed(browser):
    """A trainer that fails says so in a sentence, with the technical text behind it, and begins again."""
    lanes(browser, "arms")
    # One that fails as it begins leaves the runs before.
    browser.run("trainer.hear({ do: 'error', id: trainer.asked, kind: 'begin-panic', message: 'attempt to divide by zero' })")
    assert browser.run("at('happened').querySelector('details pre').textContent") == "attempt to divide by zero"
    browser.run("trainer.hear({ do: 'error', id: trainer.id, kind: 'panic', message: 'index out of bounds' })")
    assert browser.run("at('happened').firstChild.textContent").startswith("The trainer has failed")
    assert browser.run("at('happened').querySelector('details pre').textContent") == "index out of bounds"
    assert not browser.run("at('happened').querySelector('details').open")
    until(browser, "live.lanes.length === 3 && live.film !== null && live.film.frames.length === 1", 15, "the trainer that begins again")


def in_step(browser, binary, folder):
    arms(browser, binary, folder)
    switched(browser)
    moved_together(browser)
    in_the_address(browser)
    unlike(browser)
    begun_by_others(browser)
    lanes(browser, "arms")
    of_one_lane(browser, folder)
    scaled_and_unscaled(browser, binary, folder)
    not_finite(browser, folder)
    back_to_a_good_step(browser)
    what_does_not_fit(browser)
    failed(browser)
    on_a_phone(browser, folder)
    one_again(browser)
