"""The stage of a film: one screen, a pinned query, the address, the beats, a phone and print. `film.py` opens the page."""

import math
import os
import re
import xml.etree.ElementTree as ET


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
    # What plays, and how, and the gauge.
    browser.open(page, fragment="#step=5&head=1&gauge=main&speed=0.5&loop=1&keys=off")
    assert browser.run("[state.gauge, player.speed, player.isLoop, at('keys').checked]") == [True, 0.5, True, False]
    browser.press(".")
    assert step_now(browser) == 5, "letters and signs are off"
    browser.press("ArrowRight")
    assert step_now(browser) == 10
    browser.choose("speed", "2")
    browser.run("at('loop').click(), at('keys').click(), choose({ gauge: false })")
    wait(browser, 600)
    address = browser.run("location.hash")
    assert "speed=2" in address and not re.search("gauge|loop|keys", address), address
    browser.run("document.activeElement.blur()")
    browser.press(".")
    assert step_now(browser) == 15
    # An address by hand, of a step between two frames and of things that are not there.
    browser.run("location.hash = '#step=42&query=99&head=7&view=nonsense'")
    wait(browser, 200)
    assert step_now(browser) == 40 and browser.run("[state.query, state.head, state.view]") == [None, 1, "weights"]


def keys_reach_everything(browser, page):
    browser.open(page)
    assert browser.run("document.querySelector('main .stage') !== null && document.querySelectorAll('main').length === 1")
    to_step(browser, 20)
    browser.run("at('timeline').focus()")
    for key, step in [("ArrowUp", 25), ("ArrowDown", 20), ("PageUp", 25), ("PageDown", 20), ("Home", 0), ("End", 60)]:
        browser.press(key)
        assert step_now(browser) == step, (key, step_now(browser))
    # The row of the query, above those of the keys: its x and its q.
    browser.run("choose({ query: 3 }), document.querySelector('.pipeline canvas').focus()")
    told = []
    for key in ["ArrowDown", "ArrowUp", "ArrowRight", "ArrowRight", "ArrowDown"]:
        browser.press(key)
        told.append(browser.run("stage.where.textContent"))
    name = browser.run("stage.moment.queryName(3)")
    starts = [f"x of {name}: ", f"q of {name}: ", f"q of {name}: ", f"k of {browser.run('stage.moment.keyName(0)')}: "]
    assert all(text.startswith(start) for text, start in zip(told[1:], starts, strict=True)), told
    box = box_of(browser, "document.querySelector('.pipeline canvas')")
    x, y = browser.run("[stage.pipeline.column('k').x + 5, stage.pipeline.queryTop + 9]")
    browser.point(box["left"] + x, box["top"] + y)
    assert browser.run("stage.where.textContent").startswith(f"q of {name}: ")
    browser.point(1, 1)
    # The table has whole vectors, and the view of the matrices that is shown.
    browser.run("document.querySelectorAll('#stage-table details').forEach((one) => one.open = true), choose({ view: 'gradient' })")
    wait(browser, 100)
    cells = "[...document.querySelectorAll('#stage-table tbody tr')].find((line) => line.firstChild.textContent === 'q').lastChild.textContent.split(', ').length"
    assert browser.run(cells) == browser.run("stage.moment.size('q')[1]") > 8
    shown = browser.run("[...document.querySelectorAll('#stage-table details details tbody')][1].rows[2].cells[3].textContent")
    assert shown == browser.run("number(cellsOf(stage.moment.matrix('W_K'), stage.moment.matrix('W_K').frames.at(-1).gradient)[2 * 16 + 2])"), shown
    browser.run("choose({ query: null, view: 'weights' })")


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
    # At twice the size speed, loop and slow motion are still there.
    browser.open(page, width=640, height=360)
    assert browser.run("document.documentElement.scrollWidth") <= 640
    controls = "['#speed', '#loop', '.beats-start'].map((one) => document.querySelector(one).offsetParent !== null)"
    assert browser.run(controls) == [True] * 3, browser.run(controls)
    browser.open(page, width=1280, height=720)
    assert browser.run("at('transport').contains(at('speed'))")


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


def pictures_can_be_taken_along(browser, page):
    for kind, least in [("map", 16), ("matrices", 16), ("pipeline", 16)]:
        browser.run(f"at('picture').value = '{kind}'")
        path = browser.download(os.path.dirname(page), "at('picture-svg').click()")
        tags = [element.tag.split("}")[1] for element in ET.parse(path).getroot().iter()]
        assert tags.count("rect") >= least and "image" not in tags, (kind, tags)
        caption = browser.run("captionOf(stage)")
        assert caption in ET.parse(path).getroot()[0].text


def check(browser, page):
    for one in [
        lambda: everything_is_on_one_screen(browser, page),
        lambda: a_pinned_query_stays_while_the_film_plays(browser),
        lambda: the_address_holds_what_is_shown(browser, page),
        lambda: keys_reach_everything(browser, page),
        lambda: every_switch_does_something(browser, page),
        lambda: runs_beside_each_other_move_together(browser),
        lambda: the_pipeline_is_what_attention_computes(browser, page),
        lambda: a_phone_scrolls_over_a_map(browser, page),
        lambda: print_has_no_controls(browser, page),
        lambda: pictures_can_be_taken_along(browser, page),
    ]:
        one()
        assert browser.complaints() == [], browser.complaints()
