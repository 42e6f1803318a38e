"""Follows the page for researchers from an empty folder: its files, its commands and its Python, in the order of the page.

    python3 tests/page/follow.py FOLDER

FOLDER is empty. The clone is a link to this one, and what is compiled lies in its `target`, so that the crates of others
are not compiled again.
"""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
END = "END_OF_BLOCK"


def blocks(page):
    """The language, the text and the line before each block, which ends with the name of its file if it is one."""
    return [(language, text, before) for before, language, text in re.findall(r"([^\n]*)\n\n```(\w+)\n(.*?)```", page, re.S)]


def script(page, folder, python):
    """One script of all blocks but the last of TOML."""
    lines = ["set -euxo pipefail", f"cd '{folder}'"]
    for language, text, before in blocks(page):
        name = re.search(r"`([\w/.]+)`:$", before)
        if language == "sh":
            lines.append(text)
        elif language == "python":
            lines.append(f"'{python}' - <<'{END}'\n{text}{END}")
        elif language == "toml" and name:
            lines.append(f"cat >'{folder}/{name[1]}' <<'{END}'\n{text}{END}")
    script = "\n".join(lines)
    assert script.count("git clone URL qkv") == 1, "the page does not begin with a clone"
    return script.replace("git clone URL qkv", f"ln -s '{ROOT}' qkv")


def main():
    folder = Path(sys.argv[1]).resolve()
    assert not any(folder.iterdir()), f"{folder} must be empty"
    page = (ROOT / "examples" / "RESEARCH.md").read_text()
    kinds = [language for language, _, _ in blocks(page)]
    assert kinds == ["sh", "toml", "sh", "toml", "sh", "toml", "python"], f"the page has other blocks: {kinds}"

    venv.create(folder / "python", with_pip=True)
    python = folder / "python" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", "numpy", "safetensors"], check=True)
    environment = {**os.environ, "CARGO_TARGET_DIR": os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))}
    subprocess.run(["bash", "-c", script(page, folder, python)], check=True, env=environment)

    # The workspace around both; without `exclude` cargo finds two workspaces.
    workspace = next(text for _, text, _ in blocks(page) if "[workspace]" in text)
    (folder / "Cargo.toml").write_text(workspace)
    metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
    found = subprocess.run(metadata, check=True, cwd=folder / "mine", capture_output=True, text=True).stdout
    assert json.loads(found)["workspace_root"] == str(folder), found
    print("the page for researchers was followed to its end")


main()
