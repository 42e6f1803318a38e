"""Weights as any program reads them: the format of safetensors, with nothing but Python's standard library.

    python3 tests/browser/safetensors_file.py FILE [OTHER]

Prints every tensor, and with a second file of the same tensors how far both are apart.
"""

import array
import json
import math
import sys

BYTES = {"F32": 4, "F64": 8}


def read(path):
    """Name, shape and numbers of every tensor. The file is a length of eight bytes, a header in JSON, and the numbers."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    numbers = content[8 + length :]
    tensors = {}
    for name, tensor in header.items():
        start, end = tensor["data_offsets"]
        assert end - start == math.prod(tensor["shape"]) * BYTES[tensor["dtype"]], (name, tensor)
        values = array.array("f" if tensor["dtype"] == "F32" else "d", numbers[start:end])
        if sys.byteorder == "big":
            values.byteswap()
        tensors[name] = (tensor["shape"], values)
    held = sum(len(values) * values.itemsize for _, values in tensors.values())
    assert held == len(numbers), f"{path} has {len(numbers)} bytes of numbers, and tensors of {held}"
    return tensors


def apart(one, other):
    """The largest difference of a number, and the largest number, over tensors of the same names and shapes."""
    assert {name: shape for name, (shape, _) in one.items()} == {name: shape for name, (shape, _) in other.items()}
    pairs = [pair for name, (_, values) in one.items() for pair in zip(values, other[name][1], strict=True)]
    return max(abs(a - b) for a, b in pairs), max(abs(b) for _, b in pairs)


if __name__ == "__main__":
    files = [read(path) for path in sys.argv[1:]]
    for name, (shape, values) in files[0].items():
        print(name, shape, f"{min(values):.4g} to {max(values):.4g}")
    if len(files) > 1:
        print("at most {:.3g} apart, of numbers up to {:.3g}".format(*apart(*files)))
