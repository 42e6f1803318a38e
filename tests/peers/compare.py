#!/usr/bin/env python3
"""Compares `qkv bench` with PyTorch and JAX on this machine, turn by turn, and prints the ratios.

    cargo build --release
    python3 tests/peers/compare.py --install                        # everything, about twenty minutes
    python3 tests/peers/compare.py --install --environment DIR      # keeps the Python environment in DIR
    python3 tests/peers/compare.py --environment DIR --workload lm --workload char --rounds 5
    python3 tests/peers/compare.py --environment DIR --main-job     # `qkv train reverse`, from start to end

Every number is taken in a process of its own, which may use as many processors as it has threads (JAX knows no other
limit), warms up, and takes the median over the steps of two seconds; the table has medians over the rounds. Before a
peer's clock starts, its losses of the first steps have to agree with qkv's from the same parameters and tokens. Needs
Linux, Python 3.11 and a machine on which nothing else runs. Never part of CI.
"""

import argparse
import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import environment
from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
PEERS = {"torch": "PyTorch", "compile": "torch.compile", "jax": "JAX"}
# JAX on a CPU writes the whole attention map, several times: more than 16 GiB at this length.
OUT_OF_REACH = {("jax", "long-16384")}
# Share of the processors that others may take; PyTorch's threads spin, and lose far more than what is taken.
QUIET = 0.05


def main() -> None:
    args = arguments()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qkv-peers-")))
        python = interpreter(args, scratch)
        if args.main_job:
            lines = compare_main_job(args, python, scratch)
            print(main_job_table(lines))
        else:
            lines = compare_workloads(args, python, scratch)
            print(table(lines, args.peers))
        if args.json:
            args.json.write_text("".join(json.dumps(line) + "\n" for line in lines))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qkv", type=Path, default=HERE.parents[1] / "target/release/qkv", help="the binary")
    parser.add_argument("--install", action="store_true", help="make the Python environment first")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="where it is, or is made to stay")
    parser.add_argument("--workload", action="append", choices=WORKLOADS, help="only this one; may be repeated")
    parser.add_argument("--threads", type=int, action="append", metavar="N", help="1 and 2 by default")
    parser.add_argument("--peers", default="torch,jax", help="some of torch,compile,jax")
    parser.add_argument("--rounds", type=int, help="3 by default, 5 for --main-job")
    parser.add_argument("--main-job", action="store_true", help="compare `qkv train reverse` as a whole instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every measurement, one a line")
    args = parser.parse_args()
    args.peers = args.peers.split(",")
    args.workload, args.threads = args.workload or list(WORKLOADS), args.threads or [1, 2]
    args.rounds = args.rounds or (5 if args.main_job else 3)
    if unknown := [peer for peer in args.peers if peer not in PEERS]:
        parser.error(f"unknown peer {unknown[0]!r}; choose from {','.join(PEERS)}")
    if not args.install and not args.environment:
        parser.error("add --install, or name an environment that was installed with --environment DIR")
    if not args.qkv.is_file():
        parser.error(f"no binary at {args.qkv}; run `cargo build --release`, or name it with --qkv")
    if max(args.threads) > len(os.sched_getaffinity(0)):
        parser.error(f"--threads {max(args.threads)}, but there are {len(os.sched_getaffinity(0))} processors")
    return args


def interpreter(args: argparse.Namespace, scratch: Path) -> Path:
    folder = args.environment or scratch / "environment"
    return environment.install(folder) if args.install else folder / "bin" / "python"


def compare_workloads(args: argparse.Namespace, python: Path, scratch: Path) -> list[dict]:
    lines = []
    for workload in args.workload:
        export = scratch / f"{workload}.safetensors"
        output([args.qkv, "bench", "--workload", workload, "--export", export])
        for threads in args.threads:
            say_if_busy()
            turns = {"qkv": [args.qkv, "bench", "--json", "--workload", workload, "--threads", str(threads)]}
            for peer in args.peers:
                script = HERE / ("jax_peer.py" if peer == "jax" else "torch_peer.py")
                command = [python, script, "--workload", workload, "--threads", str(threads), "--export", export]
                if (peer, workload) not in OUT_OF_REACH:
                    turns[peer] = command + ["--compile"] * (peer == "compile")
            for index in range(args.rounds):
                for who, command in turns.items():
                    line = json.loads(output(command, threads).splitlines()[-1])
                    lines.append({"who": who, "round": index, **line})
                    progress(f"{workload}, {threads} threads, {who}: {line['median_ms']:.3f} ms")
        export.unlink()
    return lines


def compare_main_job(args: argparse.Namespace, python: Path, scratch: Path) -> list[dict]:
    lines = []
    say_if_busy()
    for index in range(args.rounds):
        run = scratch / f"run-{index}"
        turns = {
            "qkv": [args.qkv, "train", "reverse", "--out", run, "--quiet"],
            "torch": [python, HERE / "reverse_main_job.py", "--out", scratch / "reverse.pt"],
        }
        for who, command in turns.items():
            start = time.perf_counter()
            printed = output(command)
            seconds = time.perf_counter() - start
            done = printed if who == "torch" else (run / "metrics.jsonl").read_text()
            right = json.loads(done.splitlines()[-1])["sequence_accuracy"]
            lines.append({"who": who, "round": index, "seconds": seconds, "sequence_accuracy": right})
            progress(f"main job, {who}: {seconds:.2f} s")
    return lines


def output(command: list, threads: int | None = None) -> str:
    """What `command` prints, on as many processors as it has threads; its complaints go to ours."""
    allowed = sorted(os.sched_getaffinity(0))[:threads]
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        text=True,
        # Not thread-safe in general; this process has one thread.
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
    )
    if done.returncode != 0:
        raise SystemExit(f"exit status {done.returncode} of {' '.join(map(str, command))}")
    return done.stdout


def table(lines: list[dict], peers: list[str]) -> str:
    """A row for every workload and number of threads, and a row of geometric means for each number of threads."""
    names = [PEERS[peer] for peer in peers]
    head = ["workload", "threads", "qkv ms", *(f"{name} ms" for name in names), *(f"qkv ÷ {name}" for name in names)]
    head += ["qkv MiB", *(f"{name} MiB (imports)" for name in names)]
    rows, ratios = [], {}
    for key in dict.fromkeys((line["workload"], line["threads"]) for line in lines):
        of_key = [line for line in lines if (line["workload"], line["threads"]) == key]

        def median(who: str, field: str) -> float | None:
            values = [line[field] for line in of_key if line["who"] == who]
            return statistics.median(values) if values else None

        ours = median("qkv", "median_ms")
        times = [median(peer, "median_ms") for peer in peers]
        quotients = [ours / theirs if theirs else None for theirs in times]
        for peer, quotient in zip(peers, quotients, strict=True):
            ratios.setdefault((key[1], peer), []).extend([quotient] if quotient else [])
        memory = [
            f"{median(peer, 'peak_rss_mb'):.0f} ({median(peer, 'imported_rss_mb'):.0f})" if theirs else "-"
            for peer, theirs in zip(peers, times, strict=True)
        ]
        row = [key[0], str(key[1]), milliseconds(ours), *map(milliseconds, times), *map(ratio, quotients)]
        rows.append([*row, f"{median('qkv', 'peak_rss_mb'):.0f}", *memory])
    for threads in dict.fromkeys(threads for threads, _ in ratios):
        means = [geometric_mean(ratios[threads, peer]) for peer in peers]
        nothing = [""] * (1 + len(peers))
        rows.append(["geometric mean", str(threads), *nothing, *map(ratio, means), *nothing])
    return markdown(head, rows)


def main_job_table(lines: list[dict]) -> str:
    rows, medians = [], []
    for who, name in (("qkv", "qkv train reverse"), ("torch", "PyTorch")):
        seconds = [line["seconds"] for line in lines if line["who"] == who]
        right = min(line["sequence_accuracy"] for line in lines if line["who"] == who)
        medians.append(statistics.median(seconds))
        rows.append([name, f"{medians[-1]:.2f}", f"{min(seconds):.2f}", f"{right:.4f}"])
    rows.append(["qkv ÷ PyTorch", ratio(medians[0] / medians[1]), "", ""])
    return markdown(["main job", "median s", "fastest s", "sequence accuracy, least"], rows)


def markdown(head: list[str], rows: list[list[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def milliseconds(value: float | None) -> str:
    """Three figures."""
    return "-" if value is None else f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}"


def ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def geometric_mean(values: list[float]) -> float | None:
    return statistics.geometric_mean(values) if values else None


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def say_if_busy() -> None:
    """Looks for a second at what others do, while this process waits."""
    before = processor_times()
    time.sleep(1)
    idle, total = (after - b for after, b in zip(processor_times(), before, strict=True))
    busy = 1 - idle / max(total, 1)
    if busy > QUIET:
        progress(f"NOT QUIET: others take {busy:.0%} of the processors, and the numbers say little")


def processor_times() -> tuple[int, int]:
    """Idle and all time of all processors together, in ticks; waiting for a disk is idle, a stolen tick is not."""
    with open("/proc/stat", encoding="ascii") as file:
        ticks = [int(field) for field in file.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


if __name__ == "__main__":
    main()
