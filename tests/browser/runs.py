"""Opens the comparison of a study in a browser with the network off, uses it, and compares what it shows with the runs.

    python3 tests/browser/runs.py [--browser chromium|firefox] QKV FOLDER

QKV is the binary. FOLDER gets a study of two keys and two seeds, its page and the screenshots.
"""

import json
import os
import re
import subprocess

import drawing
from browser import arguments

STUDY = """
[task]
name = "reverse"
seq_len = 4
[train]
steps = 60
eval_every = 10
eval_examples = 100
snapshot_every = 0
[sweep]
seed = [0, 1]
model.projections = ["none", "learned"]
optimizer.lr = [0.001, 0.01, 0.1]
"""

EVIL = "<img src=x onerror=alert(1)>"


def qkv(binary, *arguments):
    return subprocess.run([binary, *arguments], check=True, capture_output=True, text=True).stdout


def train_and_compare(binary, folder):
    study, runs, page = (os.path.join(folder, name) for name in ["study.toml", "study", "study.html"])
    with open(study, "w") as file:
        file.write(STUDY)
    qkv(binary, "sweep", study, "--out", runs)
    evil = os.path.join(runs, EVIL)
    qkv(binary, "train", "reverse", "--quiet", "--steps", "9", "--stop-after", "2", "--out", evil)
    first = next(name for name in sorted(os.listdir(runs)) if "lr=0.01" in name and "learned" in name)
    qkv(binary, "report", os.path.join(runs, first))
    compared = qkv(binary, "compare", runs, "--seeds", "--json", "--threshold", "0.5", "--out", page)
    return page, [json.loads(line) for line in compared.splitlines()]


def mean(values):
    return sum(values) / len(values)


def close(shown, expected, what):
    assert abs(shown - expected) <= 6e-4 * max(abs(expected), 1e-3), f"{what}: the page shows {shown}, expected {expected}"


def numbers(browser, section):
    """The rows of the table below the pictures of a section, opened as a user does."""
    browser.run(f"document.querySelectorAll('#{section} summary').forEach((one) => one.parentElement.open || one.click())")
    browser.run("new Promise((done) => setTimeout(done, 100))")
    rows = f"[...document.querySelectorAll('#{section} figure:last-of-type tbody tr')]"
    return browser.run(f"{rows}.map((row) => [...row.children].map((cell) => cell.textContent))")


def words(settings):
    return {key: str(value) for key, value in settings.items()}


def figure(run, name):
    return run[name] if name in ["phase_change", "steps", "seconds"] else run["figures"][name]


def cells_of_the_heat_map_are_means_over_the_runs(browser, runs):
    names = browser.run("study.figures.map(({ name }) => name)")
    keys = browser.run("study.keys.map(({ name }) => name)")
    assert keys == ["model.projections", "optimizer.lr"], keys
    for index, name in enumerate(names):
        browser.choose("figure", index)
        for rows, columns in [(0, 1), (1, 0)]:
            browser.choose("rows", rows)
            browser.choose("columns", columns)
            values = [browser.run(f"study.keys[{key}].values") for key in [rows, columns]]
            picture = "document.querySelector('#pairs canvas[tabindex]')"
            for row, column in [(0, 0), (len(values[0]) - 1, len(values[1]) - 1)]:
                browser.run(f"{picture}.blur(), {picture}.focus()")
                for key, times in [("ArrowDown", row + 1), ("ArrowRight", column)]:
                    for _ in range(times):
                        browser.press(key)
                said = browser.run("document.querySelector('#pairs .where').textContent")
                wanted = {keys[rows]: values[0][row], keys[columns]: values[1][column]}
                found = [figure(run, name) for run in runs if words(run["settings"]) == wanted]
                known = [value for value in found if value is not None]
                assert said.endswith(f"{len(known)} of {len(found)} runs"), said
                if known:
                    shown = re.search(r": [a-z ]+ (\S+), \d+ of", said).group(1)
                    close(float(shown), mean(known), said)


def every_run_is_a_dot_and_every_setting_a_row(browser, runs):
    browser.choose("figure", 0)
    assert browser.run("document.querySelectorAll('#spread .dot').length") == len(runs)
    rows = numbers(browser, "spread")
    assert sorted(float(row[2]) for row in rows) == sorted(float(f"{figure(run, 'accuracy'):.4g}") for run in runs)
    assert len(numbers(browser, "parallel")) == 6
    assert browser.run("document.querySelectorAll('#parallel g.setting').length") == 6
    dots = browser.run("document.querySelectorAll('#phase .dot').length")
    rings = browser.run("document.querySelectorAll('#phase .open').length")
    assert (dots, rings) == (len(runs), sum(run["phase_change"] is None for run in runs)), (dots, rings)
    browser.choose("along", 1)
    for value, passed, *steps in numbers(browser, "phase"):
        of_value = [run["phase_change"] for run in runs if str(run["settings"]["optimizer.lr"]) == value]
        known = [step for step in of_value if step is not None]
        assert passed == f"{len(known)} of {len(of_value)}", (value, passed)
        if known:
            shown = [float(step) for step in steps]
            for one, expected in zip(shown, [mean(known), min(known), max(known)]):
                close(one, expected, value)


def curves_are_means_of_the_logs(browser, runs):
    browser.choose("figure", 0)
    wanted = {"model.projections": "learned", "optimizer.lr": "0.01"}
    setting = browser.run("study.settings.findIndex((one) => valueOf(one, 0) === 'learned' && valueOf(one, 1) === '0.01')")
    browser.choose("setting", setting)
    logs = []
    for run in runs:
        if words(run["settings"]) == wanted:
            with open(os.path.join(run["path"], "metrics.jsonl")) as log:
                events = map(json.loads, log)
                logs.append({event["step"]: event["accuracy"] for event in events if event["event"] == "eval"})
    rows = numbers(browser, "curves")
    assert [int(row[1]) for row in rows] == [10, 20, 30, 40, 50, 60], rows
    for _, step, *shown in rows:
        found = [log[int(step)] for log in logs]
        for one, expected in zip(shown, [mean(found), min(found), max(found)]):
            close(float(one), expected, f"step {step}")


def a_setting_stands_out_while_it_is_pointed_at_and_until_escape_when_chosen(browser):
    browser.choose("setting", -1)
    outside = "document.querySelectorAll('#parallel g.setting:not(.out)').length"
    browser.run("document.querySelectorAll('#legend button')[3].focus()")
    assert browser.run(outside) == 5
    name = browser.run("settingName(study.settings[3])")
    assert all(text.startswith(name) for text in browser.run("[...document.querySelectorAll('.pointed')].map((one) => one.textContent)"))
    browser.run("document.activeElement.blur()")
    assert browser.run(outside) == 6
    browser.run("document.querySelector('#curves').scrollIntoView()")
    # A box has the width of its line in some browsers, and not in others; its first point is the same in all.
    line = "document.querySelector('#curves g.setting[data-setting=\"0\"] polyline.near')"
    x, y = browser.run(f"[{line}].map((one) => one.points[0].matrixTransform(one.getScreenCTM())).flatMap(({{ x, y }}) => [x, y])")
    browser.point(x + 1, y)
    assert browser.run("document.querySelectorAll('#spread .out').length") == 2
    browser.point(2, 2)
    assert browser.run("document.querySelectorAll('.out').length") == 0
    browser.run("document.querySelectorAll('#legend button')[2].click()")
    assert browser.run("at('setting').value") == "2"
    assert browser.run(outside) == 5
    assert browser.run("document.querySelectorAll('#legend button')[2].getAttribute('aria-pressed')") == "true"
    browser.press("Escape")
    assert browser.run("document.querySelectorAll('.out').length") == 0
    assert browser.run("[...document.querySelectorAll('svg[role=img], canvas[role=img]')].every((one) => one.getAttribute('aria-label'))")


def links_and_hostile_names(browser):
    links = browser.run("[...document.querySelectorAll('#runs-table a')].map((one) => one.getAttribute('href'))")
    assert len(links) == 1 and links[0].startswith("study/") and links[0].endswith("/report.html"), links
    assert browser.run("document.querySelector('#left-out-table tbody').textContent.includes('onerror')")
    assert browser.run("document.images.length") == 0


def a_narrow_page_is_readable(browser, page):
    browser.open(page, width=360)
    assert browser.run("document.documentElement.scrollWidth") <= 360
    letters = "[...document.querySelectorAll('#curves text, #phase text')].filter((one) => one.textContent).map((one) => one.getBoundingClientRect().toJSON())"
    for box in browser.run(letters):
        assert box["height"] >= 9 and box["left"] >= 0 and box["right"] <= 360, box
    assert browser.complaints() == [], browser.complaints()


def main():
    start, binary, folder = arguments(__doc__, "binary", "folder")
    os.makedirs(folder, exist_ok=True)
    page, lines = train_and_compare(os.path.abspath(binary), folder)
    runs = [line for line in lines if "left_out" not in line]
    assert (len(runs), len(lines)) == (12, 13), lines
    with start() as browser:
        browser.colours("light")
        browser.open(page)
        print(f"{os.path.getsize(page) / 1000:.0f} kB")
        cells_of_the_heat_map_are_means_over_the_runs(browser, runs)
        every_run_is_a_dot_and_every_setting_a_row(browser, runs)
        curves_are_means_of_the_logs(browser, runs)
        assert browser.complaints() == [], browser.complaints()
        drawing.check(browser, page)
        a_setting_stands_out_while_it_is_pointed_at_and_until_escape_when_chosen(browser)
        links_and_hostile_names(browser)
        assert browser.complaints() == [], browser.complaints()
        for scheme in ["light", "dark"]:
            browser.colours(scheme)
            browser.open(page)
            assert browser.complaints() == [], browser.complaints()
            browser.picture(os.path.join(folder, f"runs-{scheme}.png"))
        a_narrow_page_is_readable(browser, page)
    print("the page shows what the runs are")


if __name__ == "__main__":
    main()
