"""Converts ONNX's conformance cases of the operator Attention into `onnx_attention.safetensors` and `.json` beside it.

The PyPI package `onnx` 1.22.0 (Apache-2.0) holds 64 cases as protocol buffers; later versions ship none. Run once, in a
virtual environment that is thrown away, outside the repository:

    python3 -m venv /tmp/onnx
    /tmp/onnx/bin/pip install onnx==1.22.0 safetensors==0.8.0
    /tmp/onnx/bin/python tests/truth/onnx_attention.py

Every case has an entry in the JSON: opset, attributes, inputs and outputs by name. Its numbers are in the safetensors
file as `CASE/NAME`.
"""

import json
import pathlib

import onnx
from onnx import helper, numpy_helper
from safetensors.numpy import save_file

VERSION = "1.22.0"
PREFIX = "test_attention_"


def main():
    if onnx.__version__ != VERSION:
        raise SystemExit(f"expected onnx {VERSION}, got {onnx.__version__}")
    nodes = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    cases, numbers = {}, {}
    for folder in sorted(nodes.glob(PREFIX + "*")):
        if folder.name.endswith("_expanded"):
            continue
        name = folder.name.removeprefix(PREFIX)
        cases[name], tensors = case(folder)
        numbers |= {f"{name}/{key}": value for key, value in tensors.items()}
    here = pathlib.Path(__file__).parent
    save_file(numbers, here / "onnx_attention.safetensors")
    # One case a line: readable, and a change shows as one line.
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in cases.items())
    (here / "onnx_attention.json").write_text("{\n" + lines + "\n}\n")
    print(f"{len(cases)} cases")


def case(folder):
    """The entry of one case, and its tensors by name."""
    model = onnx.load(folder / "model.onnx")
    (node,) = model.graph.node
    (opset,) = [entry.version for entry in model.opset_import if entry.domain == ""]
    inputs = tensors(folder, "input", model.graph.input)
    outputs = tensors(folder, "output", model.graph.output)
    entry = {
        "opset": opset,
        "attributes": {a.name: helper.get_attribute_value(a) for a in node.attribute},
        "inputs": described(inputs),
        "outputs": described(outputs),
    }
    return entry, inputs | outputs


def tensors(folder, kind, values):
    files = [folder / "test_data_set_0" / f"{kind}_{index}.pb" for index in range(len(values))]
    return {value.name: numpy_helper.to_array(onnx.load_tensor(file)) for value, file in zip(values, files)}


def described(named):
    return {name: {"dtype": str(value.dtype), "shape": list(value.shape)} for name, value in named.items()}


if __name__ == "__main__":
    main()
