"""The stage of a film: one screen, a pinned query, the address, the beats, a phone and print. `film.py` opens the page."""

import base64
import json
import math
import re


def to_step(browser, step):
    """Moves the film to a step."""
    browser.run(f"seek(film.frames.findIndex((frame) => frame.step === {step}))")
    assert step_now(browser) == step


def step_now(browser):
    """The step that the page names."""
    return int(re.match(r"Step (\d+)", browser.run("at('said').textContent")).group(1))


def wait(browser, milliseconds):
    browser.run(f"new Promise((done) => setTimeout(done, {milliseconds}))")


def box_of(browser, element):
    return browser.run(f"{element}.getBoundingClientRect().toJSON()")


def changed(page, name, change):
    """A copy of a page whose film is another one."""
    with open(page) as file:
        before, film, after = re.split(r'(?<=id="film">)(.*?)(?=</script>)', file.read(), maxsplit=1, flags=re.DOTALL)
    film = json.loads(film)
    change(film)
    copy = page.replace(".html", f"-{name}.html")
    with open(copy, "w") as file:
        file.write(before + json.dumps(film).replace("<", "\\u003c") + after)
    return copy


def traces_of(film):
    """Every part of the traces, with its name."""
    for trace in film["probes"][0]["traces"]:
        yield "x", trace["x"]
        for head in trace["heads"]:
            yield from head.items()
    yield "answers", film["probes"][0]["answers"]


def everything_is_on_one_screen(browser, page):
    """The page opens at step 0, at rest, and needs no scrolling to show all parts of the stage."""
    for width, height in [(1280, 720), (1280, 800), (1920, 1080)]:
        browser.open(page, width=width, height=height)
        wait(browser, 100)
        assert step_now(browser) == 0 and not browser.run("player.isPlaying")
        assert browser.run("document.documentElement.scrollWidth") <= width
        for part in [".topbar", ".token-strip", ".pipeline canvas", ".sentences", ".panel.map canvas", ".matrices", "#timeline", "#play"]:
            box = box_of(browser, f"document.querySelector('{part}')")
            assert box["height"] > 10 and 0 <= box["top"] and box["bottom"] <= height and box["right"] <= width, (part, box)
        for side in [".stage-left", ".stage-right"]:
            inner, outer = browser.run(f"[document.querySelector('{side}')].map((one) => [one.scrollHeight, one.clientHeight])[0]")
            assert inner <= outer, (width, height, side, inner, outer)


def a_pinned_query_stays_while_the_film_plays(browser):
    to_step(browser, 0)
    browser.run("document.querySelectorAll('.token')[3].click()")
    browser.run("document.activeElement.blur()")
    browser.point(1, 1)
    assert browser.run("stage.query") == 3
    browser.press(" ")
    # Another one that is pointed at is shown meanwhile, and gives way.
    box = box_of(browser, "document.querySelectorAll('.token')[5]")
    browser.point(box["left"] + 9, box["top"] + 9)
    assert browser.run("stage.query") == 5
    browser.point(1, 1)
    wait(browser, 600)
    assert browser.run("stage.query") == 3 and browser.run("player.isPlaying")
    assert browser.run("document.querySelectorAll('.token')[3].getAttribute('aria-pressed')") == "true"
    browser.press(" ")
    browser.press("Escape")
    assert browser.run("state.query") is None and browser.run("stage.query") == 0
    # The same in the map, by keyboard.
    browser.run("document.querySelector('.panel.map canvas').focus()")
    for key in ["ArrowDown", "ArrowDown", "ArrowDown", "Enter"]:
        browser.press(key)
    assert browser.run("state.query") == 2
    browser.run("document.activeElement.blur()")
    browser.press("Escape")


def the_address_holds_what_is_shown(browser, page):
    browser.open(page)
    to_step(browser, 35)
    browser.run("choose({ query: 4, head: 1, probe: 2, view: 'change' })")
    wait(browser, 600)
    address = browser.run("location.hash")
    assert "step=35" in address and "query=4" in address, address
    browser.open(page, fragment=address)
    wait(browser, 100)
    assert step_now(browser) == 35
    assert browser.run("[state.query, state.head, state.probe, state.view]") == [4, 1, 2, "change"]
    # An address by hand, of a step between two frames and of things that are not there.
    browser.run("location.hash = '#step=42&query=99&head=7&view=nonsense'")
    wait(browser, 200)
    assert step_now(browser) == 40 and browser.run("[state.query, state.head, state.view]") == [None, 1, "weights"]


def every_switch_does_something(browser, page):
    browser.open(page)
    to_step(browser, 60)
    shown = "Array.from(stage.matrices.pictures[0].cells.values)"
    values = {}
    for view in ["change", "gradient", "weights"]:
        browser.run(f"document.querySelector('[data-view={view}]').click()")
        assert browser.run(f"document.querySelector('[data-view={view}]').getAttribute('aria-checked')") == "true"
        values[view] = browser.run(shown)
    assert values["change"] != values["weights"]
    to_step(browser, 0)
    start = browser.run(shown)
    assert all(abs(w - s - c) < 1e-3 for w, s, c in zip(values["weights"], start, values["change"])), "the change is W less its start"
    browser.press("ArrowRight")
    browser.choose("speed", "4")
    browser.run("at('loop').click()")
    assert browser.run("[player.speed, player.isLoop]") == [4, True]
    browser.run("document.activeElement.blur()")
    browser.press("End")
    browser.press(" ")
    wait(browser, 3000)
    assert browser.run("player.isPlaying"), "a loop goes on"
    browser.press(" ")
    browser.run("at('loop').click()")
    # A click on the timeline and on the large curve seeks.
    for curve, share in [("at('timeline')", 0.5), ("document.querySelector('.over-steps')", 0.5)]:
        browser.run(f"seek(0), {curve}.scrollIntoView({{ block: 'center' }})")
        box = box_of(browser, curve)
        browser.click(box["left"] + share * box["width"], box["top"] + box["height"] / 2)
        assert 5 <= step_now(browser) <= 55, (curve, step_now(browser))
    browser.run("document.querySelectorAll('.chapter')[1].click()")
    assert browser.run("document.querySelectorAll('.chapter')[1].hasAttribute('aria-current')")


def a_step_is_shown_in_seven_beats(browser):
    to_step(browser, 20)
    browser.run("at('slow').click()")
    titles = []
    for beat in range(7):
        titles.append(browser.run("document.querySelector('.beat-title').textContent"))
        assert browser.run("document.querySelector('.beat-line').textContent").strip()
        assert browser.run("document.querySelectorAll('.stage .dim').length") > 0, "the other parts are faint"
        browser.run("[...document.querySelectorAll('.beat-buttons button')][1].click()")
    assert [title[:6] for title in titles] == [f"{n} of 7" for n in range(1, 8)], titles
    assert step_now(browser) == 25 and browser.run("document.querySelectorAll('.stage .dim').length") == 0
    browser.run("at('slow').click()")
    browser.press("Escape")
    assert browser.run("document.querySelector('.beats').hidden")
    # Frames are five steps apart, which is said.
    to_step(browser, 20)
    assert browser.run("at('slow').textContent") == "5 steps in slow motion"
    browser.run("at('slow').click(), beats.to(2, false)")
    assert "after 5 steps" in browser.run("beats.line.textContent"), browser.run("beats.line.textContent")
    # The loss before and after, each of the step that begins with these weights.
    browser.run("beats.to(6, false)")
    losses = dict(browser.run("film.log.losses"))
    told = browser.run("beats.line.textContent")
    assert all(browser.run(f"number({losses[step]})") in told for step in [21, 26]), told


def slow_motion_ends_where_a_reader_goes_elsewhere(browser):
    others = {"seek(at20 + 3)": 3, "choose({ query: 5 })": 0, "choose({ head: 1 })": 0, "choose({ view: 'change' })": 0, "location.hash = '#step=40'": 4}
    for other, moved in others.items():
        to_step(browser, 20)
        browser.run("at('slow').click(), beats.to(6, false)")
        assert browser.run("beats.isRunning && stage.state.after === state.frame + 1")
        browser.run(f"(() => {{ const at20 = state.frame; {other} }})()")
        wait(browser, 100)
        assert browser.run("[beats.isRunning, beats.root.hidden, stage.state.after, stage.state.lit]") == [False, True, None, None], other
        assert browser.run("[stage.state.view === state.view, stage.state.frame === state.frame]") == [True, True], other
        assert browser.run("film.frames[state.frame].step") == 20 + 5 * moved, other
    browser.run("choose({ query: null, head: 0, view: 'weights' })")


def frames_without_a_trace_do_not_stop_the_film(browser, page):
    """As of a run of an older version that went on: its first frames have maps alone."""

    def forget(film):
        for _, part in traces_of(film):
            part["frames"][:3] = [None] * 3

    browser.open(changed(page, "resumed", forget))
    assert browser.run("[stage.plane.isShown, stage.missing.hidden]") == [False, False]
    browser.choose("speed", "4")
    browser.run("player.play()")
    wait(browser, 2500)
    assert step_now(browser) == 60 and not browser.run("player.isPlaying")
    assert browser.run("[stage.plane.isShown, stage.missing.hidden]") == [True, True]


def numbers_that_are_none_are_not_called_hidden(browser, page):
    def broken(numbers, cells):
        n_bits = numbers.get("bits", 16)
        least = (-(2 ** (n_bits - 1))).to_bytes(n_bits // 8, "little", signed=True)
        values = bytearray(base64.b64decode(numbers["data"]))
        for i in cells:
            values[i * len(least) : (i + 1) * len(least)] = least
        numbers["data"] = base64.b64encode(values).decode()

    def diverge(film):
        for name, part in traces_of(film):
            n = part["size"][0] * part["size"][1]
            last = part["frames"][-1]
            # Key 1 is hidden from query 0, as by a mask; query 2 has diverged.
            if name == "scaled":
                broken(last, [1])
            if name in ["q", "scores", "scaled", "answers"]:
                row = n // part["size"][0]
                broken(last, range(2 * row, 3 * row))

    browser.open(changed(page, "diverged", diverge))
    to_step(browser, 60)
    told = [browser.run(f"inNumbers(stage.shown, {query}, 1, 'scaled')") for query in [0, 2]]
    assert " is hidden from " in told[0] and told[1].endswith("NaN or infinite"), told
    assert browser.run("stage.plane.isShown && Number.isFinite(stage.plane.limit)")
    browser.run("choose({ query: 2 })")
    said = browser.run("stage.words.textContent")
    assert "NaN or infinite" in said, said
    # Each cell of q and the scores has the colour of such numbers, and not that of its neighbour.
    colours = """(() => {
        const { pipeline } = stage;
        const copy = make('canvas', { width: pipeline.canvas.width, height: pipeline.canvas.height });
        const context = copy.getContext('2d', { willReadFrequently: true });
        context.drawImage(pipeline.canvas, 0, 0);
        const at = (x, y) => Array.from(context.getImageData(x * pipeline.ratio, y * pipeline.ratio, 1, 1).data).slice(0, 3);
        const k = pipeline.column('k'), scaled = pipeline.column('scaled');
        return [at(k.x + 4, pipeline.queryTop + 5), at(scaled.x + 4, pipeline.keysTop + 5)];
    })()"""
    assert browser.run(colours) == [[255, 0, 255]] * 2, browser.run(colours)


def runs_beside_each_other_move_together(browser):
    titles = browser.run("[...document.querySelectorAll('#variants .column h3')].map((one) => one.textContent)")
    assert titles == ["run", "frozen"], titles
    for step in [0, 60]:
        to_step(browser, step)
        shown = browser.run("[...document.querySelectorAll('#variants .column .readout')].map((one) => one.textContent)")
        assert all(text.startswith(f"step {step}") for text in shown) and len(shown) == 2, shown


def the_pipeline_is_what_attention_computes(browser, page):
    """Every column follows from those before it, within the rounding of numbers that travel as 16 bits."""
    browser.open(page)
    for step, query in [(0, 0), (60, 5)]:
        to_step(browser, step)
        browser.run(f"choose({{ query: {query} }})")
        row = {name: browser.run(f"Array.from(stage.moment.row('{name}', {query}))") for name in ["q", "scores", "scaled", "weights", "context", "answers"]}
        keys, values = (browser.run(f"Array.from({{ length: stage.moment.nKeys }}, (_, i) => Array.from(stage.moment.row('{name}', i)))") for name in ["k", "v"])
        scores = [sum(a * b for a, b in zip(row["q"], key)) for key in keys]
        close_to(row["scores"], scores, "q · k")
        close_to(row["scaled"], [score / math.sqrt(len(row["q"])) for score in row["scores"]], "scaled")
        powers = [math.exp(score) for score in row["scaled"]]
        close_to(row["weights"], [power / sum(powers) for power in powers], "softmax")
        context = [sum(weight * value[i] for weight, value in zip(row["weights"], values)) for i in range(len(values[0]))]
        close_to(row["context"], context, "context")
        assert abs(sum(row["answers"]) - 1) < 0.01, row["answers"]
        # The table behind the picture has the same numbers.
        browser.run("document.querySelector('#stage-table details').open = true")
        wait(browser, 50)
        shown = browser.run("[...document.querySelectorAll('#stage-table tbody')][0].querySelectorAll('tr').length")
        assert shown == len(keys), shown
        cells = browser.run("[...document.querySelectorAll('#stage-table tbody tr')][3].textContent")
        assert f"{row['weights'][3]:.3g}"[:5] in cells or f"{row['weights'][3]:.4g}"[:5] in cells, (row["weights"][3], cells)
    titles = browser.run("[...document.querySelectorAll('.heading .name')].map((one) => one.textContent)")
    assert sorted(titles) == sorted(["x", "q", "k", "scores", "scaled", "weights", "v", "context", "answer"]), titles
    # Other inputs have maps alone, which is said.
    browser.choose("probe", 1)
    assert browser.run("stage.missing.offsetParent !== null")


def close_to(shown, expected, what):
    most = max(map(abs, expected))
    for one, other in zip(shown, expected, strict=True):
        assert abs(one - other) <= 0.01 * most + 1e-3, (what, shown, expected)


def a_phone_scrolls_over_a_map(browser, page):
    browser.open(page, width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    browser.middle(".panel.map canvas")
    touched = "[...document.querySelectorAll('canvas[tabindex], #timeline')].map((one) => getComputedStyle(one).touchAction)"
    assert all("pan-y" in action or action == "auto" for action in browser.run(touched))
    if hasattr(browser, "swipe"):
        a_finger_moves_the_page(browser)
    # What stays on the screen takes little of it.
    assert box_of(browser, "at('transport')")["height"] <= 80


def a_finger_moves_the_page(browser):
    before = browser.run("scrollY")
    browser.swipe(*browser.middle(".panel.map canvas"), 200)
    assert browser.run("scrollY") > before + 100, "a finger on the map moves the page"


def print_has_no_controls(browser, page):
    browser.open(page)
    # What is said of print goes for the screen.
    browser.run("[...document.styleSheets[0].cssRules].filter((rule) => rule.media?.mediaText === 'print').forEach((rule) => (rule.media.mediaText = 'all'))")
    visible = "[...document.querySelectorAll('button, select, input')].filter((one) => one.offsetParent && !one.matches('.token, .chapter, .head, [role=radio]')).map((one) => one.outerHTML)"
    assert browser.run(visible) == [], browser.run(visible)
    assert browser.run("[...document.querySelectorAll('.chapter')].filter((one) => one.offsetParent).length") == 6
    browser.pdf(page.replace(".html", ".pdf"))
    browser.open(page)


def check(browser, page):
    for one in [
        lambda: everything_is_on_one_screen(browser, page),
        lambda: a_pinned_query_stays_while_the_film_plays(browser),
        lambda: the_address_holds_what_is_shown(browser, page),
        lambda: every_switch_does_something(browser, page),
        lambda: a_step_is_shown_in_seven_beats(browser),
        lambda: slow_motion_ends_where_a_reader_goes_elsewhere(browser),
        lambda: runs_beside_each_other_move_together(browser),
        lambda: the_pipeline_is_what_attention_computes(browser, page),
        lambda: frames_without_a_trace_do_not_stop_the_film(browser, page),
        lambda: numbers_that_are_none_are_not_called_hidden(browser, page),
        lambda: a_phone_scrolls_over_a_map(browser, page),
        lambda: print_has_no_controls(browser, page),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
