"""Whether the same training has the same bytes in Chromium and in Firefox, and how far they are from the binary's.

    python3 tests/browser/equal_bytes.py QKV PAGE FOLDER

QKV is the binary, PAGE what `crates/web/build` made. FOLDER gets the weights of each.
"""

import argparse
import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

import safetensors_file
from chromium import Chromium
from firefox import Firefox
from live_page import begin, fresh, train

# Tasks, and what makes them short.
RUNS = {
    "letters": [],
    "reverse": ["train.steps=60", "train.batch_size=32"],
    "chars": ["train.steps=20", "train.batch_size=4", "task.seq_len=16", "model.d_model=16", "model.n_heads=2", "model.n_layers=1"],
}

# Weights up to 3 that have grown apart by rounding alone: at most 8.3e-7 in 500 steps of `reverse`.
APART = 1e-5


def trained(maker, page, folder):
    """The paths of the weights, of the configs and of the texts, by task."""
    found = {}
    with maker() as browser:
        fresh(browser, page)
        for task, settings in RUNS.items():
            begin(browser, task, settings)
            train(browser, task)
            place = os.path.join(folder, maker.name, task)
            os.makedirs(place, exist_ok=True)
            text = os.path.join(place, "text.txt")
            with open(text, "w") as file:
                file.write(browser.run("document.forms.settings.elements.text.value"))
            found[task] = *(browser.download(place, f"file('{what}')") for what in ["weights", "config"]), text
        assert browser.complaints() == [], browser.complaints()
    return found


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def natively(binary, config, folder, text):
    run = os.path.join(folder, "run")
    with open(config) as file:
        of_text = "text = " in file.read()
    # The page's config names a text that lies beside it.
    settings = [f"--set=task.text={json.dumps(text)}"] if of_text else []
    subprocess.run([binary, "train", config, "--quiet", "--out", run, *settings], check=True, capture_output=True)
    last = sorted(os.listdir(os.path.join(run, "checkpoints")))[-1]
    return os.path.join(run, "checkpoints", last, "model.safetensors")


def main(binary, page, folder):
    os.makedirs(folder, exist_ok=True)
    with ThreadPoolExecutor() as pool:
        ours, theirs = pool.map(lambda maker: trained(maker, page, folder), [Chromium, Firefox])
    for task in RUNS:
        digests = [digest(found[task][0]) for found in [ours, theirs]]
        assert digests[0] == digests[1], f"{task}: the weights of Chromium are {digests[0]}, those of Firefox {digests[1]}"
        weights, config, text = ours[task]
        place = os.path.join(folder, "native", task)
        os.makedirs(place, exist_ok=True)
        native = natively(binary, config, place, text)
        apart, largest = safetensors_file.apart(safetensors_file.read(weights), safetensors_file.read(native))
        print(f"{task}: {digests[0][:16]} in both browsers; the binary's weights are at most {apart:.1e} apart, of numbers up to {largest:.3g}")
        assert 0 <= apart <= APART, (task, apart)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["qkv", "page", "folder"]:
        parser.add_argument(name)
    given = parser.parse_args()
    main(given.qkv, given.page, given.folder)
