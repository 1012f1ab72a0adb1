"""The program ``fer-lab`` that was installed with this package."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def program() -> Path:
    """The file of ``fer-lab``, to be run with :mod:`subprocess`.

    It lies among the scripts of this Python's environment; otherwise it is looked for on the ``PATH``.

    Raises:
        FileNotFoundError: It is nowhere.
    """
    name = "fer-lab.exe" if os.name == "nt" else "fer-lab"
    folders = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    found = next((path for path in (shutil.which(name, path=folder) for folder in folders) if path), None)
    found = found or shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"there is no {name} in {folders[0]} or on the PATH: pip install fer-lab")
    return Path(found)


def main() -> None:
    """``python -m fer_lab …`` is ``fer-lab …``."""
    own = str(program())
    if os.name == "nt":
        import subprocess

        raise SystemExit(subprocess.call([own, *sys.argv[1:]]))
    os.execv(own, ["fer-lab", *sys.argv[1:]])
