"""Runs the cells of a notebook: with Jupyter where it is installed, else one after another in one namespace.

Exit code 3: a package that the cells import is not installed; its name goes to stderr.
"""

import importlib.util
import json
import os
import sys

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    cells = json.load(file)["cells"]
for package in ("matplotlib", "polars"):
    if not importlib.util.find_spec(package):
        print(package, file=sys.stderr)
        sys.exit(3)
if importlib.util.find_spec("nbclient") and importlib.util.find_spec("ipykernel"):
    import nbclient
    import nbformat

    # As a reader has it: the kernel draws into the notebook, whatever this machine's setting, and starts in its folder.
    os.environ.pop("MPLBACKEND", None)
    resources = {"metadata": {"path": os.path.dirname(path) or "."}}
    notebook = nbformat.read(path, 4)
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) == 1, f"{len(pictures)} pictures show, not one"
    print("with Jupyter")
else:
    # There may be no display.
    os.environ["MPLBACKEND"] = "Agg"
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), path, "exec"), names)
    print("as a script")
