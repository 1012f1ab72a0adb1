#!/usr/bin/env bash
# torch 2.13.0: a batch of pictures with one channel that is laid out channels-last stops being so for libtorch after
# `index_select`, or after a product with a mask, although no number moves. `is_contiguous(memory_format=
# torch.channels_last)` still says True, and `contiguous(memory_format=torch.channels_last)` changes nothing; but
# `conv2d` looks at the stride of the channel dimension of size 1, takes such a batch for channels-first and returns
# channels-first, and so does all that follows. With three channels the same steps stay channels-last.
#
# Who trains on grey pictures (FER2013 and FER+ are) channels-last, as the guides advise, does not get it from the
# second batch operation on and is not told: the max pool after the first convolution, for one, takes several times
# as long. Weights converted by `to(memory_format=torch.channels_last)` save it, and so does a view as [N, H, W, 1] of
# the contiguous batch, permuted: either has the stride that conv2d looks for.
#
# Seen (2026-11-29, Linux x86-64, one thread, the best of 15): strides of the input after index_select (2304, 2304,
# 48, 1), of the convolution's output (18432, 2304, 48, 1); through the view (2304, 1, 48, 1) and (18432, 1, 384, 8).
# A max pool of 3 × 3 of 64 × 8 × 48 × 48: 4.2 and 0.7 ms, 5.8 times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-cache-dir torch==2.13.0 numpy==2.3.5

"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import torch
from torch.nn.functional import conv2d, max_pool2d

torch.set_num_threads(1)
torch.manual_seed(0)


def last(x):
    """Whether channels are next to each other in memory, by the strides."""
    return x.stride(1) == 1


def best(of, rounds=15):
    of()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        of()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def same(condition, what):
    if not condition:
        sys.exit(f"torch 2.13.0 no longer behaves so: {what}")


some = torch.arange(64)
outputs = {}
for channels in (1, 3):
    weight = torch.randn(8, channels, 3, 3)
    pictures = torch.randn(128, 48, 48, channels).permute(0, 3, 1, 2)
    batch = pictures.index_select(0, some)
    masked = batch * torch.ones(64, 1, 48, 48)
    for name, x in [("index_select", batch), ("product with a mask", masked)]:
        again = x.contiguous(memory_format=torch.channels_last)
        says = again.is_contiguous(memory_format=torch.channels_last)
        output = conv2d(again, weight, padding=1)
        print(f"{channels} channels, {name}: says {says}, {again.stride()} to {output.stride()}")
        same(says and last(output) == (channels == 3), name)
        outputs[channels] = output
    if channels == 1:
        viewed = batch.contiguous().view(64, 48, 48, 1).permute(0, 3, 1, 2)
        output = conv2d(viewed, weight, padding=1)
        print(f"1 channel, viewed: {viewed.stride()} to {output.stride()}")
        same(torch.equal(viewed, batch) and last(output), "view")
        outputs["viewed"] = output
        converted = weight.to(memory_format=torch.channels_last)
        same(last(conv2d(batch, converted, padding=1)), "converted weights")

first, second = (best(lambda x=outputs[of]: max_pool2d(x, 3)) for of in (1, "viewed"))
print(f"max pool: {first * 1e3:.2f} ms and, viewed, {second * 1e3:.2f} ms: {first / second:.1f} times")
same(first > 2 * second, "time of the pool")
PYTHON
