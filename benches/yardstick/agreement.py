"""Whether two implementations compute the same, without which their speeds are no comparison."""

import math
from typing import Protocol

from network import Precision
from task import CONDITIONS

# Enough for momentum to show in the last loss, too few for rounding to grow: in f32 the same network in
# NCHW and channels-last differs by 1e-7 of the first loss, 1e-5 of the third and 3e-4 of the eighth.
STEPS = 3


class Answering(Protocol):
    """Who computes losses and probabilities."""

    name: str

    def losses(self, precision: Precision, steps: int) -> list[float]: ...
    def probabilities(self, precision: Precision, condition: int) -> list[list[float]]: ...


class Disagreement(Exception):
    """Says what differs, by how much, and how much may."""


def allowed(precision: Precision) -> float:
    """How far results may lie apart: losses relatively, probabilities as they are."""
    return 2e-2 if precision == "bf16" else 1e-4


def check(reference: Answering, other: Answering, precision: Precision) -> str:
    """What was compared, in words; raises `Disagreement`."""
    limit = allowed(precision)
    names = f"{reference.name} and {other.name}, {precision}"
    expected = reference.losses(precision, STEPS)
    # Fewer, where the split has fewer batches.
    steps = len(expected)
    losses = apart(expected, other.losses(precision, steps), relative=True)
    if not losses <= limit:
        raise Disagreement(
            f"{names}: the losses of {steps} steps differ by {losses:.1e} of themselves, "
            f"{limit:.0e} is allowed"
        )
    probabilities = max(
        apart(
            flat(reference.probabilities(precision, condition)),
            flat(other.probabilities(precision, condition)),
        )
        for condition in (0, CONDITIONS - 1)
    )
    if not probabilities <= limit:
        raise Disagreement(
            f"{names}: probabilities differ by {probabilities:.1e}, {limit:.0e} is allowed"
        )
    return f"{names}: losses agree to {losses:.1e}, probabilities to {probabilities:.1e}"


def apart(a: list[float], b: list[float], relative: bool = False) -> float:
    """The largest difference of two lists; infinite where they cannot be compared."""
    if len(a) != len(b) or not all(map(math.isfinite, a + b)):
        return math.inf
    return max(abs(x - y) / (abs(x) if relative else 1) for x, y in zip(a, b))


def flat(rows: list[list[float]]) -> list[float]:
    return [value for row in rows for value in row]
