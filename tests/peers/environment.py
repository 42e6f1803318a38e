"""Makes the throw-away Python environment of the peers: pinned PyTorch and JAX, for Linux and the CPU alone.

PyTorch's wheel for Linux is linked to CUDA libraries of 3 GB, which nothing here calls. They are left out, and functions
that do nothing take their place: `import torch` then takes 0.3 GB of memory instead of 0.65, near a build for the CPU,
which is what qkv has to be compared with.
"""

import re
import subprocess
import sys
from pathlib import Path

# What the peers import, and what that needs; `--no-deps` keeps everything else out.
PACKAGES = [
    "torch==2.15.0",
    "jax==0.10.2",
    "jaxlib==0.10.2",
    "numpy==2.4.6",
    "safetensors==0.8.0",
    "scipy",
    "ml_dtypes",
    "opt_einsum",
    "filelock",
    "typing_extensions",
    "sympy",
    "mpmath",
    "networkx",
    "jinja2",
    "markupsafe",
    "fsspec",
    "setuptools>=77",
    # Constructors of PyTorch's libraries call these two before `main`; 55 MB.
    "nvidia-cuda-runtime==13.2.86",
    "nvidia-cuda-cupti==13.2.86",
]

# The libraries that are left out, and the names of the functions that PyTorch expects in them.
UNUSED_LIBRARY = re.compile(r"lib(cublas|cudnn|cufft|cufile|cusolver|cusparse|nccl|nvrtc|nvshmem)")
UNUSED_SYMBOL = re.compile(r"(cublas|cudnn|cufft|cuFile|cusolver|cusparse|nccl|nvrtc|nvshmem)\w*$")


def install(folder: Path) -> Path:
    """Makes the environment in `folder` and returns its interpreter."""
    python = folder / "bin" / "python"
    print(f"installing the peers into {folder}: a minute or more, and 2 GB", file=sys.stderr)
    run([sys.executable, "-m", "venv", str(folder)])
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-cache-dir"]
    run([*pip, "--no-deps", *PACKAGES])
    site = run([str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip()
    stand_in(Path(site) / "torch" / "lib")
    print(run([str(python), "-c", VERSIONS]).strip(), file=sys.stderr)
    return python


VERSIONS = "import jax, torch; print('torch', torch.__version__, ' jax', jax.__version__)"


def stand_in(libraries: Path) -> None:
    """Puts one library, whose functions do nothing, in the place of all that PyTorch is linked to and does not use."""
    names, symbols = set(), set()
    for library in libraries.glob("*.so"):
        dynamic = run(["readelf", "--wide", "--dynamic", str(library)])
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
        names.update(name for name in needed if UNUSED_LIBRARY.match(name))
        for line in run(["readelf", "--wide", "--dyn-syms", str(library)]).splitlines():
            fields = line.split()
            symbol = fields[7].split("@")[0] if len(fields) > 7 and fields[6] == "UND" else ""
            if UNUSED_SYMBOL.match(symbol):
                symbols.add(symbol)
    source = libraries / "unused.c"
    source.write_text("".join(f"void {symbol}(void) {{}}\n" for symbol in sorted(symbols)))
    compile_library = ["cc", "-w", "-fno-builtin", "-shared", "-fPIC", "-Wl,--no-as-needed,-rpath,$ORIGIN"]
    run([*compile_library, "-o", str(libraries / "libunused.so"), str(source)])
    # The symbols have versions, which the loader wants from a library of the right name; one of another name is not
    # asked for them. So the libraries with the right names are empty, and point to the one that has the symbols.
    empty = libraries / "empty.c"
    empty.write_text("")
    for name in names:
        target = ["-o", str(libraries / name), f"-Wl,-soname,{name}", str(empty)]
        run([*compile_library, *target, f"-L{libraries}", "-lunused"])


def run(command: list[str]) -> str:
    """What `command` prints; its complaints go to ours."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
