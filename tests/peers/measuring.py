"""What the peers share: reading what qkv exported, the check of the numbers, the clock, and the line that they print."""

import argparse
import json
import math
import os
import resource
import statistics
import time
from dataclasses import dataclass

import numpy as np
from safetensors import safe_open

from workloads import WORKLOADS, Training

WARM_UP_SECONDS = 0.5
TIMED_SECONDS = 2.0
# A workload whose one step takes longer than the timed seconds has a median all the same.
LEAST_STEPS = 3

# Relative, after five steps in single precision: both peers stay within 5e-7 of double precision on `char`. Forgetting
# weight decay, or decaying what qkv does not, changes the last loss by 2.4e-6.
LOSS_TOLERANCE = 2e-6
# Relative; both peers stay within 5e-8 of double precision at T = 4096.
CHECKSUM_TOLERANCE = 1e-5
# A card adds up in another order, and with `--tf32` from numbers of 10 bits.
CARD_TOLERANCE = 1e-3


@dataclass
class Export:
    """What `qkv bench --export` wrote."""

    tensors: dict[str, np.ndarray]
    # The `losses` of the first steps, or the `checksums` of attention alone.
    metadata: dict[str, str]

    def parameters(self) -> dict[str, np.ndarray]:
        """The initial parameters, under their names in a checkpoint."""
        return {name: t for name, t in self.tensors.items() if name not in ("tokens", "targets")}

    def batches(self, dtype) -> list[tuple[np.ndarray, np.ndarray]]:
        """The pool of (tokens, targets), `[batch, seq_len]` each."""
        tokens, targets = (self.tensors[name].astype(dtype) for name in ("tokens", "targets"))
        return list(zip(tokens, targets, strict=True))


def arguments() -> argparse.Namespace:
    """What compare.py passes to every peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True, choices=WORKLOADS)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--export", required=True, help="file that qkv bench --export wrote")
    parser.add_argument("--compile", action="store_true", help="PyTorch: compile the model")
    parser.add_argument("--device", default="cpu", help="PyTorch: cpu, or cuda:0")
    parser.add_argument("--eager", action="store_true", help="PyTorch: attention as products and a softmax, not fused")
    parser.add_argument("--tf32", action="store_true", help="PyTorch: products of numbers with 10 bits, as tensor cores make them")
    return parser.parse_args()


def read_export(path: str) -> Export:
    with safe_open(path, "numpy") as file:
        return Export({name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {})


def check_losses(export: Export, step, tolerance: float = LOSS_TOLERANCE) -> None:
    """Trains as many steps as qkv did and compares every loss."""
    expected = json.loads(export.metadata["losses"])
    got = [step() for _ in expected]
    for index, pair in enumerate(zip(got, expected, strict=True)):
        close(f"loss of step {index}", *pair, tolerance)


def check_sums(export: Export, arrays: dict[str, np.ndarray], tolerance: float = CHECKSUM_TOLERANCE) -> None:
    """Compares the sum of squares of every result of attention alone."""
    for name, expected in json.loads(export.metadata["checksums"]).items():
        got = float(np.sum(np.square(arrays[name], dtype=np.float64)))
        close(f"sum of squares of {name}", got, expected, tolerance)


def close(what: str, got: float, expected: float, tolerance: float) -> None:
    if not math.isclose(got, expected, rel_tol=tolerance):
        raise SystemExit(f"{what}: {got} here, {expected} in qkv; they may differ by {tolerance} of either")


def resident_mb() -> float:
    """Memory of this process now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(name: str, threads: int, imported_mb: float, step) -> None:
    """Warms up, times steps, and prints the line; `imported_mb` is what the imports alone took."""
    seconds_of(step, WARM_UP_SECONDS, 1)
    times = [seconds * 1e3 for seconds in seconds_of(step, TIMED_SECONDS, LEAST_STEPS)]
    median = statistics.median(times)
    workload = WORKLOADS[name]
    n_tokens = workload.seq_len * (workload.batch if isinstance(workload, Training) else 1)
    line = {
        "event": "bench",
        "workload": name,
        "threads": threads,
        "median_ms": median,
        "min_ms": min(times),
        "steps": len(times),
        "tokens_per_second": n_tokens / median * 1e3,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "imported_rss_mb": imported_mb,
    }
    print(json.dumps(line))


def seconds_of(step, at_least: float, n_at_least: int) -> list[float]:
    times = []
    start = last = time.perf_counter()
    while last - start < at_least or len(times) < n_at_least:
        step()
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return times
