"""Times the workloads in PyTorch as a careful user would write them: fused attention, fused AdamW, joint projection."""

import itertools

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from measuring import CARD_TOLERANCE, CHECKSUM_TOLERANCE, LOSS_TOLERANCE, Export, arguments, check_losses, check_sums, measure, read_export, resident_mb
from workloads import BETAS, EPSILON, LEARNING_RATE, NORM_EPSILON, WEIGHT_DECAY, WORKLOADS, Attention, Training, decays


ARGS = arguments()
DEVICE = torch.device(ARGS.device)


class Block(nn.Module):
    """`x + attention(norm(x))`, then `x + mlp(norm(x))` where there is an MLP."""

    def __init__(self, workload: Training, weights: dict[str, np.ndarray]):
        super().__init__()
        self.n_heads, self.causal = workload.n_heads, workload.causal
        self.norm_attention = norm(weights, "norm_attention")
        # One product for all three, as is usual; three take the same time within the noise.
        joint = np.concatenate([weights[f"attention.{name}"] for name in ("w_q", "w_k", "w_v")], axis=1)
        self.w_qkv = linear(joint)
        self.w_o = linear(weights["attention.w_o"]) if "attention.w_o" in weights else nn.Identity()
        self.mlp = None
        if "mlp.w_in" in weights:
            w_in = linear(weights["mlp.w_in"], weights["mlp.b_in"])
            w_out = linear(weights["mlp.w_out"], weights["mlp.b_out"])
            self.mlp = nn.Sequential(norm(weights, "norm_mlp"), w_in, nn.GELU(), w_out)

    def forward(self, x):
        q, k, v = (split_heads(part, self.n_heads) for part in self.w_qkv(self.norm_attention(x)).chunk(3, dim=-1))
        context = attend(q, k, v, self.causal)
        x = x + self.w_o(context.transpose(1, 2).flatten(2))
        return x if self.mlp is None else x + self.mlp(x)


class Transformer(nn.Module):
    """Logits of tokens; every parameter of the export is used, and none besides."""

    def __init__(self, workload: Training, weights: dict[str, np.ndarray]):
        super().__init__()
        self.embedding = nn.Embedding.from_pretrained(tensor(weights["embedding.table"]), freeze=False)
        self.positions = nn.Parameter(tensor(weights["positions.learned"]))
        blocks = (within(weights, f"blocks.{layer}.") for layer in range(workload.n_layers))
        self.blocks = nn.Sequential(*(Block(workload, of_block) for of_block in blocks))
        self.norm = norm(weights, "norm")
        self.unembedding = linear(weights["unembedding"])
        got, expected = sum(p.numel() for p in self.parameters()), sum(w.size for w in weights.values())
        assert got == expected, f"{got} parameters here, {expected} in qkv"

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions
        return self.unembedding(self.norm(self.blocks(x)))


def within(weights: dict[str, np.ndarray], place: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(place): w for name, w in weights.items() if name.startswith(place)}


def attend(q, k, v, causal: bool) -> torch.Tensor:
    """Fused; or, with `--eager`, as the definition has it, with the whole map in memory."""
    if not ARGS.eager:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5
    if causal:
        hidden = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(hidden, float("-inf"))
    return scores.softmax(-1) @ v


def tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).clone().to(DEVICE)


def wait() -> None:
    """A card works while the program goes on."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def tolerance(of_cpu: float) -> float:
    return of_cpu if DEVICE.type == "cpu" else CARD_TOLERANCE


def linear(w: np.ndarray, b: np.ndarray | None = None) -> nn.Linear:
    """qkv's weights multiply on the right, PyTorch's are their transposes."""
    layer = nn.Linear(*w.shape, bias=b is not None)
    layer.weight.data = tensor(w.T)
    if b is not None:
        layer.bias.data = tensor(b)
    return layer


def norm(weights: dict[str, np.ndarray], name: str) -> nn.LayerNorm:
    layer = nn.LayerNorm(weights[f"{name}.gamma"].shape, eps=NORM_EPSILON)
    layer.weight.data, layer.bias.data = tensor(weights[f"{name}.gamma"]), tensor(weights[f"{name}.beta"])
    return layer


def split_heads(x: torch.Tensor, n_heads: int) -> torch.Tensor:
    """`[batch, seq_len, heads·d]` to `[batch, heads, seq_len, d]`, without a copy."""
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def optimizer(model: nn.Module) -> torch.optim.AdamW:
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        groups[decays(name, parameter.dim())].append(parameter)
    return torch.optim.AdamW(
        [{"params": groups[True], "weight_decay": WEIGHT_DECAY}, {"params": groups[False], "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=BETAS,
        eps=EPSILON,
        fused=True,
    )


def training(workload: Training, export: Export, compiled: bool):
    model = Transformer(workload, export.parameters())
    adamw = optimizer(model)
    forward = torch.compile(model) if compiled else model
    pool = itertools.cycle(export.batches(np.int64))

    def step() -> float:
        tokens, targets = (torch.from_numpy(array).to(DEVICE) for array in next(pool))
        loss = F.cross_entropy(forward(tokens).flatten(0, 1), targets.flatten())
        value = loss.item()
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        adamw.step()
        wait()
        return value

    check_losses(export, step, tolerance(LOSS_TOLERANCE))
    return step


def attention(workload: Attention, export: Export, compiled: bool):
    inputs = {name: tensor(export.tensors[name]).requires_grad_() for name in ("q", "k", "v")}
    d_context = tensor(export.tensors["d_context"])

    def of_heads(q, k, v):
        q, k, v = (split_heads(x, workload.n_heads) for x in (q, k, v))
        return attend(q, k, v, True).transpose(1, 2).flatten(2)

    forward = torch.compile(of_heads) if compiled else of_heads

    def step() -> torch.Tensor:
        for x in inputs.values():
            x.grad = None
        context = forward(*inputs.values())
        context.backward(d_context)
        wait()
        return context

    results = {"context": step().detach().cpu().numpy()}
    results |= {f"d_{name}": x.grad.cpu().numpy() for name, x in inputs.items()}
    check_sums(export, results, tolerance(CHECKSUM_TOLERANCE))
    return step


def main() -> None:
    imported_mb = resident_mb()
    torch.set_num_threads(ARGS.threads)
    torch.backends.cuda.matmul.allow_tf32 = ARGS.tf32
    workload, export = WORKLOADS[ARGS.workload], read_export(ARGS.export)
    prepare = training if isinstance(workload, Training) else attention
    measure(ARGS.workload, ARGS.threads, imported_mb, prepare(workload, export, ARGS.compile))


if __name__ == "__main__":
    main()
