"""Compares studies byte for byte: `results.py EXPECTED STUDY...`.

Every run must have the same config, the same bytes in its last checkpoint, and in every checkpoint and frame that both kept:
where a run was stopped in between, it saved once more. Of the log, what a clock decides is left out, and the lines of starts
and saves."""

import json
import sys
from pathlib import Path

# What ends so is measured by a clock, or is the place of the run.
NOT_COMPARED = ("seconds", "per_second", "path")


def log(file: Path) -> list[dict]:
    lines = (json.loads(line) for line in file.read_text().splitlines())
    lines = (line for line in lines if line["event"] in ("step", "eval", "done"))
    return [{key: value for key, value in line.items() if not key.endswith(NOT_COMPARED)} for line in lines]


def study(folder: Path) -> dict[str, object]:
    """Every file of every run, by path."""
    found: dict[str, object] = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        # Not the study, and the locks, whose owners are gone.
        if not file.is_file() or len(path.parts) == 1 or file.name == "run.lock":
            continue
        found[str(path)] = log(file) if file.name == "metrics.jsonl" else file.read_bytes()
    return found


def last_checkpoints(found: dict[str, object]) -> set[str]:
    """The files of the last checkpoint of every run."""
    last: dict[str, str] = {}
    for path in found:
        run, kind, *rest = path.split("/")
        if kind == "checkpoints":
            last[run] = max(last.get(run, ""), rest[0])
    return {path for path in found if path.split("/")[1:3] == ["checkpoints", last[path.split("/")[0]]]}


def is_kept_by_chance(path: str) -> bool:
    return path.split("/")[1] in ("checkpoints", "snapshots")


def main(expected: Path, others: list[Path]) -> None:
    whole = study(expected)
    runs = {path.split("/")[0] for path in whole}
    last = last_checkpoints(whole)
    assert len(last) == 4 * len(runs) > 0, f"{expected} has {len(runs)} runs"
    for other in others:
        found = study(other)
        assert last_checkpoints(found) == last, f"{other} ends with other checkpoints than {expected}"
        both = [path for path in whole.keys() & found.keys()]
        missing = sorted(path for path in whole.keys() ^ found.keys() if not is_kept_by_chance(path))
        differing = sorted(path for path in both if whole[path] != found[path])
        assert not missing and not differing, f"{other} differs from {expected} in {(missing + differing)[:10]}"
        print(f"{other.name}: {len(runs)} runs, {len(both)} files with the same bytes as in {expected.name}")


main(Path(sys.argv[1]), [Path(path) for path in sys.argv[2:]])
