"""The work of `qkv train reverse` as a minimal PyTorch script; compare.py --main-job takes its time with all imports.

The sizes are those of crates/train/configs/reverse.toml. It does less than qkv: inputs are drawn as whole batches and
not kept apart by split (ten to the sixteenth of them never meet), and nothing but the last state is saved.
"""

import argparse
import json
import math

import torch
from torch import nn
from torch.nn import functional as F

SEQ_LEN, N_SYMBOLS, D_MODEL = 16, 10, 32
STEPS, BATCH, LEARNING_RATE, WARM_UP_STEPS, WEIGHT_DECAY, CLIP = 500, 128, 5e-3, 50, 0.01, 1.0
EVAL_EVERY, EVAL_EXAMPLES, TEST_EXAMPLES = 100, 1000, 10_000


class Model(nn.Module):
    """One pre-norm attention layer with sinusoidal positions; no W_O, no MLP, no biases but the norms'."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(N_SYMBOLS, D_MODEL)
        self.norm_attention = nn.LayerNorm(D_MODEL)
        self.w_qkv = nn.Linear(D_MODEL, 3 * D_MODEL, bias=False)
        self.norm = nn.LayerNorm(D_MODEL)
        self.unembedding = nn.Linear(D_MODEL, N_SYMBOLS, bias=False)
        angles = torch.arange(SEQ_LEN)[:, None] / 10_000 ** (torch.arange(0, D_MODEL, 2) / D_MODEL)
        self.register_buffer("positions", torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1))

    def forward(self, tokens):
        x = self.embedding(tokens) + self.positions
        q, k, v = self.w_qkv(self.norm_attention(x)).unsqueeze(1).chunk(3, dim=-1)
        x = x + F.scaled_dot_product_attention(q, k, v).squeeze(1)
        return self.unembedding(self.norm(x))


def factor(step: int) -> float:
    """What the learning rate is multiplied by."""
    if step < WARM_UP_STEPS:
        return (step + 1) / WARM_UP_STEPS
    return (1 + math.cos(math.pi * (step - WARM_UP_STEPS) / (STEPS - WARM_UP_STEPS))) / 2


def draw(n_examples: int):
    tokens = torch.randint(N_SYMBOLS, (n_examples, SEQ_LEN))
    return tokens, tokens.flip(1)


@torch.no_grad()
def evaluate(model: Model, n_examples: int) -> dict[str, float]:
    tokens, targets = draw(n_examples)
    logits = model(tokens)
    right = logits.argmax(-1) == targets
    return {
        "loss": F.cross_entropy(logits.flatten(0, 1), targets.flatten()).item(),
        "accuracy": right.float().mean().item(),
        "sequence_accuracy": right.all(1).float().mean().item(),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True, help="file for the last state")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = Model()
    matrices = [model.w_qkv.weight, model.unembedding.weight]
    others = [p for p in model.parameters() if not any(p is matrix for matrix in matrices)]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": others, "weight_decay": 0.0}]
    adamw = torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)
    for step in range(STEPS):
        tokens, targets = draw(BATCH)
        loss = F.cross_entropy(model(tokens).flatten(0, 1), targets.flatten())
        if not math.isfinite(loss.item()):
            raise SystemExit(f"the loss of step {step} is not finite")
        adamw.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for group in adamw.param_groups:
            group["lr"] = LEARNING_RATE * factor(step)
        adamw.step()
        if (step + 1) % EVAL_EVERY == 0:
            evaluate(model, EVAL_EXAMPLES)
    torch.save({"model": model.state_dict(), "optimizer": adamw.state_dict()}, args.out)
    print(json.dumps(evaluate(model, TEST_EXAMPLES)))


if __name__ == "__main__":
    main()
