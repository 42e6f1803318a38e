"""Opens the film of an encoder and a decoder in a browser with the network off, and compares its maps with the run's files.

    python3 tests/browser/film_of_pairs.py [--browser chromium|firefox] QKV FOLDER

QKV is the binary. FOLDER gets the run, its report, its pictures and the screenshots.
"""

import json
import os
import re
import struct
import subprocess

from browser import arguments
from film import cell_by_keys, tensors
from stage import to_step, wait

TRAIN = "train dates --quiet --set model.name=encoder-decoder --set model.n_layers=2 --set model.n_heads=2 --set model.d_model=32 --set model.d_mlp=32 --steps 50 --set train.snapshot_every=25"
# In the order of computation, by the names that a reader sees.
LAYERS = {
    "encoder.0.attention": "encoder, layer 0",
    "encoder.1.attention": "encoder, layer 1",
    "decoder.0.attention": "decoder, layer 0: answer to answer",
    "decoder.0.cross.attention": "decoder, layer 0: answer to source",
    "decoder.1.attention": "decoder, layer 1: answer to answer",
    "decoder.1.cross.attention": "decoder, layer 1: answer to source",
}
KINDS = {"encoder": ("source", "source"), "decoder": ("answer", "answer"), "cross": ("answer", "source")}
LAST = 50


def kind_of(layer):
    return KINDS["cross" if "cross" in layer else layer.split(".")[0]]


def labels_of(path):
    """Of each input the tokens and right answers, and the positions of source and answer without padding."""
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        probes = json.loads(json.loads(file.read(size))["__metadata__"]["probes"])
    found = []
    for probe in probes:
        cross = probe["layers"]["decoder.0.cross.attention"]
        sides = {side: (cross[axis]["start"], cross[axis]["end"]) for side, axis in [("source", "keys"), ("answer", "queries")]}
        found.append((probe["tokens"], probe["targets"], sides))
    return found


def the_last_layer_that_reads_the_source_is_shown_at_first(browser, page):
    browser.open(page, width=1280, height=720)
    wait(browser, 200)
    options = browser.run("Array.from(at('layer').options, (option) => option.textContent)")
    assert options == list(LAYERS.values()), options
    assert browser.run("at('layer').selectedOptions[0].textContent") == options[-1]
    assert browser.run("film.frames[state.frame].step") == 0
    assert browser.run("document.documentElement.scrollWidth") <= 1280
    for part in [".topbar", ".token-strip", ".pipeline canvas", ".sentences", ".panel.map canvas", ".matrices", "#help", "#play"]:
        box = browser.run(f"document.querySelector('{part}').getBoundingClientRect().toJSON()")
        assert box["height"] > 10 and box["bottom"] <= 720 and box["right"] <= 1280, (part, box)


def maps_are_those_of_the_files_by_the_labels_of_their_sides(browser, run):
    to_step(browser, LAST)
    path = os.path.join(run, f"snapshots/step-{LAST:08}.safetensors")
    file, labels = tensors(path), labels_of(path)
    for index, layer in enumerate(LAYERS):
        browser.choose("layer", index)
        for probe, (tokens, targets, sides) in enumerate(labels[:2]):
            browser.choose("probe", probe)
            (first_row, end_row), (first_column, end_column) = (sides[side] for side in kind_of(layer))
            [n_probes, n_heads, q_len, k_len], values = file[f"{layer}.weights"]
            size = [end_row - first_row, end_column - first_column]
            assert browser.run("stage.moment.map.size") == size, layer
            assert size[0] <= q_len and size[1] <= k_len
            # No padding, and nothing that it would take.
            shown = browser.run("Array.from(mapOf(stage.moment.kept(stage.moment.map)))")
            for row in range(size[0]):
                start = (probe * n_heads * q_len + row) * k_len
                expected, found = values[start : start + size[1]], shown[row * size[1] : (row + 1) * size[1]]
                assert all(abs(a - b) < 1e-3 for a, b in zip(expected, found)), (layer, probe, row)
                assert abs(sum(found) - 1) < 1e-2, (layer, probe, row, sum(found))
            row, column = size[0] - 1, size[1] - 2
            said = cell_by_keys(browser, "map", 0, row, column)
            query, key = re.fullmatch(r"query (.*) gives .*% of its attention to key (.*?)(?:; no answer counts here)?", said).groups()
            word = tokens[first_row + row]
            if "cross" in layer:
                word = f"{word}→{targets[first_row + row]}"
            assert query == f"{row}: {word}", (said, word)
            assert key == f"{column}: {tokens[first_column + column]}", said


def a_query_is_one_of_its_own_sequence(browser):
    """Tokens of source and answer stand apart, and those that do not ask in a layer cannot be pinned."""
    browser.choose("probe", 0)
    sides = browser.run("film.probes[0].sides")
    n_source, n_answer = (end - first for first, end in sides)
    assert browser.run("document.querySelectorAll('.token').length") == n_source + n_answer
    assert browser.run("document.querySelectorAll('.token.of-source').length") == n_source
    heads = browser.run("Array.from(document.querySelectorAll('.token-heads'), (one) => one.innerText.split('\\n').join())")
    assert heads == ["position,source", "position,answer,right answer,model"], heads
    token = "document.querySelectorAll('.token')[{}]"
    for index, layer in enumerate(LAYERS):
        browser.choose("layer", index)
        rows, columns = kind_of(layer)
        queries = range(n_source) if rows == "source" else range(n_source, n_source + n_answer)
        asking = browser.run("Array.from(document.querySelectorAll('.token'), (one) => !one.hasAttribute('aria-disabled'))")
        assert [i for i, asks in enumerate(asking) if asks] == list(queries), layer
        aside = browser.run("Array.from(document.querySelectorAll('.token'), (one) => one.classList.contains('aside'))")
        assert any(aside) == (rows == columns), layer
        browser.run(f"choose({{ query: null }}), {token.format(queries[2])}.click()")
        assert browser.run("stage.query") == 2 and browser.run("state.query") == 2
        other = n_source if rows == "source" else 0
        browser.run(token.format(other) + ".click()")
        assert browser.run("state.query") == 2, layer
        # Rows of the pipeline are the keys, of which each has its own number.
        n_keys = n_source if columns == "source" else n_answer
        assert browser.run("stage.moment.nKeys") == n_keys and browser.run("stage.pipeline.shown.length") <= n_keys
        shares = browser.run("Array.from(document.querySelectorAll('.token'), (one) => Number(one.style.getPropertyValue('--share')))")
        keys = range(n_source) if columns == "source" else range(n_source, n_source + n_answer)
        assert abs(sum(shares[i] for i in keys) - 1) < 1e-2 and sum(shares) - sum(shares[i] for i in keys) == 0, (layer, shares)
        headings = browser.run("Array.from(document.querySelectorAll('.heading'), (one) => [one.querySelector('.name').textContent, one.querySelector('.shape').textContent])")
        names = [name for name, _ in headings]
        # In narrow columns without brackets.
        sizes = {name: [int(n) for n in re.findall(r"\d+", shape)] for name, shape in headings}
        assert ("s" in names) == ("cross" in layer) and ("answer" in names) == (rows == "answer"), (layer, names)
        n_rows = n_source if rows == "source" else n_answer
        for name, n in [("q", n_rows), ("k", n_keys), ("v", n_keys), ("context", n_rows)]:
            assert sizes[name][0] == n, (layer, headings)
        assert sizes["weights"] == [n_rows, n_keys], (layer, headings)
        # Another sequence has other queries.
        following = list(LAYERS)[(index + 1) % len(LAYERS)]
        browser.choose("layer", (index + 1) % len(LAYERS))
        expected = 2 if kind_of(following)[0] == rows else None
        assert browser.run("state.query") == expected, (layer, following)


def circuits_are_those_of_token_vectors(browser):
    for index, layer in enumerate(LAYERS):
        browser.choose("layer", index)
        names = browser.run("chosenHead().circuits.map(({ name }) => name.split(',')[0])")
        assert names == ([] if "cross" in layer else ["QK", "QK"] if "encoder" in layer else ["QK", "QK", "OV"]), (layer, names)


def a_film_of_pairs_fits_a_phone_and_the_dark(browser, page, folder):
    for name, width, height, scheme in [("wide", 1280, 720, "light"), ("dark", 1280, 720, "dark"), ("phone", 390, 844, "light")]:
        browser.colours(scheme)
        browser.open(page, width=width, height=height, fragment=f"#step={LAST}&query=4")
        wait(browser, 300)
        assert browser.run("stage.query") == 4
        assert browser.run("document.documentElement.scrollWidth") <= width, name
        browser.picture(os.path.join(folder, f"pairs-{name}.png"), whole=False)
    browser.colours("light")


def an_alignment_as_a_picture_has_the_answer_down_and_the_source_across(run, pictures):
    with open(os.path.join(pictures, "weights_decoder_1_cross_attention_head_0.svg"), encoding="utf-8") as file:
        words = re.findall(r"<text[^>]*>\s*([^<]*?)\s*</text>", file.read())
    tokens, targets, sides = labels_of(os.path.join(run, f"snapshots/step-{LAST:08}.safetensors"))[0]
    down, across = (targets[slice(*sides["answer"])], tokens[slice(*sides["source"])])
    for labels in [down, across]:
        first = next((i for i in range(len(words)) if words[i : i + len(labels)] == labels), None)
        assert first is not None, (labels, words)


def main():
    chosen, qkv, folder = arguments(__doc__, "qkv", "folder")
    run, page = os.path.join(folder, "pairs"), os.path.join(folder, "pairs.html")
    subprocess.run([qkv, *TRAIN.split(), "--out", run], check=True)
    pictures = os.path.join(folder, "pictures")
    subprocess.run([qkv, "report", run, "--out", page, "--svg", pictures], check=True, stdout=subprocess.DEVNULL)
    an_alignment_as_a_picture_has_the_answer_down_and_the_source_across(run, pictures)
    with chosen() as browser:
        the_last_layer_that_reads_the_source_is_shown_at_first(browser, page)
        maps_are_those_of_the_files_by_the_labels_of_their_sides(browser, run)
        a_query_is_one_of_its_own_sequence(browser)
        circuits_are_those_of_token_vectors(browser)
        a_film_of_pairs_fits_a_phone_and_the_dark(browser, page, folder)
        complaints = browser.complaints()
        assert not complaints, complaints
        print(f"{browser.name}: maps, labels, queries and circuits of {len(LAYERS)} layers are those of the run's files")


if __name__ == "__main__":
    main()
