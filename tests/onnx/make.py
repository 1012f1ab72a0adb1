"""Makes the small networks beside this file, and PyTorch's own answers.

With torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.28.0:

    python tests/onnx/make.py

Every network has random weights, its last layer's large enough for answers that differ. `answers.json` holds, for six pictures
that the program makes too (value of row y, column x, channel c of picture i: (7 i + 31 y + 17 x + 53 c + x y) mod 256), the
probabilities that PyTorch gives.
"""

import json
import pathlib

import numpy
import onnx
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
SIDE, CLASSES, PICTURES = 16, 5, 6
BATCH = ({0: torch.export.Dim("batch")},)


def pictures(channels):
    i, y, x, c = numpy.ogrid[:PICTURES, :SIDE, :SIDE, :channels]
    return ((7 * i + 31 * y + 17 * x + 53 * c + x * y) % 256).astype("uint8")


class Small(nn.Module):
    def __init__(self, channels, softmax=False, nhwc=False):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 64, CLASSES),
        )
        self.softmax, self.nhwc = softmax, nhwc

    def forward(self, x):
        x = self.layers(x.permute(0, 3, 1, 2) if self.nhwc else x)
        return x.softmax(-1) if self.softmax else x


class Brightness(nn.Module):
    """Tells dark, grey and light pictures apart, as sadness, neutral and happiness in FER2013's order."""

    def forward(self, x):
        light = x.mean((1, 2, 3), keepdim=True).flatten(1)
        near = [-1.0, -1, -1, 1, 0, -1, 0.5]
        far = torch.tensor([4.0, 4, 4, 0, 0, 4, 0])
        return -((light - torch.tensor(near)) ** 2) - far


def network(seed, **options):
    torch.manual_seed(seed)
    model = Small(**options).eval()
    with torch.no_grad():
        model.layers[1].running_mean.uniform_(-0.2, 0.2)
        model.layers[1].running_var.uniform_(0.5, 2)
        model.layers[7].weight.mul_(4)
    return model


def bare(path):
    """Without the places in the author's files that the exporter notes."""
    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
    del model.metadata_props[:], model.graph.metadata_props[:]
    return model


def export(name, model, x, batch=True, **options):
    path = HERE / f"{name}.onnx"
    shapes = BATCH if batch else None
    torch.onnx.export(model, (x,), path, dynamic_shapes=shapes, external_data=False, verbose=False)
    onnx.save(bare(path), path, **options)
    return path


def main():
    answers = {}

    def note(name, model, x):
        with torch.no_grad():
            y = model(x)
        answers[name] = (y if model.softmax else y.softmax(-1)).double().numpy().round(7).tolist()

    grey = torch.from_numpy(pictures(1)).permute(0, 3, 1, 2).float() / 255
    mean, std = 0.5, 0.25
    x = (grey - mean) / std
    model = network(1, channels=1)
    export("grey", model, x[:2])
    note("grey", model, x)
    export("fixed_batch", model, x[:4], batch=False)
    export("outside", model, x[:2], save_as_external_data=True, location="outside.onnx.data", size_threshold=64)

    half = bare(HERE / "grey.onnx")
    from onnxruntime.transformers.float16 import convert_float_to_float16
    onnx.save(convert_float_to_float16(half), HERE / "half.onnx")

    colour = torch.from_numpy(pictures(3)).permute(0, 3, 1, 2).float()
    mean, std = torch.tensor([123.0, 117, 104]).view(1, 3, 1, 1), torch.tensor([58.0, 57, 57]).view(1, 3, 1, 1)
    x = (colour.flip(1) - mean) / std
    model = network(2, channels=3)
    export("bgr", model, x[:2])
    note("bgr", model, x)

    x = (torch.from_numpy(pictures(1)).float() / 127.5 - 1)
    model = network(3, channels=1, softmax=True, nhwc=True)
    export("nhwc", model, x[:2])
    note("nhwc", model, x)

    export("brightness", Brightness().eval(), torch.zeros(2, 1, SIDE, SIDE))

    (HERE / "answers.json").write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    main()
