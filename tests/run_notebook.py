"""Runs the cells of a notebook: with Jupyter where it is installed, else one after another in one namespace.

Exit code 3: a package that the cells import is not installed; its name goes to stderr.
"""

import importlib.util
import json
import sys

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    cells = json.load(file)["cells"]
for package in ("matplotlib", "pandas", "pyarrow"):
    if not importlib.util.find_spec(package):
        print(package, file=sys.stderr)
        sys.exit(3)
if importlib.util.find_spec("nbclient") and importlib.util.find_spec("ipykernel"):
    import nbclient
    import nbformat

    nbclient.NotebookClient(nbformat.read(path, 4), timeout=120, kernel_name="python3").execute()
    print("with Jupyter")
else:
    names: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), path, "exec"), names)
    print("as a script")
