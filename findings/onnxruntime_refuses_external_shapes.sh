#!/usr/bin/env bash
# onnxruntime 1.28.0 refuses an ONNX file whose Reshape takes its shape from the file of weights beside it, though the
# format allows any tensor to lie there, onnx.checker accepts it, and onnx's own reference evaluator runs it. onnx.save
# (1.23.2) writes such a file where its threshold is 0 ("all tensors"); with the default threshold of 1024 bytes small
# tensors stay inside, and it loads.
#
# Who splits a network so that the .onnx file holds no numbers at all gets files that only some runtimes open, and the
# error speaks of shape inference. So leave small tensors inside.
#
# Seen (2026-11-30, Linux x86-64, Python 3.11.7): threshold 1024: runs; threshold 0: the checker accepts it, the reference
# evaluator gives the right answer, and onnxruntime raises "[ShapeInferenceError] Cannot parse data from external tensors".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet onnxruntime==1.28.0 onnx==1.23.2 numpy==2.3.5

cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

x = numpy.arange(8, dtype=numpy.float32).reshape(1, 2, 4)
nodes = [
    helper.make_node("Reshape", ["x", "flat"], ["rows"]),
    helper.make_node("MatMul", ["rows", "weights"], ["y"]),
]
graph = helper.make_graph(
    nodes,
    "reshape",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, 4])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 300])],
    [
        numpy_helper.from_array(numpy.array([1, 8], dtype=numpy.int64), "flat"),
        numpy_helper.from_array(numpy.ones((8, 300), dtype=numpy.float32), "weights"),
    ],
)


def outcome(threshold):
    # Saving moves the tensors out of the model that is saved.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    file = f"threshold_{threshold}.onnx"
    onnx.save(model, file, save_as_external_data=True, location=f"{file}.data", size_threshold=threshold)
    onnx.checker.check_model(file)
    expected = ReferenceEvaluator(file).run(None, {"x": x})[0]
    assert (expected == x.sum()).all()
    try:
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own class of errors differs between versions
        return str(error).split("] ", 2)[-1].splitlines()[0][:160]
    assert (session.run(None, {"x": x})[0] == expected).all()
    return "runs"


inside, outside = outcome(1024), outcome(0)
print("threshold 1024:", inside)
print("threshold 0:", outside)
if inside != "runs" or "external tensors" not in outside:
    raise SystemExit("onnxruntime 1.28.0 no longer behaves so")
PYTHON
