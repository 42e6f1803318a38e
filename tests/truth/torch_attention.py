"""Records weights, input, output and attention weights of PyTorch's nn.MultiheadAttention in torch_attention.json.

Needs PyTorch; run from anywhere: python3 tests/truth/torch_attention.py
"""

import json
from pathlib import Path

import torch

# Three heads of width 4, so that heads, widths and positions cannot be exchanged unnoticed.
D_MODEL, N_HEADS, BATCH, SEQ_LEN = 12, 3, 2, 5
# Of cross-attention: the width of the source, its length and how much of it is real in each entry.
D_SOURCE, SOURCE_LEN, REAL = 7, 8, [3, 8]


def record(bias: bool) -> dict:
    torch.manual_seed(7 + bias)
    layer = torch.nn.MultiheadAttention(D_MODEL, N_HEADS, bias=bias, batch_first=True, dtype=torch.float64)
    for parameter in layer.parameters():  # PyTorch's biases start at zero.
        torch.nn.init.normal_(parameter, std=0.5)
    x = torch.randn(BATCH, SEQ_LEN, D_MODEL, dtype=torch.float64)
    causal = torch.triu(torch.ones(SEQ_LEN, SEQ_LEN, dtype=torch.bool), diagonal=1)
    found = {"weights": {name: tensor.tolist() for name, tensor in layer.state_dict().items()}, "x": x.tolist()}
    for name, mask in [("all", None), ("causal", causal)]:
        output, weights = layer(x, x, x, attn_mask=mask, average_attn_weights=False)
        found[name] = {"output": output.tolist(), "weights": weights.tolist()}
    return found


def record_cross(bias: bool) -> dict:
    torch.manual_seed(17 + bias)
    widths = {"kdim": D_SOURCE, "vdim": D_SOURCE}
    layer = torch.nn.MultiheadAttention(
        D_MODEL, N_HEADS, bias=bias, batch_first=True, dtype=torch.float64, **widths
    )
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    x = torch.randn(BATCH, SEQ_LEN, D_MODEL, dtype=torch.float64)
    source = torch.randn(BATCH, SOURCE_LEN, D_SOURCE, dtype=torch.float64)
    padding = torch.arange(SOURCE_LEN) >= torch.tensor(REAL)[:, None]
    later = torch.triu(torch.ones(SEQ_LEN, SOURCE_LEN, dtype=torch.bool), diagonal=1)
    weights = {name: tensor.tolist() for name, tensor in layer.state_dict().items()}
    found = {"weights": weights, "x": x.tolist(), "source": source.tolist()}
    masks = [("all", {}), ("padding", {"key_padding_mask": padding}), ("causal", {"attn_mask": later})]
    for name, mask in masks:
        output, weights = layer(x, source, source, average_attn_weights=False, **mask)
        found[name] = {"output": output.tolist(), "weights": weights.tolist()}
    return found


cases = {"version": torch.__version__, "with_bias": record(True), "without_bias": record(False)}
cases |= {"cross_with_bias": record_cross(True), "cross_without_bias": record_cross(False)}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases) + "\n")
print(f"{path}: {path.stat().st_size} bytes, PyTorch {torch.__version__}")
