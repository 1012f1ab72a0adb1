"""ONNX Runtime's bare forward passes, for `cargo bench --bench foreign`, which starts it.

    bare.py NETWORK.onnx PICTURES.f32 N,C,H,W THREADS

Each line on standard input is a number of passes over all pictures; the answer is a line with their seconds. 0 asks for
the answers themselves.
"""

import sys
import time

import numpy
import onnxruntime

# As many pictures in a pass as fer-lab takes.
AT_ONCE = 32

network, pictures, shape, threads = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
session = onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
x = numpy.fromfile(pictures, dtype="<f4").reshape([int(side) for side in shape.split(",")])
batches = [numpy.ascontiguousarray(x[start : start + AT_ONCE]) for start in range(0, len(x), AT_ONCE)]

for line in sys.stdin:
    passes = int(line)
    if passes == 0:
        answers = numpy.concatenate([session.run(None, {name: batch})[0] for batch in batches])
        print(*answers.ravel().tolist(), flush=True)
        continue
    began = time.perf_counter()
    for _ in range(passes):
        for batch in batches:
            session.run(None, {name: batch})
    print(time.perf_counter() - began, flush=True)
