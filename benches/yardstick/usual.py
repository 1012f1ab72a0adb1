"""Training and evaluation as most people write them, from the tutorials of PyTorch and torchvision."""

import time
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from network import Network, Precision, build
from task import EPSILON, LEARNING_RATE, ROTATE, SCALE, WARM_UP, Task, Timing, cover

WORKERS = 2


class Pictures(Dataset):
    """PIL images with their labels, transformed one by one; with the cover of a condition if one is set.
    They are decoded beforehand, which is kinder than a folder of files."""

    def __init__(
        self, task: Task, transform: transforms.Compose, condition: int | None = None
    ) -> None:
        # Pillow wants one channel as [H, W].
        self.images = [Image.fromarray(p.squeeze(-1).numpy()) for p in task.pixels]
        self.labels = task.labels
        self.transform = transform
        self.condition = condition

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        picture = self.transform(self.images[index])
        if self.condition is not None:
            rows, columns = cover(self.condition, *picture.shape[1:])
            picture[:, rows, columns] = 0
        return picture, self.labels[index]


class Usual:
    """Pictures are transformed by two worker processes and travel batch by batch, in NCHW."""

    name = "usual"

    def __init__(self, task: Task) -> None:
        self.task = task
        self.device = torch.device(task.spec.device)
        mean, deviation = task.standardisation()
        tensor = [transforms.ToTensor(), transforms.Normalize(mean.tolist(), deviation.tolist())]
        augment = [
            transforms.RandomAffine(
                ROTATE,
                scale=(1 - SCALE, 1 + SCALE),
                interpolation=transforms.InterpolationMode.BILINEAR,
            ),
            transforms.RandomHorizontalFlip(),
        ]
        self.train_set = Pictures(task, transforms.Compose(augment + tensor))
        self.test_set = Pictures(task, transforms.Compose(tensor))

    def train(self, precision: Precision, steps: int) -> Timing:
        model = self._model(precision)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, eps=EPSILON)
        model.train()
        images, loss_sum, correct, start = 0, 0.0, 0, 0.0
        for step, (pictures, labels) in zip(range(WARM_UP + steps), self._train_batches()):
            if step == WARM_UP:
                images, start = 0, time.perf_counter()
            pictures, labels = pictures.to(self.device), labels.to(self.device)
            optimizer.zero_grad()
            logits = model(pictures)
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item() * len(pictures)
            correct += (logits.argmax(1) == labels.argmax(1)).sum().item()
            images += len(pictures)
        return Timing(images, time.perf_counter() - start)

    def evaluate(self, precision: Precision, conditions: int) -> Timing:
        model = self._model(precision)
        model.eval()
        start = time.perf_counter()
        probabilities = []
        with torch.no_grad():
            for condition in range(conditions):
                self.test_set.condition = condition
                for pictures, _ in self._loader(self.test_set, shuffle=False):
                    logits = model(pictures.to(self.device))
                    probabilities.append(F.softmax(logits, dim=1).cpu())
        seconds = time.perf_counter() - start
        return Timing(sum(len(batch) for batch in probabilities), seconds)

    def _model(self, precision: Precision) -> Network:
        # What PyTorch starts with; the expert's turns change it for the whole process.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = True
        return build(self.task.spec, self.task.weights, precision)

    def _train_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self._loader(self.train_set, shuffle=True)

    def _loader(self, pictures: Pictures, shuffle: bool) -> DataLoader:
        return DataLoader(
            pictures,
            batch_size=self.task.spec.batch_size,
            shuffle=shuffle,
            num_workers=WORKERS,
            pin_memory=self.device.type == "cuda",
        )
