"""What the package fer_lab finds in the folder of an experiment, as JSON. Exit code 3: there is nothing to read tables with."""

import importlib.util
import json
import sys

import fer_lab

folder, frames = sys.argv[1:]
if not importlib.util.find_spec(frames):
    sys.exit(3)
study = fer_lab.read(folder, frames=frames)
errors = {}
for name, ask in {
    "folder": lambda: fer_lab.read(folder + "/.."),
    "absent": lambda: fer_lab.read(folder + "/absent"),
    "table": lambda: study["nothing"],
}.items():
    try:
        ask()
    except (fer_lab.NotAnExperiment, KeyError) as error:
        errors[name] = str(error)
json.dump(
    {
        "name": study.name,
        "tables": {name: list(table.shape) for name, table in study.items()},
        "accuracies": [float(value) for value in study["runs"]["test_accuracy"]],
        "figures": sorted(study.figures),
        "missing": [str(file) for file in study.figures.values() if not file.is_file()],
        "captions": study.captions,
        "numbers": sorted(study.numbers),
        "report": str(study.report),
        "errors": errors,
    },
    sys.stdout,
)
