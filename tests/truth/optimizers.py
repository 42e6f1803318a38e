"""Writes optimizers.safetensors: weights after every tenth of 100 updates by PyTorch's optimizers, in double precision.

    pip install torch==2.15.0 safetensors==0.8.0 && python optimizers.py

Every parameter has the loss `sum(c * w) + sum(w * w) / 2` with another `c` at every step. Matrices are `[d_in, d_out]` in the
file and the other way round for PyTorch, as its linear layers have them; they decay, and neither the table nor the vector
does. The output is a map to logits, which Muon leaves to AdamW. In some cases the gradients are clipped by their common
norm. Lion is not in PyTorch: its class here is algorithm 2 of https://arxiv.org/abs/2302.06675.
"""

import json

import torch
from safetensors.torch import save_file

N_STEPS = 100
EVERY = 10
SHAPES = {"tall": (4, 3), "wide": (3, 5), "table": (5, 4), "vector": (3,), "square": (3, 3), "output": (3, 4)}
MAPS = ["tall", "wide", "square"]
LINEAR = [*MAPS, "output"]

# `torch.optim.Muon` orthogonalises in this precision, which would leave two digits. Everything else is its own code.
torch.bfloat16 = torch.float64


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta_1, beta_2), decay = group["lr"], group["betas"], group["weight_decay"]
            for w in group["params"]:
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                c = beta_1 * m + (1 - beta_1) * w.grad
                w -= lr * (torch.sign(c) + decay * w)
                self.state[w]["m"] = beta_2 * m + (1 - beta_2) * w.grad


def groups(weights, weight_decay):
    """The parameters by whether they decay."""
    return [
        {"params": [w for name, w in weights.items() if name in LINEAR], "weight_decay": weight_decay},
        {"params": [w for name, w in weights.items() if name not in LINEAR], "weight_decay": 0.0},
    ]


def adam_w(weights, lr, beta_1, beta_2, epsilon, weight_decay):
    return [torch.optim.AdamW(groups(weights, weight_decay), lr=lr, betas=(beta_1, beta_2), eps=epsilon)]


def adam(weights, lr, beta_1, beta_2, epsilon, weight_decay):
    return [torch.optim.Adam(groups(weights, weight_decay), lr=lr, betas=(beta_1, beta_2), eps=epsilon)]


def sgd(weights, lr, momentum, nesterov, weight_decay):
    return [torch.optim.SGD(groups(weights, weight_decay), lr=lr, momentum=momentum, nesterov=nesterov)]


def lion(weights, lr, beta_1, beta_2, weight_decay):
    return [Lion(groups(weights, weight_decay), lr=lr, betas=(beta_1, beta_2), weight_decay=0.0)]


def muon(weights, lr, momentum, nesterov, weight_decay, adjust_lr, adam_w_share, beta_1, beta_2, epsilon):
    of_maps = torch.optim.Muon(
        [weights[name] for name in MAPS],
        lr=lr,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        adjust_lr_fn=adjust_lr.replace("-", "_"),
    )
    others = {name: w for name, w in weights.items() if name not in MAPS}
    return [of_maps, *adam_w(others, lr * adam_w_share, beta_1, beta_2, epsilon, weight_decay)]


ADAM = dict(beta_1=0.8, beta_2=0.95, epsilon=1e-3)

# By name: PyTorch's optimizers, what they are called here, the rate, and the settings.
CASES = {
    "adam-w": (adam_w, "adam-w", 0.05, dict(ADAM, weight_decay=0.3)),
    "adam": (adam, "adam", 0.05, dict(ADAM, weight_decay=0.0)),
    "adam-with-decay": (adam, "adam", 0.05, dict(ADAM, weight_decay=0.3)),
    "sgd": (sgd, "sgd", 0.05, dict(momentum=0.9, nesterov=False, weight_decay=0.0)),
    "sgd-nesterov": (sgd, "sgd", 0.05, dict(momentum=0.8, nesterov=True, weight_decay=0.3)),
    "sgd-without-momentum": (sgd, "sgd", 0.2, dict(momentum=0.0, nesterov=False, weight_decay=0.3)),
    "lion": (lion, "lion", 0.01, dict(beta_1=0.9, beta_2=0.99, weight_decay=0.3)),
    "muon": (
        muon,
        "muon",
        0.02,
        dict(ADAM, momentum=0.95, nesterov=True, weight_decay=0.1, adjust_lr="original", adam_w_share=0.5),
    ),
    "muon-unclamped": (
        muon,
        "muon",
        0.02,
        dict(ADAM, momentum=0.95, nesterov=True, weight_decay=0.0, adjust_lr="spectral-unclamped", adam_w_share=1.0),
    ),
    "muon-as-adam-w": (
        muon,
        "muon",
        0.02,
        dict(ADAM, momentum=0.9, nesterov=False, weight_decay=0.1, adjust_lr="match-rms-adamw", adam_w_share=1.0),
    ),
}

# The largest norm in a second run of these cases: below the norm of the gradients at some steps and above it at others.
CLIP = 6.0
CLIPPED = ["adam-w", "adam-with-decay", "sgd-nesterov", "lion", "muon"]

# What PyTorch adds to the norm before it divides by it.
ADDED = 1e-6


def numbers(function, start, shape):
    """`function(start + 0.7 i)` for the i-th value, row-major."""
    n = torch.Size(shape).numel()
    return function(start + 0.7 * torch.arange(n, dtype=torch.float64)).reshape(shape)


def turned(name, tensor):
    return tensor.T.contiguous() if name in LINEAR else tensor


def clipped(weights, clip):
    """Whether the gradients were longer than `clip`, which they now are not. PyTorch's code, but by clip / norm."""
    parameters = list(weights.values())
    norm = torch.nn.utils.get_total_norm([w.grad for w in parameters])
    torch.nn.utils.clip_grads_with_norm_(parameters, clip, norm - ADDED)
    return bool(norm > clip)


def factor(norm, clip):
    """What `clip_grad_norm_` as it is multiplies gradients of this common norm by."""
    w = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    w.grad = norm * torch.tensor([0.6, -0.8], dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_([w], clip)
    return w.grad[0] / (0.6 * norm)


def trained(make, lr, settings, clip):
    weights = {
        name: turned(name, numbers(torch.cos, index, shape)).requires_grad_()
        for index, (name, shape) in enumerate(SHAPES.items())
    }
    optimizers = make(weights, lr, **settings)
    records = {name: [] for name in SHAPES}
    n_clipped = 0
    for step in range(N_STEPS):
        loss = 0.0
        for name, w in weights.items():
            c = turned(name, numbers(torch.sin, 1.3 * step, SHAPES[name]))
            loss = loss + (c * w).sum() + (w * w).sum() / 2
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        n_clipped += clip > 0 and clipped(weights, clip)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                # Another rate at every step.
                group.setdefault("first_lr", group["lr"])
                group["lr"] = group["first_lr"] * (1 - step / (2 * N_STEPS))
            optimizer.step()
        if (step + 1) % EVERY == 0:
            for name, w in weights.items():
                records[name].append(turned(name, w.detach().clone()))
    assert clip == 0 or N_STEPS / 10 < n_clipped < N_STEPS, n_clipped
    return {name: torch.stack(record) for name, record in records.items()}


def main():
    torch.use_deterministic_algorithms(True)
    runs = {case: (*CASES[case], 0.0) for case in CASES}
    runs.update({f"{case}-clipped": (*CASES[case], CLIP) for case in CLIPPED})
    tensors, cases = {}, {}
    for case, (make, name, lr, settings, clip) in runs.items():
        cases[case] = {"name": name, "lr": lr, "clip": clip, "settings": settings}
        for parameter, record in trained(make, lr, settings, clip).items():
            tensors[f"{case}/{parameter}"] = record
    # A norm, the largest allowed, and the factor.
    factors = [(norm, clip, factor(norm, clip)) for norm, clip in [(6.0, 2.0), (3e-6, 1e-6), (2.0, 2.0), (1.0, 2.0)]]
    tensors["factors"] = torch.tensor(factors, dtype=torch.float64)
    # One key: several would be written in random order.
    save_file(tensors, "optimizers.safetensors", metadata={"cases": json.dumps(cases)})


if __name__ == "__main__":
    main()
