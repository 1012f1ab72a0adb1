"""The scalars that TensorBoard finds below a folder, as JSON: run, tag, then steps with values. Exit code 3: no TensorBoard."""

import json
import os
import sys

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    sys.exit(3)

runs = {}
for folder, _, files in os.walk(sys.argv[1]):
    if any("tfevents" in file for file in files):
        events = EventAccumulator(folder)
        events.Reload()
        runs[os.path.relpath(folder, sys.argv[1])] = {
            tag: [[event.step, event.value, event.wall_time] for event in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
        }
json.dump(runs, sys.stdout)
