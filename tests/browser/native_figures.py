"""Frozen and missing matrices, beside learned ones: what the live page shows of them is what the binary measures."""

import json
import os
import subprocess

from live_page import begin, fresh, train

# The losses of the last steps of a training that is nearly perfect are small numbers; their sums have another order in
# another instruction set.
CLOSE = 1e-4

# A figure of held-out examples moves by one example where an answer is at the edge.
EXAMPLE = 1 / 200

# Without matrices queries and keys are as wide as their inputs.
ARMS = {"learned": [], "frozen": [], "none": ["model.d_k=8"]}


def in_the_page(browser, arm):
    begin(browser, "letters", [f"model.projections={arm}", *ARMS[arm]])
    train(browser, f"letters, {arm}")
    return {step: loss for step, loss in browser.run("live.film.log.losses")}, browser.run("live.figures")


def natively(browser, binary, folder, arm):
    """The run that the page's own config makes."""
    place = os.path.join(folder, f"letters-{arm}")
    os.makedirs(place, exist_ok=True)
    config = browser.download(place, "file('config')")
    run = os.path.join(place, "run")
    subprocess.run([binary, "train", config, "--quiet", "--out", run], check=True, capture_output=True)
    with open(os.path.join(run, "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    losses = {event["step"]: event["loss"] for event in events if event["event"] == "step"}
    return losses, [event for event in events if event["event"] == "eval"][-1]


def check(browser, page, binary, folder):
    fresh(browser, page)
    accuracies = {}
    for arm in ARMS:
        (ours, figures), (theirs, evaluated) = in_the_page(browser, arm), natively(browser, binary, folder, arm)
        assert ours.keys() == theirs.keys(), (arm, len(ours), len(theirs))
        apart = max(abs(ours[step] - theirs[step]) / theirs[step] for step in theirs)
        print(f"letters, {arm}: {len(ours)} losses at most {apart:.1e} apart, accuracy {figures['accuracy']:.4f} in the page, {evaluated['accuracy']:.4f}")
        assert apart <= CLOSE, (arm, apart)
        for name in ["accuracy", "sequence_accuracy"]:
            assert abs(figures[name] - evaluated[name]) <= EXAMPLE, (arm, name, figures, evaluated)
        accuracies[arm] = figures["accuracy"]
    # What the page is there to show.
    assert accuracies["learned"] == 1 and max(accuracies["frozen"], accuracies["none"]) < 0.9, accuracies
