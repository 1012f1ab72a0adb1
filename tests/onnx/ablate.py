"""What Captum's FeatureAblation makes of a network that was not trained by fer-lab: the numbers in effects.json beside this file.

With torch 2.13.0, captum 0.9.0, onnx 1.23.2, onnxscript 0.7.2, numpy:

    python tests/onnx/ablate.py

The network is that of `bgr.onnx`, as `make.py` makes it in PyTorch: it takes colour pictures as OpenCV reads them. Pictures are
`make.py`'s, and masks are cut here: nothing of fer-lab and nothing of ONNX Runtime is used. A feature is a region, a pair of
regions, or all that is in no region; to ablate it is to put the training mean or a grey value there. `tests/onnx_networks.rs` holds
fer-lab's effects for the same file and masks against these.
"""

import json
import pathlib

import captum
import numpy
import torch
from captum.attr import FeatureAblation

from make import CLASSES, PICTURES, SIDE, network, pictures

HERE = pathlib.Path(__file__).parent
# Corners in fractions of width and height; no two overlap.
REGIONS = [
    [(0.10, 0.12), (0.46, 0.08), (0.44, 0.40), (0.14, 0.37)],
    [(0.55, 0.11), (0.91, 0.15), (0.87, 0.42), (0.53, 0.38)],
    [(0.50, 0.45), (0.66, 0.62), (0.33, 0.64)],
    [(0.22, 0.70), (0.80, 0.68), (0.71, 0.93), (0.31, 0.91)],
]
# Sets of regions that are hidden together. All that is in none is one more feature: to hide it is to see the last set alone.
GROUPINGS = [[[0], [1], [2], [3]], [[0, 1], [2, 3]], [[0, 1, 2, 3]]]
# One value in all channels, as a share of white.
GREY = 0.9
# As `make.py` scales the pictures of this network, in its own order of channels.
MEAN, STD = torch.tensor([123.0, 117, 104]), torch.tensor([58.0, 57, 57])


def mask(polygon):
    """Where a pixel's centre lies inside, by the number of sides that a ray to the right crosses."""
    row, column = numpy.mgrid[:SIDE, :SIDE]
    x, y = (column + 0.5) / SIDE, (row + 0.5) / SIDE
    inside = numpy.zeros((SIDE, SIDE), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1]):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return torch.from_numpy(inside)


def scaled(rgb):
    """As the network takes it, `[N, 3, …]`, of values from 0 to 255."""
    by_channel = lambda numbers: numbers.double().view(1, 3, 1, 1)
    return (rgb.flip(1) - by_channel(MEAN)) / by_channel(STD)


def of_feature(attributed, inside):
    """The effect on each class of each picture, which is the same in every pixel of the feature."""
    return [[round(float(of_class[picture, 0][inside][0]), 9) for of_class in attributed] for picture in range(PICTURES)]


def main():
    model = network(2, channels=3).double()
    forward = lambda x: model(x).softmax(-1)
    rgb = torch.from_numpy(pictures(3)).permute(0, 3, 1, 2).double()
    x = scaled(rgb)
    with torch.no_grad():
        whole = forward(x)
    stored = torch.tensor(json.loads((HERE / "answers.json").read_text())["bgr"])
    assert (whole - stored).abs().max() < 1e-6, "the network is not that of bgr.onnx"

    fills = {"mean": scaled(rgb.mean((0, 2, 3)).view(1, 3, 1, 1)), "constant": scaled(torch.full((1, 3, 1, 1), 255.0 * GREY))}
    regions = [mask(polygon) for polygon in REGIONS]
    effects = []
    for fill, baseline in fills.items():
        for grouping in GROUPINGS:
            features = torch.zeros((SIDE, SIDE), dtype=torch.int64)
            for number, members in enumerate(grouping, 1):
                for region in members:
                    features[regions[region]] = number
            attributed = [
                FeatureAblation(forward).attribute(
                    x, baselines=baseline.expand_as(x), target=target, feature_mask=features.view(1, 1, SIDE, SIDE)
                )
                for target in range(CLASSES)
            ]
            for number, members in enumerate(grouping, 1):
                effects.append({"fill": fill, "mode": "hide", "regions": members, "effects": of_feature(attributed, features == number)})
        effects.append({"fill": fill, "mode": "keep", "regions": members, "effects": of_feature(attributed, features == 0)})
    version = torch.__version__.split("+")[0]
    content = {
        "made_by": f"tests/onnx/ablate.py, torch {version}, captum {captum.__version__}",
        "pictures": PICTURES,
        "regions": REGIONS,
        "grey": GREY,
        "masks": ["".join(str(int(inside)) for inside in region.flatten()) for region in regions],
        "effects": effects,
    }
    # A line an effect.
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in content.items() if key != "effects"]
    lines.append(' "effects": [\n  ' + ",\n  ".join(map(json.dumps, content["effects"])) + "\n ]")
    (HERE / "effects.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
