"""The work that everyone is measured at: pictures, labels, a network's first weights, covers.

It is written to a folder as raw numbers, so that fer-lab reads the same bytes without a library for a
file format.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

# Networks by name: the section `[model]` of fer-lab's experiment files, and the pictures' channels.
NETWORKS = {
    "standard": ({"kind": "vgg", "blocks": [[64, 64], [96, 96, 96], [128, 128, 128]]}, 3),
    "small": ({"kind": "vgg", "blocks": [[8], [24, 24], [48, 48]]}, 1),
    "resnet18": ({"kind": "resnet", "depth": 18, "stem": "imagenet"}, 3),
    "resnet18_small_stem": ({"kind": "resnet", "depth": 18, "stem": "small"}, 3),
}

# The augmentation of the seed study: rotation by up to so many degrees, scaling by up to this share, and a
# flip of every second picture.
ROTATE = 10.0
SCALE = 0.1

# Adam's, with TensorFlow's epsilon.
LEARNING_RATE = 1e-3
EPSILON = 1e-7

# Steps before the clock starts: libraries choose their kernels and allocate in the first ones.
WARM_UP = 5

# How many covers a picture is evaluated under.
CONDITIONS = 7

# Pictures whose probabilities are compared.
COMPARED = 64


@dataclass(frozen=True)
class Spec:
    """What `spec.json` says."""

    height: int
    width: int
    channels: int
    classes: int
    model: dict
    batch_size: int
    threads: int
    device: str
    count: int


@dataclass(frozen=True)
class Timing:
    """How many pictures took how long."""

    images: int
    seconds: float

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.images / self.seconds


@dataclass(frozen=True)
class Task:
    """`pixels` [N, H, W, C], uint8; `labels` [N, K], distributions, float32; `weights` by the names that
    fer-lab's `Network::parameters` gives. All on the CPU."""

    spec: Spec
    pixels: Tensor
    labels: Tensor
    weights: dict[str, Tensor]

    def standardisation(self) -> tuple[Tensor, Tensor]:
        """Each channel's mean and standard deviation over the split, of values from 0 to 1."""
        values = self.pixels.flatten(0, 2).double() / 255
        return values.mean(0).float(), values.std(0, correction=0).float()

    def write(self, folder: Path) -> None:
        """Writes what the command `load` of the protocol reads."""
        (folder / "spec.json").write_text(json.dumps(asdict(self.spec)))
        (folder / "pictures.bin").write_bytes(self.pixels.numpy().tobytes())
        (folder / "labels.bin").write_bytes(self.labels.numpy().tobytes())
        shapes = [{"name": name, "shape": list(w.shape)} for name, w in self.weights.items()]
        (folder / "weights.json").write_text(json.dumps(shapes))
        values = [weight.contiguous().numpy().tobytes() for weight in self.weights.values()]
        (folder / "weights.bin").write_bytes(b"".join(values))

    @staticmethod
    def read(folder: Path) -> "Task":
        """The task that `write` wrote."""
        spec = Spec(**json.loads((folder / "spec.json").read_text()))
        pixels = numbers(folder / "pictures.bin", torch.uint8)
        labels = numbers(folder / "labels.bin", torch.float32)
        values = numbers(folder / "weights.bin", torch.float32)
        weights = {}
        for entry in json.loads((folder / "weights.json").read_text()):
            size = torch.Size(entry["shape"]).numel()
            weights[entry["name"]] = values[:size].view(entry["shape"])
            values = values[size:]
        return Task(
            spec=spec,
            pixels=pixels.view(spec.count, spec.height, spec.width, spec.channels),
            labels=labels.view(spec.count, spec.classes),
            weights=weights,
        )


def numbers(path: Path, kind: torch.dtype) -> Tensor:
    """What a file of raw numbers holds, in one row."""
    return torch.frombuffer(bytearray(path.read_bytes()), dtype=kind)


def cover(condition: int, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns that the cover of this number (0 to 6) hides: a quarter of the height, half of the
    width."""
    top = condition * (height - height // 4) // CONDITIONS
    left = width // 4
    return slice(top, top + height // 4), slice(left, left + width // 2)
