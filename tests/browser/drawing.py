"""How the pictures of a comparison are drawn: lines, numbers at their ends, dots and axes. `runs.py` opens the page."""

import json


def every_line_is_told_apart(browser):
    strokes = browser.run(
        "[...document.querySelectorAll('#legend .setting line')].map((one) => getComputedStyle(one).stroke + getComputedStyle(one).strokeDasharray)"
    )
    assert len(set(strokes)) == 6, strokes
    accuracies = browser.run("study.settings.map((setting) => setting.figures[0].mean)")
    assert accuracies == sorted(accuracies, reverse=True), accuracies
    strokes = browser.run("Array.from({ length: 36 }, (_, place) => `${place % TONES} ${dash({ place })}`)")
    assert len(set(strokes)) == 36, strokes


def numbers_stand_at_the_ends_of_their_lines(browser, page):
    line = "[one.querySelector('polyline:not(.near)').points].map((points) => points[points.length - 1].y)[0]"
    ends = f"[...document.querySelectorAll('#curves figure:last-of-type g.setting')].filter((one) => one.querySelector('text')).map((one) => [one.querySelector('text').textContent, Number(one.querySelector('text').getAttribute('y')), {line}])"
    # The middle of a number is four units above its foot.
    height, middle = browser.run("NUMBER"), 4

    def shown(change):
        """What stands at the ends of the lines once their curves have changed, from top to bottom."""
        browser.open(page)
        browser.choose("figure", 0)
        browser.run(f"study.settings.forEach((setting, i) => {{ const curve = setting.curves[figure().curve]; {change} }}), show()")
        found = sorted(browser.run(ends), key=lambda one: one[1])
        for name, y, end in found:
            assert abs(y - middle - end) <= 2 * height, (name, y, end)
        return [name for name, _, _ in found]

    assert "1" in shown(""), "the best is named"
    # All at the top: as many as there is room for, the best above.
    assert shown("for (const part of ['mean', 'least', 'most']) curve[part].fill(1);") == list("123")
    # At another step there is room at the same height.
    short = "if (i >= 3) for (const part of ['steps', 'mean', 'least', 'most']) curve[part] = curve[part].slice(0, 3); "
    found = shown(short + "for (const part of ['mean', 'least', 'most']) curve[part].fill(1);")
    assert sorted(found) == list("123456"), found
    apart = "for (const part of ['mean', 'least', 'most']) curve[part].fill(i / 5);"
    assert shown(apart) == list("654321")
    browser.open(page)


def a_line_stands_above_the_others_only_while_it_stands_out(browser):
    order = "[...document.querySelectorAll('#curves figure:last-of-type g.setting')].map((one) => one.dataset.setting)"
    assert browser.run(order) == list("543210")
    for place in [3, 4]:
        browser.run(f"document.querySelectorAll('#legend button')[{place}].focus()")
        rest = [other for other in "543210" if other != str(place)]
        assert browser.run(order) == [*rest, str(place)]
    browser.run("document.activeElement.blur()")
    assert browser.run(order) == list("543210")


def a_value_between_two_gaps_is_a_dot(browser, page):
    assert browser.run("document.querySelectorAll('#parallel circle').length") == 0
    browser.run("study.settings[2].figures[0] = study.settings[2].figures[2] = null, show()")
    assert browser.run("document.querySelectorAll('#parallel g[data-setting=\"2\"] circle').length") == 1
    browser.open(page)


def axes_have_round_ends(browser):
    for values, ticks in [
        ([0.0965, 0.2502], [0, 0.1, 0.2, 0.3]),
        ([2.127, 2.661], [2, 2.2, 2.4, 2.6, 2.8]),
        ([8, 8], [0, 2, 4, 6, 8]),
        ([-3, -1], [-3, -2, -1, 0]),
        ([-1, 3], [-1, 0, 1, 2, 3]),
        ([0, 0, None], [0, 1]),
        ([0, 1], [0, 0.5, 1]),
        ([3e-7, 9e-7], [0, 5e-7, 1e-6]),
        ([2.302585, 2.302586], [2.302585, 2.3025855, 2.302586]),
        ([1234567, 1234569], [1234567, 1234567.5, 1234568, 1234568.5, 1234569]),
        ([7, 7 + 1e-13], [0, 2, 4, 6, 8]),
        ([1e-150, 2e-150], [1e-150, 1.5e-150, 2e-150]),
    ]:
        shown = browser.run(f"ticksOf({json.dumps(values)})")
        assert shown == ticks, (values, shown)
    # No figure is left out, and one that is the same everywhere has one tick.
    steps = browser.run("study.figures.findIndex(({ name }) => name === 'steps')")
    for index, told in [(steps, True), (0, False)]:
        browser.choose("figure", index)
        assert ("there is no curve" in browser.run("at('curves').textContent")) == told, index
    titles = browser.run("[...document.querySelectorAll('#parallel text.title')].map((one) => one.firstChild.data)")
    assert titles[2:] == browser.run("study.figures.map(({ title }) => cut(title, 17))"), titles
    ticks = browser.run("axisOfFigure({ title: 'steps' }, study.figures.findIndex(({ name }) => name === 'steps'))[0].ticks")
    assert ticks == [[0.5, "60"]], ticks
    for values, texts in [([0.25, 0.5], ["0.2500", "0.5000"]), ([2.3883, 2.38831], ["2.38830", "2.38831"]), ([3], ["3"])]:
        shown = browser.run(f"told({json.dumps(values)})")
        assert shown == texts, (values, shown)


def figures_that_hardly_differ_have_a_picture(browser, page):
    browser.run("study.runs.forEach((run, i) => (run.figures[0] = 2.302585 + 1e-6 * (i % 2))), show()")
    places = browser.run("[...document.querySelectorAll('#spread circle, #spread line')].flatMap((one) => [...one.attributes]).filter(({ name }) => /^(c?x|y)/.test(name)).map(({ value }) => value)")
    assert len(places) > 24 and not {"NaN", "Infinity"} & set(places), places
    assert len(set(browser.run("[...document.querySelectorAll('#spread circle')].map((one) => one.getAttribute('cx'))"))) == 2
    assert browser.complaints() == [], browser.complaints()
    browser.open(page)


def keys_of_a_parent_are_named_so(browser):
    names = ["optimizer.lr", "parent.optimizer.lr", "parent.parent.train.steps", "task.seq_len", "model.seq_len"]
    wanted = ["lr", "parent lr", "parent parent steps", "task.seq_len", "model.seq_len"]
    keys = browser.run(f"study.keys.splice(0, 9, ...{json.dumps(names)}.map((name) => ({{ name, values: [] }})))")
    assert keys, "the keys that were there"
    assert browser.run("study.keys.map(shortName)") == wanted


def check(browser, page):
    every_line_is_told_apart(browser)
    numbers_stand_at_the_ends_of_their_lines(browser, page)
    a_line_stands_above_the_others_only_while_it_stands_out(browser)
    a_value_between_two_gaps_is_a_dot(browser, page)
    axes_have_round_ends(browser)
    figures_that_hardly_differ_have_a_picture(browser, page)
    keys_of_a_parent_are_named_so(browser)
    assert browser.complaints() == [], browser.complaints()
    browser.open(page)
