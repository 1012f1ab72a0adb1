"""fer-lab as a program that answers commands: one JSON object a line in, one a line out.

    {"do": "load", "folder": F}                              → {}
    {"do": "losses", "steps": S, "precision": P}             → {"losses": [S numbers]}
    {"do": "probabilities", "condition": C, "precision": P}  → {"probabilities": [64 lists of K numbers]}
    {"do": "train", "steps": S, "precision": P}              → {"images": N, "seconds": S}
    {"do": "evaluate", "conditions": C, "precision": P}      → {"images": N, "seconds": S}
    {"do": "bye"}                                            (no answer; the program ends)

P is "f32" or "bf16". `load` reads what `Task.write` wrote: `spec.json`, `pictures.bin` (uint8, N × H × W ×
C), `labels.bin` (float32, N × K) and the first weights, `weights.json` (names and shapes, in order) and
`weights.bin` (float32, one after the other). Both sides standardise by the split's own mean and deviation
of each channel. Every command starts anew from these weights:

- `losses`: SGD with rate 0.01 and momentum 0.9, over consecutive batches in order, not augmented; each
  loss is the batch's mean before its step.
- `probabilities`: of the first 64 pictures (or all, where there are fewer) under one cover.
- `train`: Adam, shuffled and augmented; 5 steps of warm-up, then so many that are timed.
- `evaluate`: every picture under each of the covers 0 to C − 1, from the pictures as bytes to probabilities
  on the CPU; `images` is pictures × C.

A cover is filled with the mean; `task.cover` says where it lies. `{"error": "…"}` may answer any command.
"""

import json
import shlex
import subprocess
from pathlib import Path

from network import Precision
from task import Timing

ROOT = Path(__file__).resolve().parents[2]


class ProgramError(Exception):
    """What a program answered or did that the protocol does not allow."""


class Program:
    """A running program; ends with the `with` block."""

    def __init__(self, name: str, command: str, folder: Path) -> None:
        self.name = name
        pipe = subprocess.PIPE
        try:
            self.process = subprocess.Popen(
                shlex.split(command), cwd=ROOT, stdin=pipe, stdout=pipe, text=True
            )
        except OSError as error:
            raise ProgramError(f"{name} cannot be started by `{command}`: {error}") from None
        try:
            self._ask("load", folder=str(folder))
        except BaseException:
            self.process.kill()
            raise

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:
            self.process.communicate('{"do": "bye"}\n')
        else:
            self.process.kill()
            self.process.wait()

    def losses(self, precision: Precision, steps: int) -> list[float]:
        return self._ask("losses", precision=precision, steps=steps)["losses"]

    def probabilities(self, precision: Precision, condition: int) -> list[list[float]]:
        answer = self._ask("probabilities", precision=precision, condition=condition)
        return answer["probabilities"]

    def train(self, precision: Precision, steps: int) -> Timing:
        return Timing(**self._ask("train", precision=precision, steps=steps))

    def evaluate(self, precision: Precision, conditions: int) -> Timing:
        return Timing(**self._ask("evaluate", precision=precision, conditions=conditions))

    def _ask(self, do: str, **rest: object) -> dict:
        try:
            self.process.stdin.write(json.dumps({"do": do, **rest}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise ProgramError(f"{self.name} ended at `{do}` with status {self.process.wait()}")
        try:
            answer = json.loads(line)
        except ValueError:
            raise ProgramError(
                f"{self.name} answered `{do}` with no JSON: {line.rstrip()}"
            ) from None
        if not isinstance(answer, dict) or "error" in answer:
            raise ProgramError(f"{self.name} could not do `{do}`: {line.rstrip()}")
        return answer
