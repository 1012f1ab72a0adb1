"""What torchvision's networks give, for `tests/standard_networks.rs`.

    python -m venv v && v/bin/pip install torch==2.13.0 torchvision==0.28.0
    v/bin/python tests/networks/make.py > tests/networks/torchvision.json

Weights and pictures come from a hash of their names and places, so that no weights need to be stored.
"""

import json

import numpy as np
import torch
import torchvision
from torch import nn

CLASSES = 7


def mixed(numbers):
    """A hash of 32-bit numbers."""
    for _ in range(2):
        numbers = numbers ^ (numbers >> np.uint64(16))
        numbers = (numbers * np.uint64(0x045D9F3B)) & np.uint64(0xFFFFFFFF)
    return numbers ^ (numbers >> np.uint64(16))


def drawn(name, size):
    """Numbers from -1 to 1, float64."""
    start = 0
    for byte in name.encode():
        start = (start * 31 + byte) & 0xFFFFFFFF
    numbers = (np.arange(size, dtype=np.uint64) * np.uint64(2654435761) + np.uint64(start)) & np.uint64(0xFFFFFFFF)
    return mixed(numbers).astype(np.float64) / 2.0**31 - 1.0


def value(name, tensor):
    numbers = drawn(name, tensor.numel())
    if name.endswith("running_var"):
        numbers = 1.0 + 0.25 * numbers
    elif name.endswith("running_mean"):
        numbers = 0.1 * numbers
    elif tensor.dim() == 4:
        numbers = numbers * (6.0 / tensor[0].numel()) ** 0.5
    elif tensor.dim() == 2:
        numbers = numbers * tensor.shape[1] ** -0.5
    elif name.endswith("weight"):
        numbers = 1.0 + 0.1 * numbers
    else:
        numbers = 0.1 * numbers
    return torch.from_numpy(numbers.astype(np.float32)).reshape(tensor.shape)


def of(network):
    state = {name: value(name, tensor) for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    network.load_state_dict(state, strict=False)
    pictures = torch.from_numpy(drawn("pictures", 4 * 3 * 64 * 64).astype(np.float32)).reshape(4, 3, 64, 64)
    with torch.no_grad():
        answers = network.eval()(pictures)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    learned = network.train()(pictures)
    learned.square().mean().backward()
    gradients = {name: parameter.grad for name, parameter in network.named_parameters()}
    first, last = list(gradients)[0], list(gradients)[-2]
    running = [name for name in network.state_dict() if name.endswith("running_var")][-1]
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "answers": answers.tolist(),
        "learned": learned.tolist(),
        "gradients": {name: gradients[name].double().norm().item() for name in (first, last)},
        "running": {running: network.state_dict()[running].double().norm().item()},
    }


def small(network):
    network.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    network.maxpool = nn.Identity()
    return network


def main():
    models = torchvision.models
    networks = {
        "resnet 18 imagenet": models.resnet18(num_classes=CLASSES),
        "resnet 34 imagenet": models.resnet34(num_classes=CLASSES),
        "resnet 50 imagenet": models.resnet50(num_classes=CLASSES),
        "resnet 18 small": small(models.resnet18(num_classes=CLASSES)),
        "mobilenet_v2 imagenet": models.mobilenet_v2(num_classes=CLASSES),
    }
    found = {name: of(network) for name, network in networks.items()}
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    print(json.dumps({"versions": versions, "networks": found}, indent=1))


main()
