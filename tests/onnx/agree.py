"""Holds fer-lab's answers for torchvision's networks against PyTorch's, under every occlusion.

With torch 2.13.0, torchvision 0.28.0, onnx 1.23.2, onnxscript 0.7.2, numpy:

    python tests/onnx/agree.py FOLDER networks    # exports the networks, with random weights
    FER_LAB_NETWORKS=FOLDER cargo test --release --test onnx_networks -- --ignored
    python tests/onnx/agree.py FOLDER             # prints the largest differences

Pictures come to PyTorch as fer-lab masks them, with values from 0 to 1, and are standardised here as torchvision does.
"""

import pathlib
import sys

import numpy
import torch
import torchvision

NETWORKS = {"resnet18": 112, "mobilenet_v3_small": 112, "efficientnet_b0": 112, "vit_b_16": 224}


def network(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(num_classes=7)
    if name.startswith("vit"):
        # torchvision starts this head with zeros: every answer would be 0.
        torch.nn.init.normal_(model.heads.head.weight, std=0.02)
    # With the running statistics that a network starts with, features fade from layer to layer, and answers are all alike.
    if any(isinstance(layer, torch.nn.BatchNorm2d) for layer in model.modules()):
        model.train()
        with torch.no_grad():
            for _ in range(30):
                model(torch.rand(16, 3, NETWORKS[name], NETWORKS[name]))
    return model.eval()


def export(folder):
    batch = ({0: torch.export.Dim("batch")},)
    for name, side in NETWORKS.items():
        x = torch.zeros(2, 3, side, side)
        torch.onnx.export(network(name), (x,), folder / f"{name}.onnx", dynamic_shapes=batch, external_data=False)


def compare(folder):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    for name in NETWORKS:
        inputs = folder / f"{name}.inputs.npy"
        if not inputs.exists():
            continue
        x = torch.from_numpy(numpy.load(inputs))
        x = (x - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        found = torch.from_numpy(numpy.load(folder / f"{name}.logits.npy"))
        with torch.no_grad():
            model = network(name)
            wanted = torch.cat([model(some) for some in x.split(24)])
        off = (found - wanted).abs().max().item()
        same = (found.argmax(1) == wanted.argmax(1)).float().mean().item()
        largest = wanted.abs().max().item()
        print(f"{name}: {len(x)} pictures, logits up to {largest:.3g}, largest difference {off:.1e}, same class {same:.4f}")


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    export(folder) if sys.argv[2:] == ["networks"] else compare(folder)
