"""The networks of `src/model` as modules of PyTorch, their parameters under the same names."""

import copy
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse
from torch.nn.utils.fusion import fuse_conv_bn_eval

from task import Spec

Precision = Literal["f32", "bf16"]


class Layer(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        # TensorFlow's momentum of 0.99 is 0.01 in PyTorch's sense.
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)), inplace=True)


class Vgg(nn.Module):
    """Blocks of layers, a 3 × 3 max pool with stride 3 between them; the mean over the picture; one dense
    layer. With bf16 the blocks run under autocast; what follows is small and stays in f32."""

    def __init__(self, spec: Spec, precision: Precision) -> None:
        super().__init__()
        self.autocast = precision == "bf16"
        shape = spec.model["blocks"]
        widths = [spec.channels] + [width for block in shape for width in block]
        layers = iter([Layer(i, o) for i, o in pairwise(widths)])
        self.blocks = nn.ModuleList(
            nn.Sequential(*(next(layers) for _ in block)) for block in shape
        )
        self.head = nn.Linear(widths[-1], spec.classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, K], float32, of standardised pictures [N, C, H, W]."""
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=self.autocast):
            x = self.blocks[0](pictures.to(self.blocks[0][0].conv.weight.dtype))
            for block in self.blocks[1:]:
                x = block(F.max_pool2d(x, 3, 3))
        return self.head(x.float().mean((2, 3)))

    def named(self) -> nn.Module:
        """What has the parameters under fer-lab's names."""
        return self

    def folded(self) -> "Vgg":
        """In evaluation mode with batch normalisation folded into the convolutions; for bf16 with filters
        that are converted once, where autocast would convert them in every batch."""
        network = copy.deepcopy(self).eval()
        for block in network.blocks:
            for layer in block:
                layer.conv = fuse_conv_bn_eval(layer.conv, layer.norm)
                layer.norm = nn.Identity()
        if network.autocast:
            network.autocast = False
            network.blocks.bfloat16()
        return network.to(memory_format=torch.channels_last)


class Standard(nn.Module):
    """A network of torchvision's. With bf16 it runs under autocast."""

    def __init__(self, spec: Spec, precision: Precision) -> None:
        super().__init__()
        # Without it torchvision is not needed.
        from torchvision import models

        self.autocast = precision == "bf16"
        model = spec.model
        if model["kind"] != "resnet" or spec.channels != 3:
            raise ValueError(f"no network for {model} and {spec.channels} channels")
        self.net = getattr(models, f"resnet{model['depth']}")(num_classes=spec.classes)
        if model["stem"] == "small":
            self.net.conv1 = nn.Conv2d(spec.channels, 64, 3, padding=1, bias=False)
            self.net.maxpool = nn.Identity()

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, K], float32, of standardised pictures [N, C, H, W]."""
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=self.autocast):
            return self.net(pictures.to(self.net.fc.weight.dtype)).float()

    def named(self) -> nn.Module:
        """What has the parameters under fer-lab's names."""
        return self.net

    def folded(self) -> "Standard":
        """As `Vgg.folded`."""
        network = copy.deepcopy(self).eval()
        network.net = fuse(network.net)
        if network.autocast:
            network.autocast = False
            network.net.bfloat16()
        return network.to(memory_format=torch.channels_last)


Network = Vgg | Standard


def blank(spec: Spec, precision: Precision) -> Network:
    """The network, its weights as PyTorch draws them."""
    return (Vgg if spec.model["kind"] == "vgg" else Standard)(spec, precision)


def build(spec: Spec, weights: dict[str, Tensor], precision: Precision) -> Network:
    """The network with these weights, on the device of the spec."""
    network = blank(spec, precision)
    missing, unknown = network.named().load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unknown:
        raise ValueError(f"weights do not fit the network: missing {missing}, unknown {unknown}")
    return network.to(spec.device)
