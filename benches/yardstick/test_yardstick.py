"""Tests of what decides whether figures are printed, and which:

    cd benches/yardstick && ../../target/yardstick/venv/bin/python -m unittest

They need no fer-lab.
"""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import torch

import agreement
import draw
import table
from expert import Expert, augmented
from network import build
from task import Spec, Task, cover

SPEC = Spec(
    height=24,
    width=24,
    channels=1,
    classes=3,
    model={"kind": "vgg", "blocks": [[4], [6, 6]]},
    batch_size=8,
    threads=1,
    device="cpu",
    count=40,
)


RESNET = dataclasses.replace(
    SPEC, channels=3, model={"kind": "resnet", "depth": 18, "stem": "small"}
)


class Agreement(unittest.TestCase):
    def setUp(self) -> None:
        self.task = draw.task(SPEC)
        self.expert = Expert(self.task)

    def test_the_same_task_agrees_after_a_round_trip(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.task.write(Path(folder))
            other = Expert(Task.read(Path(folder)))
        for precision in ("f32", "bf16"):
            words = agreement.check(self.expert, other, precision)
            self.assertIn("losses agree to 0.0e+00, probabilities to 0.0e+00", words)

    def test_every_parameter_that_is_lost_shows(self) -> None:
        for name, weight in self.task.weights.items():
            weights = self.task.weights | {name: torch.full_like(weight, 0.5)}
            other = Expert(dataclasses.replace(self.task, weights=weights))
            with self.subTest(name), self.assertRaises(agreement.Disagreement):
                agreement.check(self.expert, other, "f32")

    def test_another_number_of_losses_or_one_that_is_not_finite_disagrees(self) -> None:
        for other in ([1.0], [1.0, float("nan")]):
            self.assertEqual(agreement.apart([1.0, 2.0], other), float("inf"))
        self.assertEqual(agreement.apart([2.0, 4.0], [2.0, 5.0], relative=True), 0.25)


class Work(unittest.TestCase):
    def test_covers_move_down_and_stay_inside(self) -> None:
        places = [cover(condition, 48, 48) for condition in range(7)]
        self.assertEqual(places[0], (slice(0, 12), slice(12, 36)))
        self.assertEqual(places[6], (slice(30, 42), slice(12, 36)))

    def test_folding_changes_no_probability(self) -> None:
        for spec in (SPEC, RESNET):
            task = draw.task(spec)
            expert = Expert(task)
            network = build(spec, task.weights, "f32").eval()
            pictures, _ = expert.split.select(torch.arange(40))
            rows, columns = cover(3, 24, 24)
            pictures[:, :, rows, columns] = 0
            with torch.no_grad():
                expected = network(pictures).softmax(1)
            found = torch.tensor(expert.probabilities("f32", 3))
            with self.subTest(spec.model["kind"]):
                torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)

    def test_pictures_are_standardised(self) -> None:
        pictures, _ = Expert(draw.task(SPEC)).split.select(torch.arange(40))
        self.assertAlmostEqual(pictures.mean().item(), 0, places=5)
        self.assertAlmostEqual(pictures.std(correction=0).item(), 1, places=5)

    def test_augmentation_flips_half_and_moves_little(self) -> None:
        torch.manual_seed(1)
        columns = torch.linspace(-1, 1, 24).expand(200, 1, 24, 24)
        slopes = (augmented(columns) * columns).mean((1, 2, 3)) / (columns**2).mean((1, 2, 3))
        self.assertTrue(0.4 < (slopes < 0).float().mean() < 0.6)
        self.assertTrue(((slopes.abs() > 0.85) & (slopes.abs() < 1.12)).all())


class Table(unittest.TestCase):
    def test_ratios_are_made_round_by_round(self) -> None:
        rates = {
            "usual": [50.0, 100.0, 60.0],
            "expert": [100.0, 200.0, 100.0],
            "fer-lab": [110.0, 180.0, 105.0],
        }
        self.assertEqual(
            table.render({"train": rates}),
            "| work | usual | expert | fer-lab | fer-lab / expert | fer-lab / usual |\n"
            "| --- | ---: | ---: | ---: | ---: | ---: |\n"
            "| train | 60 | 100 | 110 | 1.05 (0.90–1.10) | 1.80 (1.75–2.20) |",
        )


if __name__ == "__main__":
    unittest.main()
