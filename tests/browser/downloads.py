"""The weights that the live page gives away: opened by `qkv inspect`, by Python, and by the page itself."""

import os
import subprocess

import safetensors_file
from live_page import begin, fresh, train, until

# A model of the least numbers: reverse 4 letters of 4, in 8 dimensions, with queries, keys and values of 2.
SHAPES = {"w_q": [8, 2], "w_k": [8, 2], "w_v": [8, 8]}
MAP = "Array.from(mapOf(live.film.probes[0].maps[0].frames.at(-1)))"
ANSWERS = "live.film.probes[0].predictions.at(-1)"


def the_format_is_read_by_python(path):
    tensors = safetensors_file.read(path)
    for name, shape in SHAPES.items():
        found = [one for key, (one, _) in tensors.items() if key.endswith(f".{name}")]
        assert found == [shape], (name, found, list(tensors))
    assert all(abs(value) < 1e3 for _, values in tensors.values() for value in values)
    return tensors


def the_binary_shows_it(binary, path):
    shown = subprocess.run([binary, "inspect", path], check=True, capture_output=True, text=True).stdout
    for name, shape in SHAPES.items():
        assert name.upper() in shown or name in shown, (name, shown)
    assert "8 x 2" in shown or "8 × 2" in shown or "[8, 2]" in shown, shown
    return shown


def the_page_takes_it_back(browser, page, path):
    """In another visit, where nothing is left of the first."""
    learned = browser.run(f"[{MAP}, {ANSWERS}]")
    with open(path, "rb") as file:
        before = file.read()
    fresh(browser, page)
    begin(browser, "letters", [])
    assert browser.run(f"[{MAP}, {ANSWERS}]") != learned, "an untrained model has another map"
    asked = browser.run("trainer.asked")
    browser.attach("#open-weights", path)
    until(browser, f"trainer.asked > {asked} && trainer.id === trainer.asked && live.film !== null", 10, "the run with opened weights")
    assert browser.run(f"[{MAP}, {ANSWERS}]") == learned, "the map of the opened weights is another one"
    again = browser.download(os.path.dirname(path), "file('weights')")
    with open(again, "rb") as file:
        assert file.read() == before, "the weights that were opened come out as other ones"
    # Learned weights have a small loss at once.
    browser.run("at('step').click()")
    until(browser, "live.film.log.losses.length > 0", 5, "a step with opened weights")
    first = browser.run("live.film.log.losses[0][1]")
    assert first < 0.1, f"the first loss with learned weights is {first}"
    train(browser, "the training on from opened weights")
    assert browser.run("live.figures.sequence_accuracy") == 1


def what_is_no_such_file_is_said(browser, folder, path):
    with open(path, "rb") as file:
        content = file.read()
    step = browser.run("live.film.frames.at(-1).step")
    for name, bad in [("empty", b""), ("short", content[:-8]), ("text", b"</script><b>weights" * 40)]:
        other = os.path.join(folder, f"{name}.safetensors")
        with open(other, "wb") as file:
            file.write(bad)
        browser.run("at('happened').textContent = '', document.querySelectorAll('.refused').forEach((one) => (one.textContent = ''))")
        browser.attach("#open-weights", other)
        until(browser, "at('happened').textContent !== ''", 10, f"the refusal of a file that is {name}")
        until(browser, "!trainer.isBeginning && live.film !== null", 10, f"the run after a file that is {name}")
    # The run before goes on.
    assert browser.run("live.film.frames.at(-1).step") == step
    browser.run("at('step').click()")
    until(browser, f"live.film.frames.at(-1).step === {step} + 1", 10, "a step after files that were refused")


def check(browser, page, binary, folder):
    fresh(browser, page)
    begin(browser, "letters", [])
    train(browser, "letters")
    place = os.path.join(folder, "learned")
    os.makedirs(place, exist_ok=True)
    path = browser.download(place, "at('weights').click()")
    assert os.path.basename(path).startswith("model") and path.endswith(".safetensors"), path
    the_format_is_read_by_python(path)
    the_binary_shows_it(binary, path)
    the_page_takes_it_back(browser, page, path)
    what_is_no_such_file_is_said(browser, folder, path)
