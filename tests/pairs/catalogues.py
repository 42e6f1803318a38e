"""Real pairs: the messages of coreutils and their German translations, from a package of Debian, through training and BLEU.

    python3 tests/pairs/catalogues.py QKV FOLDER

FOLDER must be empty. The catalogues come out of the package's archive, because small systems install packages without
translations."""

import gettext
import json
import pathlib
import subprocess
import sys

PACKAGE = "coreutils"
SETTINGS = [
    "task.level=word", "task.max_len=30", "task.min_count=2", "train.steps=300", "train.eval_every=300",
    'train.metrics=["accuracy", "sequence-accuracy", "bleu"]', "train.snapshot_every=300", "train.checkpoint_every=300",
]


def pairs(folder):
    """The messages of one line, with their translations."""
    subprocess.run(["apt-get", "download", "-qq", PACKAGE], cwd=folder, check=True)
    [archive] = folder.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg", "-x", archive, folder / "package"], check=True)
    with open(folder / f"package/usr/share/locale/de/LC_MESSAGES/{PACKAGE}.mo", "rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog
    for message, translation in sorted((m, t) for m, t in catalogue.items() if isinstance(m, str)):
        sides = [side.strip() for side in (message, translation)]
        if all(side and "\n" not in side and "\t" not in side for side in sides):
            yield "\t".join(sides)


def main(qkv, folder):
    folder = pathlib.Path(folder)
    lines = list(pairs(folder))
    file = folder / "pairs.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} pairs, such as {lines[len(lines) // 2]!r}")
    assert len(lines) > 800, lines
    run = folder / "run"
    settings = [word for setting in [f"task.pairs={file}", *SETTINGS] for word in ("--set", setting)]
    command = [qkv, "train", "translate", *settings, "--out", run, "--json"]
    events = [json.loads(line) for line in subprocess.check_output(command, text=True).splitlines()]
    losses = [event["loss"] for event in events if event["event"] == "step"]
    done = events[-1]
    print(f"loss {losses[0]:.3f} at first, {losses[-1]:.3f} at last; held out: {done}")
    assert losses[-1] < losses[0] / 2, losses
    assert 0 < done["metrics"]["bleu"] < 100, done


if __name__ == "__main__":
    main(*sys.argv[1:])
