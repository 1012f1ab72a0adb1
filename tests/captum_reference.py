"""What PyTorch and Captum make of one small network: the numbers in tests/data/captum.json.

    python -m venv /tmp/captum && /tmp/captum/bin/pip install torch==2.15.0 captum==0.9.0 numpy
    /tmp/captum/bin/python tests/captum_reference.py > tests/data/captum.json

Nothing of fer-lab is used: the network is torch.nn's, masks are cut here, windows are Captum's Occlusion and values
its ShapleyValues (all orders). `evaluate::captum` holds fer-lab's own numbers against these.
"""

import json
import sys
from itertools import product

import captum
import numpy as np
import torch
from captum.attr import Occlusion, ShapleyValues
from torch import nn

SIDE, IMAGES, CLASSES = 48, 3, 2
WINDOW, STRIDE = 12, 6
STEPS = 8
# Corners in fractions of width and height; no two overlap.
REGIONS = [
    [(0.10, 0.12), (0.46, 0.08), (0.44, 0.40), (0.14, 0.37)],
    [(0.55, 0.11), (0.91, 0.15), (0.87, 0.42), (0.53, 0.38)],
    [(0.50, 0.45), (0.66, 0.62), (0.33, 0.64)],
    [(0.22, 0.70), (0.80, 0.68), (0.71, 0.93), (0.31, 0.91)],
]
# The class of each picture.
ACTUAL = [0, 1, 0]


class Block(nn.Module):
    def __init__(self, widths: list[int], last: bool):
        super().__init__()
        layers = []
        for before, after in zip(widths, widths[1:]):
            layers += [
                nn.Conv2d(before, after, 3, padding=1),
                nn.BatchNorm2d(after, eps=1e-3),
                nn.ReLU(),
            ]
        if not last:
            layers.append(nn.MaxPool2d(3, stride=3))
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Network(nn.Module):
    """VGG blocks [[4, 4], [6, 5]], then the mean over places and one dense layer; probabilities."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(Block([1, 4, 4], False), Block([4, 6, 5], True))
        self.head = nn.Linear(5, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.head(self.blocks(x).mean(dim=(2, 3))), dim=1)


def weights(network: Network) -> list[dict]:
    """By the names that fer-lab stores them under."""
    named = []
    put = lambda name, value: named.append(
        {"name": name, "shape": list(value.shape), "values": value.detach().flatten().tolist()}
    )
    for b, block in enumerate(network.blocks):
        convolutions = [layer for layer in block.layers if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in block.layers if isinstance(layer, nn.BatchNorm2d)]
        for c, (convolution, norm) in enumerate(zip(convolutions, norms)):
            put(f"blocks.{b}.{c}.conv.weight", convolution.weight)
            put(f"blocks.{b}.{c}.conv.bias", convolution.bias)
            put(f"blocks.{b}.{c}.norm.weight", norm.weight)
            put(f"blocks.{b}.{c}.norm.bias", norm.bias)
            put(f"blocks.{b}.{c}.norm.running_mean", norm.running_mean)
            put(f"blocks.{b}.{c}.norm.running_var", norm.running_var)
    put("head.weight", network.head.weight)
    put("head.bias", network.head.bias)
    return named


def mask(polygon: list[tuple[float, float]]) -> np.ndarray:
    """1 where a pixel's centre lies inside, by the number of sides that a ray to the right crosses."""
    inside = np.zeros((SIDE, SIDE), dtype=int)
    for row, column in product(range(SIDE), repeat=2):
        x, y = (column + 0.5) / SIDE, (row + 0.5) / SIDE
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1]):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) * (x1 - x0) / (y1 - y0):
                inside[row, column] ^= 1
    return inside


def main() -> None:
    torch.manual_seed(7)
    random = np.random.default_rng(7)
    network = Network().eval()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                for tensor in (layer.weight, layer.running_var):
                    tensor.copy_(0.5 + torch.rand_like(tensor))
                for tensor in (layer.bias, layer.running_mean):
                    tensor.copy_(0.3 * torch.randn_like(tensor))
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
    # Smooth, so that places differ, with noise on them.
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    pictures = np.stack([
        np.clip(
            127
            + 70 * np.sin(6 * rows * (i + 1) + i) * np.cos(5 * columns + 2 * i)
            + random.normal(0, 25, (SIDE, SIDE)),
            0,
            255,
        ).astype(np.uint8)
        for i in range(IMAGES)
    ])
    shares = pictures / 255.0
    # Hidden places get 0, the mean.
    x = torch.tensor((shares - shares.mean()) / shares.std(), dtype=torch.float32)[:, None]
    regions = [mask(polygon) for polygon in REGIONS]
    network.requires_grad_(False)
    # Answers that differ from picture to picture and with what is hidden, and are sure of nothing.
    parts = [torch.tensor(inside, dtype=torch.float32) for inside in regions]
    met = torch.cat([x, 0 * x, *(x * (1 - part) for part in parts), *(x * part for part in parts)])
    logits = network.head(network.blocks(met).mean(dim=(2, 3)))
    network.head.weight.mul_(2.0 / (logits[:, 0] - logits[:, 1]).std())
    logits = network.head(network.blocks(met).mean(dim=(2, 3)))
    network.head.bias.sub_(logits.mean(dim=0))
    answers = lambda batch: network(batch).double().numpy().tolist()

    def seen(members: list[int]) -> torch.Tensor:
        part = sum((regions[region] for region in members), np.zeros((SIDE, SIDE), dtype=int))
        return torch.tensor(part, dtype=torch.float32)

    hidden = [answers(x * (1 - seen([region]))) for region in range(len(REGIONS))]
    kept = [answers(x * seen([region])) for region in range(len(REGIONS))]

    target = torch.tensor(ACTUAL)
    maps = Occlusion(network).attribute(
        x,
        sliding_window_shapes=(1, WINDOW, WINDOW),
        strides=(1, STRIDE, STRIDE),
        baselines=0,
        target=target,
    )
    of_class = lambda c: [image for image in range(IMAGES) if ACTUAL[image] == c]
    windows = [maps[of_class(c), 0].double().mean(dim=0) for c in range(CLASSES)]

    # Everything outside of the regions is hidden already and worth nothing.
    groups = np.full((SIDE, SIDE), len(REGIONS))
    for region, inside in enumerate(regions):
        groups[inside == 1] = region
    everything = x * seen(list(range(len(REGIONS))))
    values = ShapleyValues(network).attribute(
        everything, baselines=0, target=target, feature_mask=torch.tensor(groups)[None, None]
    )
    shapley = [
        [float(values[image, 0][torch.tensor(inside == 1)][0]) for inside in regions]
        for image in range(IMAGES)
    ]

    curves = []
    for c in range(CLASSES):
        order = np.argsort(-windows[c].numpy().flatten(), kind="stable")
        turns = np.empty(SIDE * SIDE)
        turns[order] = np.arange(SIDE * SIDE)
        turns = turns.reshape(SIDE, SIDE)
        for kind in ("deletion", "insertion"):
            points = []
            for step in range(STEPS + 1):
                changed = step * SIDE * SIDE // STEPS
                part = turns >= changed if kind == "deletion" else turns < changed
                given = network(x[of_class(c)] * torch.tensor(part, dtype=torch.float32))
                points.append(float(given[:, c].double().mean()))
            curves.append({"class": c, "kind": kind, "points": points})

    version = torch.__version__.split("+")[0]
    json.dump(
        {
            "made_by": f"tests/captum_reference.py, torch {version}, captum {captum.__version__}",
            "actual": ACTUAL,
            "weights": weights(network),
            "pictures": pictures.flatten().tolist(),
            "regions": REGIONS,
            "masks": ["".join(map(str, inside.flatten())) for inside in regions],
            "whole": answers(x),
            "hidden": hidden,
            "kept": kept,
            # One value for each square of STRIDE x STRIDE, which the same windows cover.
            "windows": [m[::STRIDE, ::STRIDE].flatten().tolist() for m in windows],
            "shapley": shapley,
            "curves": curves,
        },
        sys.stdout,
        separators=(",", ":"),
    )
    print()


main()
