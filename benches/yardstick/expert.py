"""Training and evaluation as someone writes them who knows where PyTorch loses time.

Activations lie channels-last; the split lives on the device as bytes and is augmented as whole batches;
Adam is one fused kernel; nothing waits for the device between the first step and the last. In evaluation
batch normalisation is folded into the convolutions by PyTorch's own tool, a batch is standardised once
for all covers, and the batch size is the fastest of a few.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile

from network import Network, Precision, build
from task import COMPARED, EPSILON, LEARNING_RATE, ROTATE, SCALE, WARM_UP, Task, Timing, cover

EVALUATION_BATCHES = (64, 128, 256, 512)


class Split:
    """The pictures as bytes and the labels, on the device."""

    def __init__(self, task: Task) -> None:
        mean, deviation = task.standardisation()
        device = task.spec.device
        self.pixels = task.pixels.to(device)
        self.labels = task.labels.to(device)
        # (value / 255 − mean) / deviation, as one multiplication and one addition.
        self.scale = (1 / (255 * deviation)).to(device)
        self.shift = (-mean / deviation).to(device)

    def __len__(self) -> int:
        return len(self.pixels)

    def standardised(self, pixels: Tensor) -> Tensor:
        """[N, H, W, C] as bytes becomes [N, C, H, W], float32, channels-last."""
        return torch.addcmul(self.shift, pixels.float(), self.scale).permute(0, 3, 1, 2)

    def select(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Standardised pictures and labels."""
        pixels, labels = self.pixels.index_select(0, index), self.labels.index_select(0, index)
        return self.standardised(pixels), labels


def augmented(pictures: Tensor) -> Tensor:
    """Each picture [N, C, H, W] under its own rotation, scaling and flip, channels-last."""
    count, _, height, width = pictures.shape
    draws = torch.rand(4, count, device=pictures.device)
    angle, wider, taller, side = (2 * draws - 1).unbind()
    sin, cos = torch.sin(angle * math.radians(ROTATE)), torch.cos(angle * math.radians(ROTATE))
    wider, taller, flip = 1 + SCALE * wider, 1 + SCALE * taller, side.sign()
    aspect, zero = width / height, torch.zeros_like(sin)
    rows = [flip * cos / wider, flip * sin / wider / aspect, zero]
    rows += [-sin / taller * aspect, cos / taller, zero]
    theta = torch.stack(rows, dim=1).view(count, 2, 3)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    warped = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return warped.contiguous(memory_format=torch.channels_last)


def covered(pictures: Tensor, condition: int) -> Tensor:
    """Standardised pictures with the mean, which is 0, where the cover lies."""
    rows, columns = cover(condition, *pictures.shape[2:])
    result = pictures.clone()
    result[:, :, rows, columns] = 0
    return result


def is_operator(event: FunctionEvent) -> bool:
    return event.name.startswith("aten::")


def is_within_operator(event: FunctionEvent) -> bool:
    parent = event.cpu_parent
    return parent is not None and (is_operator(parent) or is_within_operator(parent))


class Expert:
    """`compiled`: whether the network goes through torch.compile. Its time is not counted where every batch
    is full, so that the first ones meet every size."""

    name = "expert"

    def __init__(self, task: Task, compiled: bool = False) -> None:
        self.task = task
        self.split = Split(task)
        self.compiled = compiled
        # The fastest size, once it is known.
        self.evaluation_batch: dict[Precision, int] = {}

    # --- Training ---

    def train(self, precision: Precision, steps: int) -> Timing:
        step = self._training(precision)
        batches = self._batches()
        for _ in range(WARM_UP):
            step(next(batches))
        self._wait()
        start = time.perf_counter()
        images = 0
        for _ in range(steps):
            index = next(batches)
            step(index)
            images += len(index)
        self._wait()
        return Timing(images, time.perf_counter() - start)

    def count_operators(self, precision: Precision) -> tuple[Counter[str], int]:
        """How often one step calls each of libtorch's operators and, on a GPU, each launch; and how many of
        the operators are called by no other."""
        step = self._training(precision)
        batches = self._batches()
        for _ in range(WARM_UP):
            step(next(batches))
        index = next(batches)
        activities = [ProfilerActivity.CPU]
        if self.task.spec.device != "cpu":
            activities.append(ProfilerActivity.CUDA)
        with profile(activities=activities) as profiled:
            step(index)
            self._wait()
        events = profiled.events()
        calls = Counter(e.name for e in events if is_operator(e) or "Launch" in e.name)
        return calls, sum(is_operator(e) and not is_within_operator(e) for e in events)

    def losses(self, precision: Precision, steps: int) -> list[float]:
        """Losses of steps of SGD over consecutive batches as they are."""
        network = self._network(precision).train()
        optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        losses = []
        everything = torch.arange(len(self.split), device=self.task.spec.device)
        for index in everything.split(self.task.spec.batch_size)[:steps]:
            pictures, labels = self.split.select(index)
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(network(pictures), labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).tolist()

    def _training(self, precision: Precision) -> Callable[[Tensor], None]:
        """A function that does one step over the pictures of an index, from the first weights on."""
        network = self._compile(self._network(precision).train())
        optimizer = torch.optim.Adam(
            network.parameters(), lr=LEARNING_RATE, eps=EPSILON, fused=True
        )
        loss_sum, correct = torch.zeros(2, device=self.task.spec.device)

        def step(index: Tensor) -> None:
            pictures, labels = self.split.select(index)
            pictures = augmented(pictures)
            optimizer.zero_grad(set_to_none=True)
            logits = network(pictures)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum.add_(loss.detach(), alpha=len(index))
            correct.add_((logits.argmax(1) == labels.argmax(1)).sum())

        return step

    def _batches(self) -> Iterator[Tensor]:
        """Indices of batches, epoch after epoch, every epoch in an order of its own."""
        while True:
            order = torch.randperm(len(self.split), device=self.task.spec.device)
            yield from order.split(self.task.spec.batch_size)

    # --- Evaluation ---

    def evaluate(self, precision: Precision, conditions: int) -> Timing:
        network = self._compile(self._network(precision).folded())
        if precision not in self.evaluation_batch:
            self.evaluation_batch[precision] = self._fastest_batch(network)
        size = self.evaluation_batch[precision]
        self._probabilities(network, range(1), size, self.split.pixels[:size])
        start = time.perf_counter()
        probabilities = self._probabilities(network, range(conditions), size, self.split.pixels)
        seconds = time.perf_counter() - start
        return Timing(probabilities.shape[0] * probabilities.shape[1], seconds)

    def probabilities(self, precision: Precision, condition: int) -> list[list[float]]:
        """Of the first 64 pictures, [64, K]."""
        network = self._network(precision).folded()
        conditions = range(condition, condition + 1)
        pixels = self.split.pixels[:COMPARED]
        return self._probabilities(network, conditions, COMPARED, pixels)[0].tolist()

    @torch.inference_mode()
    def _probabilities(
        self, network: nn.Module, conditions: range, size: int, pixels: Tensor
    ) -> Tensor:
        """[conditions, N, K] on the CPU."""
        batches = []
        for part in pixels.split(size):
            pictures = self.split.standardised(part)
            answers = [network(covered(pictures, condition)).softmax(1) for condition in conditions]
            batches.append(torch.stack(answers))
        return torch.cat(batches, dim=1).cpu()

    def _fastest_batch(self, network: nn.Module) -> int:
        """The batch size that answers the same pictures soonest, the better of two tries each."""
        pixels = self.split.pixels[: max(EVALUATION_BATCHES)]

        def seconds(size: int) -> float:
            start = time.perf_counter()
            self._probabilities(network, range(2), size, pixels)
            return time.perf_counter() - start

        sizes = [size for size in EVALUATION_BATCHES if size <= len(pixels)] or [len(pixels)]
        return min(sizes, key=lambda size: min(seconds(size), seconds(size)))

    # --- Both ---

    def _network(self, precision: Precision) -> Network:
        # The setting is the process's: `Usual` sets it too.
        torch.backends.cudnn.benchmark = True
        # cuDNN rounds f32 to TF32 unless told otherwise; fer-lab tells it.
        torch.backends.cudnn.allow_tf32 = False
        network = build(self.task.spec, self.task.weights, precision)
        return network.to(memory_format=torch.channels_last)

    def _compile(self, network: nn.Module) -> nn.Module:
        # A graph for each batch size: the ones that serve every size are slower.
        return torch.compile(network, dynamic=False) if self.compiled else network

    def _wait(self) -> None:
        if self.task.spec.device != "cpu":
            torch.cuda.synchronize()
