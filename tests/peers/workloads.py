"""Says what is measured: the sizes of every workload, under the names that `qkv bench` gives them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """Training steps of a pre-norm transformer; `d_mlp` follows from the weights."""

    batch: int
    seq_len: int
    d_model: int
    n_heads: int
    n_layers: int
    vocab_size: int
    causal: bool = True


@dataclass(frozen=True)
class Attention:
    """Forward and backward of causal attention alone, batch 1, from `q`, `k`, `v` and `d_context`."""

    seq_len: int
    n_heads: int = 4
    d_head: int = 64


WORKLOADS = {
    "toy": Training(64, 16, 64, 1, 1, 32),
    "reverse": Training(128, 16, 32, 1, 1, 10, causal=False),
    "small": Training(64, 64, 64, 4, 2, 64),
    "char": Training(12, 64, 128, 4, 4, 65),
    "lm": Training(32, 256, 128, 4, 2, 64),
    "long-4096": Attention(4096),
    "long-16384": Attention(16384),
}

LEARNING_RATE = 1e-3
BETAS = (0.9, 0.999)
EPSILON = 1e-8
WEIGHT_DECAY = 0.01
NORM_EPSILON = 1e-5


def decays(name: str, n_axes: int) -> bool:
    """Whether qkv's AdamW decays the parameter `name`: matrices only, no tables of vectors."""
    is_table = any(part in ("embedding", "positions") for part in name.split("."))
    return n_axes >= 2 and not is_table
