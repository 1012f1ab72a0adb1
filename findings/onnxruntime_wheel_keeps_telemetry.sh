#!/usr/bin/env bash
# The Linux wheels of onnxruntime from 1.29.0 on (here 1.32.0) keep telemetry: creating one inference session leaves an
# identifier of the device and a database of events in the cache folder of whoever runs it, without a word, network or not.
# 1.28.0 and older leave nothing. With ORT_DISABLE_TELEMETRY=1 in the environment, set before the library starts, 1.32.0
# leaves nothing either.
#
# Who evaluates pictures of people on a machine of a clinic, or whose home folder is shared or counted, wants to know. So pin
# 1.28.0, or set the variable.
#
# Seen (2026-11-30, Linux x86-64, Python 3.11.7): 0 files by 1.28.0; by 1.32.0 two in ~/.cache/Microsoft/DeveloperTools/
# .onnxruntime/, deviceid and onnxruntime.db; none with the variable.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# files VERSION [VARIABLE=VALUE]: how many files a session leaves in an empty home folder.
files() {
    local venv=$folder/$1 home
    [[ -d $venv ]] || { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "onnxruntime==$1" onnx==1.23.2; }
    home=$(mktemp -d -p "$folder")
    env -i HOME="$home" PATH="$PATH" "${@:2}" "$venv/bin/python" - >&2 <<'PYTHON'
import time

import onnxruntime
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("Relu", ["x"], ["y"])],
    "relu",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
time.sleep(1)
PYTHON
    (cd "$home" && find . -type f) | tee /dev/stderr | wc -l
}

old=$(files 1.28.0)
new=$(files 1.32.0)
off=$(files 1.32.0 ORT_DISABLE_TELEMETRY=1)
echo "files left in the home folder: $old by 1.28.0, $new by 1.32.0, $off by 1.32.0 with ORT_DISABLE_TELEMETRY=1"
[[ $old == 0 && $new -gt 0 && $off == 0 ]] || {
    echo "onnxruntime no longer behaves so" >&2
    exit 1
}
