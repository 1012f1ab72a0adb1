#!/usr/bin/env bash
# safetensors 0.8.0 (Python, numpy 2.3.5): the same tensors with the same metadata give another file in each
# process, as soon as the metadata have two entries. Keys of the metadata are written in the order of a hash
# map that is seeded anew in every process; tensors are sorted, metadata are not. With one entry the bytes are
# always the same.
#
# Who names weights by a hash of the file, or holds two trainings against each other by their files' hashes,
# finds a difference where there is none. So put all notes into one entry (as JSON, say), or hash the tensors.
#
# Seen (2026-11-28, Linux x86-64, Python 3.11.7): 8 processes with four metadata entries made 8 different
# files; with one entry, 1 file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet safetensors==0.8.0 numpy==2.3.5

files() {
    for _ in 1 2 3 4 5 6 7 8; do
        "$folder/venv/bin/python" - "$@" <<'PYTHON'
import hashlib
import sys

import numpy
from safetensors.numpy import load, save

weights = {"head.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3)}
data = save(weights, metadata={key: "1" for key in sys.argv[1:]})
assert (load(data)["head.weight"] == weights["head.weight"]).all()
print(hashlib.sha256(data).hexdigest())
PYTHON
    done | sort -u | wc -l
}

one=$(files epoch)
four=$(files epoch seed model date)
echo "8 processes: $one file with one metadata entry, $four files with four"
[[ $one == 1 && $four -gt 1 ]] || {
    echo "safetensors 0.8.0 no longer behaves so" >&2
    exit 1
}
