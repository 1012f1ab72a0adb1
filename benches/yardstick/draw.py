"""Draws a task: all of it follows from a seed."""

import torch
import torch.nn.functional as F
from torch import Tensor

from network import blank
from task import Spec, Task


def task(spec: Spec, seed: int = 1) -> Task:
    """The task of these sizes."""
    generator = torch.Generator().manual_seed(seed)
    pixels, labels = split(spec, generator)
    return Task(spec, pixels, labels, weights(spec, generator))


def split(spec: Spec, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures and labels: smooth noise in an oval, which holds some of each class's own pattern, as much
    as ten drawn annotators voted for it. A training on them learns."""
    shape = (spec.channels, spec.height // 6, spec.width // 6)
    chances = torch.rand(spec.count, spec.classes, generator=generator).pow(4)
    votes = torch.multinomial(chances, 10, replacement=True, generator=generator)
    labels = F.one_hot(votes, spec.classes).float().mean(1)
    patterns = torch.randn(spec.classes, *shape, generator=generator)
    noise = torch.randn(spec.count, *shape, generator=generator)
    coarse = torch.einsum("nk,kchw->nchw", labels, patterns) + noise
    smooth = F.interpolate(coarse, size=(spec.height, spec.width), mode="bilinear")
    y, x = (torch.linspace(-1, 1, size) for size in (spec.height, spec.width))
    oval = torch.sigmoid(8 * (0.9 - (y[:, None] ** 2 + 1.5 * x[None, :] ** 2)))
    values = 128 * oval + 40 * smooth
    return values.clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous(), labels


def weights(spec: Spec, generator: torch.Generator) -> dict[str, Tensor]:
    """He et al. (2015) for the filters. Nothing else is left at 0 or 1, so that a parameter that goes to
    the wrong place, or nowhere, shows in the results."""
    drawn = {}
    for name, value in blank(spec, "f32").named().state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        noise = torch.randn(value.shape, generator=generator)
        if value.dim() > 1:
            drawn[name] = noise * (2 / value[0].numel()) ** 0.5
            if name == "fc.weight":
                # What residual blocks add up is large, and probabilities are to be neither 0 nor 1.
                drawn[name] *= 0.1
        elif name.endswith("running_var"):
            drawn[name] = 1 + 0.5 * noise.tanh()
        elif name.endswith("weight"):
            drawn[name] = 1 + 0.1 * noise
        else:
            drawn[name] = 0.1 * noise
    return drawn
