#!/usr/bin/env bash
# torch 2.13.0: `torch.set_num_threads(1)` as the first call into torch of a new thread does not stick. It sets OpenMP's
# limit of this thread and a number that the process shares; but the thread's first other use of torch (even
# `get_num_threads`) sets the limit once more, to whatever number the process shares by then. If another thread, the main
# one for instance, has called `set_num_threads` in between, to have its own back, the new thread runs with that.
#
# Who gives each thread of a pool one core, by an initialiser that calls `set_num_threads(1)`, and then restores the
# main thread's, gets N × N threads on N cores and is not told. `get_num_threads()` before `set_num_threads(1)` in the
# thread makes it stick.
#
# Seen (2026-11-29, Linux x86-64): set alone 2, asked before 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-cache-dir torch==2.13.0 numpy==2.3.5

"$folder/venv/bin/python" - <<'PYTHON'
import sys
import threading

import torch


def threads_later(ask_first):
    """The limit of a thread that sets it to 1, after the main thread has set its own to 2 again."""
    has_set, go_on, found = threading.Event(), threading.Event(), []

    def work():
        if ask_first:
            torch.get_num_threads()
        torch.set_num_threads(1)
        has_set.set()
        go_on.wait()
        found.append(torch.get_num_threads())

    thread = threading.Thread(target=work)
    thread.start()
    has_set.wait()
    torch.set_num_threads(2)
    go_on.set()
    thread.join()
    return found[0]


torch.set_num_threads(2)
torch.get_num_threads()
found = {"set alone": threads_later(False), "asked before": threads_later(True)}
print(", ".join(f"{how} {threads}" for how, threads in found.items()))
if found != {"set alone": 2, "asked before": 1}:
    sys.exit("torch 2.13.0 no longer behaves so")
PYTHON
