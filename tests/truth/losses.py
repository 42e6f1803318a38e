"""Writes losses.json: losses of PyTorch and their gradients by the logits, in double precision, for answers that are
tokens, distributions and real numbers.

    pip install torch==2.15.0 && python losses.py
"""

import json

import torch
from torch.nn.functional import cross_entropy, mse_loss, one_hot

N, VOCAB_SIZE = 7, 5
TARGETS = [3, 0, 4, 4, 1, 2, 3]

# Sixty-fourths, which single precision has exactly; one of them is a token.
SIXTY_FOURTHS = [
    [16, 16, 16, 8, 8],
    [1, 2, 3, 26, 32],
    [0, 0, 64, 0, 0],
    [0, 32, 0, 32, 0],
    [13, 13, 13, 13, 12],
    [40, 8, 8, 4, 4],
    [5, 7, 11, 17, 24],
]

# Of which the first three logits are the predictions.
N_NUMBERS = 3
NUMBERS = [(7 * index % 23 - 11) / 8 for index in range(N * N_NUMBERS)]

DISTRIBUTIONS = (torch.tensor(SIXTY_FOURTHS, dtype=torch.float64) / 64).reshape(N, VOCAB_SIZE)

# By name, settings and kind of answer.
CASES = [
    ("cross-entropy", {}, "tokens", lambda logits, targets: cross_entropy(logits, targets)),
    *(
        (
            "label-smoothing",
            {"smoothing": smoothing},
            "tokens",
            lambda logits, targets, smoothing=smoothing: cross_entropy(logits, targets, label_smoothing=smoothing),
        )
        for smoothing in (0.0, 0.1, 0.35, 1.0)
    ),
    (
        "mean-squared-error",
        {},
        "tokens",
        lambda logits, targets: mse_loss(logits, one_hot(targets, VOCAB_SIZE).double()),
    ),
    ("cross-entropy", {}, "distributions", lambda logits, _: cross_entropy(logits, DISTRIBUTIONS)),
    (
        "label-smoothing",
        {"smoothing": 0.35},
        "distributions",
        lambda logits, _: cross_entropy(logits, DISTRIBUTIONS, label_smoothing=0.35),
    ),
    ("mean-squared-error", {}, "distributions", lambda logits, _: mse_loss(logits, DISTRIBUTIONS)),
    (
        "mean-squared-error",
        {},
        "numbers",
        lambda logits, _: mse_loss(
            logits[:, :N_NUMBERS], torch.tensor(NUMBERS, dtype=torch.float64).reshape(N, N_NUMBERS)
        ),
    ),
]


def main():
    numbers = torch.arange(N * VOCAB_SIZE, dtype=torch.float64)
    targets = torch.tensor(TARGETS)
    cases = []
    for name, settings, answers, loss in CASES:
        logits = (3 * torch.sin(1 + 0.7 * numbers)).reshape(N, VOCAB_SIZE).requires_grad_()
        value = loss(logits, targets)
        value.backward()
        case = {"name": name, "settings": settings, "answers": answers, "loss": value.item()}
        cases.append({**case, "d_logits": logits.grad.flatten().tolist()})
    logits = logits.detach().flatten().tolist()
    with open("losses.json", "w") as file:
        answers = {"targets": TARGETS, "distributions": DISTRIBUTIONS.flatten().tolist(), "numbers": NUMBERS}
        json.dump({"vocab_size": VOCAB_SIZE, **answers, "logits": logits, "cases": cases}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
