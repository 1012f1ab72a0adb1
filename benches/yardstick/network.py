"""The network of `src/model/network.rs` as a module of PyTorch, its parameters under the same names."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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


class Network(nn.Module):
    """Blocks of layers, a 3 × 3 max pool with stride 3 between them; the mean over the picture; one dense
    layer. With bf16 the blocks run under autocast; what follows is small and stays in f32."""

    def __init__(self, spec: Spec, precision: Precision) -> None:
        super().__init__()
        self.autocast = precision == "bf16"
        widths = [spec.channels] + [width for block in spec.blocks for width in block]
        layers = iter([Layer(i, o) for i, o in pairwise(widths)])
        self.blocks = nn.ModuleList(
            nn.Sequential(*(next(layers) for _ in block)) for block in spec.blocks
        )
        self.head = nn.Linear(widths[-1], spec.classes)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N, K], float32, of standardised pictures [N, C, H, W]."""
        with torch.autocast(pictures.device.type, torch.bfloat16, enabled=self.autocast):
            x = self.blocks[0](pictures.to(self.blocks[0][0].conv.weight.dtype))
            for block in self.blocks[1:]:
                x = block(F.max_pool2d(x, 3, 3))
        return self.head(x.float().mean((2, 3)))


def build(spec: Spec, weights: dict[str, Tensor], precision: Precision) -> Network:
    """The network with these weights, on the device of the spec."""
    network = Network(spec, precision)
    missing, unknown = network.load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unknown:
        raise ValueError(f"weights do not fit the network: missing {missing}, unknown {unknown}")
    return network.to(spec.device)
