"""Opens the film of a run in a browser with the network off, uses it, and compares what it shows with the run's files.

    python3 tests/browser/film.py [--browser chromium|firefox] QKV FOLDER

QKV is the binary. FOLDER gets a run of two heads, another variant, their report and the screenshots.
"""

import json
import math
import os
import re
import struct
import subprocess

import altered_film
import printed
import slow_motion
import stage
from browser import arguments
from stage import step_now, to_step, wait

LAYER = "blocks.0.attention"
# With 40 symbols, QK from token to token is larger than its factors, so that the page gets these; with 8 positions, QK
# from position to position is not.
TRAIN = "train reverse --quiet --set model.n_heads=2 --set task.seq_len=8 --set task.n_symbols=40 --set train.steps=60 --set train.snapshot_every=5"

# The entry may come after the load event.
FIRST_PAINT = """new Promise((done) => {
    const look = (list) => list.getEntriesByName('first-contentful-paint').forEach((entry) => done(entry.startTime));
    new PerformanceObserver(look).observe({type: 'paint', buffered: true});
})"""

# Four digits are shown, and a value travels as 16 bits of the largest one.
ROUNDING = 0.006


def tensors(path):
    """The tensors of a safetensors file, as shape and values."""
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            found[name] = (entry["shape"], struct.unpack(f"<{(end - start) // 4}f", data[start:end]))
    return found


def head(tensor, index, n_heads):
    """The columns of one head, row by row."""
    [rows, columns], values = tensor
    width = columns // n_heads
    return [values[row * columns + index * width : row * columns + (index + 1) * width] for row in range(rows)]


def close(shown, expected, what):
    size = max(abs(expected), 1e-3)
    assert abs(shown - expected) <= ROUNDING * size, f"{what}: the page shows {shown}, the file has {expected}"


def last_number(text):
    return float(re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", text)[-1])


def cell_by_keys(browser, section, index, row, column):
    """Moves to a cell of a picture with the arrow keys and returns what the page says of it."""
    picture = f"document.querySelectorAll('#{section} canvas[tabindex]')[{index}]"
    browser.run(f"{picture}.blur(), {picture}.focus()")
    for key, times in [("ArrowDown", row + 1), ("ArrowRight", column)]:
        for _ in range(times):
            browser.press(key)
    return browser.run(f"document.querySelectorAll('#{section} figure .where')[{index}].textContent")


def cell_by_mouse(browser, section, index):
    """Points at the middle of a picture and returns what the page says of the cell there."""
    picture = f"document.querySelectorAll('#{section} canvas[tabindex]')[{index}]"
    box = browser.run(f"{picture}.scrollIntoView({{block: 'center'}}), {picture}.getBoundingClientRect().toJSON()")
    browser.point(1, 1)
    browser.point(box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    return browser.run(f"document.querySelectorAll('#{section} figure .where')[{index}].textContent")


def map_agrees(said, weights, probe, head_index, n_heads):
    """Whether `query 3: a gives 12.5 % of its attention to key 4: b` is what the file says."""
    query, share, key = re.fullmatch(r"query (\d+): .* gives (.*)\u00a0% of its attention to key (\d+): .*", said).groups()
    [_, heads, q_len, k_len], values = weights
    assert heads == n_heads
    place = ((probe * heads + head_index) * q_len + int(query)) * k_len + int(key)
    assert abs(float(share) - 100 * values[place]) <= 0.06, f"{said}; the file has {values[place]}"


def matrix_agrees(said, name, rows):
    """Whether `W_Q, d_in 3, d_k 5: 0.25` is what the file says."""
    shown, row, column = re.fullmatch(r"(\S+), d_in (\d+), d_[kv] (\d+): .*", said).groups()
    assert shown == name, f"{said} is not about {name}"
    close(last_number(said), rows[int(row)][int(column)], said)


def train_and_report(qkv, folder):
    run, frozen = os.path.join(folder, "run"), os.path.join(folder, "frozen")
    for variant, more in [(run, []), (frozen, ["--set", "model.projections=frozen"])]:
        subprocess.run([qkv, *TRAIN.split(), "--out", variant, *more], check=True)
    page = os.path.join(folder, "report.html")
    subprocess.run([qkv, "report", run, "--with", frozen, "--out", page], check=True, stdout=subprocess.DEVNULL)
    inspected = subprocess.run([qkv, "inspect", run], check=True, capture_output=True, text=True).stdout
    return run, page, inspected


def steps_heads_and_inputs_show_what_the_files_hold(browser, run):
    for step in [60, 0, 25]:
        to_step(browser, step)
        file = tensors(os.path.join(run, f"snapshots/step-{step:08}.safetensors"))
        for index in [0, 1]:
            browser.choose("head", index)
            for number, name in enumerate(["w_q", "w_k", "w_v"]):
                rows = head(file[f"{LAYER}.{name}"], index, 2)
                matrix_agrees(cell_by_keys(browser, "matrices", number, 3, 5), name.upper(), rows)
                matrix_agrees(cell_by_mouse(browser, "matrices", number), name.upper(), rows)
            for probe in [0, 2]:
                browser.choose("probe", probe)
                weights = file[f"{LAYER}.weights"]
                map_agrees(cell_by_keys(browser, "map", 0, 7, 2), weights, probe, index, 2)
                map_agrees(cell_by_mouse(browser, "map", 0), weights, probe, index, 2)


def circuits_are_the_products_of_what_the_files_hold(browser, run):
    to_step(browser, 60)
    browser.choose("head", 1)
    file = tensors(os.path.join(run, "snapshots/step-00000060.safetensors"))
    with open(os.path.join(run, "checkpoints/step-00000060/config.json")) as config:
        labels = json.load(config)["vocabulary"]
    (_, d_model), table = file["embedding.table"]
    w_q, w_k = (head(file[f"{LAYER}.{name}"], 1, 2) for name in ["w_q", "w_k"])
    tokens = [table[i : i + d_model] for i in range(0, len(table), d_model)]

    def wave(t, i):
        return (math.cos if i % 2 else math.sin)(t / 10_000 ** ((i - i % 2) / d_model))

    positions = [[wave(t, i) for i in range(d_model)] for t in range(8)]

    def project(x, w):
        return [sum(x[i] * w[i][j] for i in range(d_model)) for j in range(len(w[0]))]

    def agrees(index, name, vectors, query, key, called):
        q = project(vectors[query], w_q)
        scores = [sum(a * b for a, b in zip(q, project(vector, w_k))) for vector in vectors]
        # The softmax ignores what a whole row has in common.
        expected = scores[key] - sum(scores) / len(scores)
        said = cell_by_keys(browser, "circuits", index, query, key)
        assert said.startswith(f"QK, {name} by {name}, query {name} {called[0]}, key {name} {called[1]}: "), said
        # The page may multiply factors of 16 bits each.
        assert abs(last_number(said) - expected) <= 0.01 * max(abs(expected), 0.1), f"{said}; expected {expected}"

    for query, key in [(3, 5), (39, 0)]:
        agrees(0, "token", tokens, query, key, [labels[query], labels[key]])
    for query, key in [(0, 7), (5, 2)]:
        agrees(1, "position", positions, query, key, [query, key])
    assert browser.run("chosenHead().circuits.map((one) => Boolean(one.frames.find(Boolean).factor_limits))")[:2] == [True, False]


def norms_and_singular_values_are_those_of_inspect(browser, inspected):
    to_step(browser, 60)
    for index, section in enumerate(inspected.split(f"{LAYER}, head ")[1:3]):
        browser.choose("head", index)
        for number, name in enumerate(["W_Q", "W_K", "W_V"]):
            figures = re.search(rf"^  {name} +\d+ × \d+ +(.*)$", section, re.MULTILINE).group(1).split()
            norm, first = float(figures[0]), float(figures[3])
            caption = browser.run(f"document.querySelectorAll('#matrices figcaption')[{number}].textContent")
            close(float(re.search(r"norm (\S+?)[,;]", caption).group(1)), norm, caption)
            shown = browser.run(f"document.querySelectorAll('#matrices .values')[{number}].querySelector('td').textContent")
            close(float(shown), first, f"largest singular value of {name}")


def the_gauge_changes_the_matrices_and_not_the_map(browser):
    before = [cell_by_keys(browser, section, 0, 2, 2) for section in ["map", "matrices"]]
    browser.run("stage.matrices.gauge.click()")
    after = [cell_by_keys(browser, section, 0, 2, 2) for section in ["map", "matrices"]]
    assert before[0] == after[0] and before[1] != after[1], (before, after)
    assert "singular value decomposition" in browser.run("at('gauge-said').textContent")
    browser.run("stage.matrices.gauge.click()")
    assert cell_by_keys(browser, "matrices", 0, 2, 2) == before[1]


def a_token_shows_what_it_attends_to(browser):
    # Focus may scroll the page under the mouse.
    browser.point(1, 1)
    browser.run("document.querySelectorAll('.token')[2].focus()")
    said = browser.run("stage.words.textContent")
    name, shares = browser.run("stage.moment.queryName(2)"), browser.run("Array.from(stage.moment.row('weights', 2))")
    assert said.startswith(f"Query {name} ") and "prefers" in said, said
    widths = browser.run("[...document.querySelectorAll('.token i')].map((bar) => parseFloat(bar.style.width) / 100)")
    assert all(abs(width - share) < 1e-3 for width, share in zip(widths, shares)), (widths, shares)
    browser.run("document.activeElement.blur()")


def keys_move_the_film_and_space_plays_it(browser):
    to_step(browser, 30)
    browser.run("document.activeElement.blur()")
    browser.press("ArrowRight")
    assert step_now(browser) == 35
    browser.press(",")
    assert step_now(browser) == 30
    browser.press("Home")
    assert step_now(browser) == 0
    browser.press(" ")
    wait(browser, 1500)
    browser.press(" ")
    assert step_now(browser) >= 5
    assert browser.run("at('play').textContent.trim()") == "Play"


def heads_can_be_clicked_and_pictures_have_tables(browser):
    browser.run("document.querySelectorAll('.head')[1].click()")
    assert browser.run("at('head').value") == "1"
    browser.run("document.querySelectorAll('#map details, #matrices details').forEach((one) => one.open = true)")
    browser.run("new Promise((done) => setTimeout(done, 100))")
    assert browser.run("document.querySelectorAll('#map figure details tbody tr').length") == 8
    assert browser.run("document.querySelectorAll('#matrices figure:first-of-type details tbody tr').length") >= 32
    unnamed = "[...document.querySelectorAll('canvas[role=img]')].filter((one) => one.offsetParent && !one.getAttribute('aria-label')).length"
    assert browser.run(unnamed) == 0


def a_narrow_page_is_readable_and_tables_scroll_alone(browser, page):
    browser.open(page, width=420)
    assert browser.run("document.documentElement.scrollWidth") <= 420
    tables = "[...document.querySelectorAll('table')].filter((one) => !one.closest('.scroll'))"
    assert browser.run(f"Math.max(...{tables}.map((one) => one.getBoundingClientRect().right))") <= 420
    assert browser.run("document.querySelector('.shapes').closest('.scroll') !== null")
    letters = "[...document.querySelectorAll('.over-steps text')].map((one) => one.getBoundingClientRect().toJSON())"
    for box in browser.run(letters):
        assert box["height"] >= 10 and box["left"] >= 0 and box["right"] <= 420, box
    legend = browser.run("document.querySelector('.legend').textContent")
    assert "accuracy on held-out answers of run" in legend, legend
    # Nothing breaks between a number and its sign.
    assert not re.search(r"\d[ \n]%", browser.run("document.body.innerText"))
    assert browser.complaints() == [], browser.complaints()


def a_token_that_looks_like_markup_stays_text(browser, qkv, folder):
    run, page = os.path.join(folder, "run"), os.path.join(folder, "markup.html")
    evil = "</script><img src=x onerror=alert(1)>"
    config = os.path.join(run, "checkpoints/step-00000060/config.json")
    with open(config) as file:
        text = json.load(file)
    text["vocabulary"][0] = evil
    # Of the format without a manifest, whose bytes nothing vouches for.
    text["format"] = "qkv-checkpoint-1"
    os.remove(os.path.join(os.path.dirname(config), "MANIFEST.json"))
    with open(config, "w") as file:
        json.dump(text, file)
    subprocess.run([qkv, "report", run, "--out", page], check=True, stdout=subprocess.DEVNULL)
    browser.open(page)
    said = cell_by_keys(browser, "circuits", 0, 0, 1)
    assert said.startswith(f"QK, token by token, query token {evil}, key token {text['vocabulary'][1]}: "), said
    # And on the stage: in the table of the answers.
    browser.run("document.querySelector('#stage-table details').open = true")
    wait(browser, 50)
    assert evil in browser.run("at('stage-table').textContent")
    assert browser.run("document.images.length") == 0
    assert browser.complaints() == [], browser.complaints()


def main():
    start, qkv, folder = arguments(__doc__, "qkv", "folder")
    run, page, inspected = train_and_report(qkv, folder)
    with start() as browser:
        browser.colours("light")
        browser.open(page)
        paint = browser.run(FIRST_PAINT)
        print(f"first paint after {paint:.0f} ms, {os.path.getsize(page) / 1000:.0f} kB")
        for check in [
            lambda: steps_heads_and_inputs_show_what_the_files_hold(browser, run),
            lambda: circuits_are_the_products_of_what_the_files_hold(browser, run),
            lambda: norms_and_singular_values_are_those_of_inspect(browser, inspected),
            lambda: the_gauge_changes_the_matrices_and_not_the_map(browser),
            lambda: a_token_shows_what_it_attends_to(browser),
            lambda: keys_move_the_film_and_space_plays_it(browser),
            lambda: heads_can_be_clicked_and_pictures_have_tables(browser),
        ]:
            check()
            assert browser.complaints() == [], browser.complaints()
        for part in [stage, slow_motion, altered_film]:
            part.check(browser, page)
        for scheme in ["light", "dark"]:
            browser.colours(scheme)
            browser.open(page)
            to_step(browser, 30)
            assert browser.complaints() == [], browser.complaints()
            browser.picture(os.path.join(folder, f"{scheme}.png"))
        printed.check(browser, qkv, folder)
        a_narrow_page_is_readable_and_tables_scroll_alone(browser, page)
        a_token_that_looks_like_markup_stays_text(browser, qkv, folder)
    print("the page shows what the files hold")


if __name__ == "__main__":
    main()
