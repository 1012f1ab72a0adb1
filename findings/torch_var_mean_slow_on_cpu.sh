#!/usr/bin/env bash
# torch 2.13.0 on a CPU: `torch.var_mean` of float32 over the rows of a matrix takes several times as long as the
# textbook's two passes, a mean and the mean of the squared differences, although those write two matrices of the
# same size on the way. Both give the same values to rounding.
#
# Who writes batch statistics by hand (adapted batch normalisation, standardisation of a split, statistics of
# features from patches) and takes the one call that seems made for it waits for it.
#
# Seen (2026-11-29, Linux x86-64, an Intel Xeon with AVX-512, one thread, the best of 9): [147456, 8] 6.2 ms, in
# two passes 1.2 ms; [36864, 24] 4.5 and 1.1 ms; [9216, 48] 2.4 and 0.4 ms. On a busy hour of the same machine up
# to 7.4 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-cache-dir torch==2.13.0 numpy==2.3.5

"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import torch

torch.set_num_threads(1)
torch.manual_seed(0)


def best(of, rounds=9):
    of()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        of()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def two_passes(x):
    mean = x.mean(0)
    return (x - mean).square().mean(0), mean


slower = []
for shape in [(147456, 8), (36864, 24), (9216, 48)]:
    x = torch.randn(*shape)
    for one, other in zip(torch.var_mean(x, 0, correction=0), two_passes(x)):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    one, two = best(lambda: torch.var_mean(x, 0, correction=0)), best(lambda: two_passes(x))
    print(f"{list(shape)}: var_mean {one * 1e3:.1f} ms, two passes {two * 1e3:.1f} ms: {one / two:.1f} times")
    slower.append(one / two)
sys.exit(0 if min(slower) > 2 else "torch 2.13.0 no longer behaves so")
PYTHON
