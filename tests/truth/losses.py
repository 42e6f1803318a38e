"""Writes losses.json: losses of PyTorch and their gradients by the logits, in double precision.

    pip install torch==2.15.0 && python losses.py
"""

import json

import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

N, VOCAB_SIZE = 7, 5
TARGETS = [3, 0, 4, 4, 1, 2, 3]

# By name and settings.
CASES = [
    ("cross-entropy", {}, lambda logits, targets: cross_entropy(logits, targets)),
    *(
        (
            "label-smoothing",
            {"smoothing": smoothing},
            lambda logits, targets, smoothing=smoothing: cross_entropy(logits, targets, label_smoothing=smoothing),
        )
        for smoothing in (0.0, 0.1, 0.35, 1.0)
    ),
    ("mean-squared-error", {}, lambda logits, targets: mse_loss(logits, one_hot(targets, VOCAB_SIZE).double())),
]


def main():
    numbers = torch.arange(N * VOCAB_SIZE, dtype=torch.float64)
    targets = torch.tensor(TARGETS)
    cases = []
    for name, settings, loss in CASES:
        logits = (3 * torch.sin(1 + 0.7 * numbers)).reshape(N, VOCAB_SIZE).requires_grad_()
        value = loss(logits, targets)
        value.backward()
        case = {"name": name, "settings": settings, "loss": value.item(), "d_logits": logits.grad.flatten().tolist()}
        cases.append(case)
    logits = logits.detach().flatten().tolist()
    with open("losses.json", "w") as file:
        json.dump({"vocab_size": VOCAB_SIZE, "targets": TARGETS, "logits": logits, "cases": cases}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
