"""How fast fer-lab trains and evaluates, in pictures a second, against PyTorch in the same turns.

    benches/yardstick/setup
    target/yardstick/venv/bin/python benches/yardstick/yardstick.py

`usual.py` is the work as most people write it, `expert.py` as someone who knows PyTorch well, and fer-lab
a program that is spoken to by the protocol of `program.py`. First fer-lab must compute what the expert
computes, or nothing is timed. Then all take turns, in every round from another one on; given are the
medians of the rounds and the ratios, made round by round, with their range.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import torch

import agreement
import draw
import table
from expert import Expert
from network import Precision
from program import Program, ProgramError
from task import CONDITIONS, NETWORKS, Spec, Task, Timing

FER_LAB = "cargo bench --quiet --bench yardstick -- serve"
SIDE = 48
CLASSES = 7
# Between turns: the threads of whoever came before spin on for a moment.
PAUSE = 0.5


class Contender(Protocol):
    """Whose speed is measured."""

    name: str

    def train(self, precision: Precision, steps: int) -> Timing: ...
    def evaluate(self, precision: Precision, conditions: int) -> Timing: ...


def main() -> int:
    options = parse()
    torch.set_num_threads(options.threads)
    # Before this process adds to it.
    load = os.getloadavg()[0]
    if load > 0.3:
        say(f"warning: the machine was busy in the last minute (load {load:.1f}): ratios may stray")
    task = draw.task(spec_of(options))
    expert = Expert(task, options.compile)
    if options.count_launches:
        print(operators(expert, options.precision))
        return 0
    try:
        works = compare(task, expert, options)
    except (agreement.Disagreement, ProgramError) as error:
        say(f"error: {error}")
        return 1
    print(f"{conditions_of(options, expert)}\n\n{table.render(works)}")
    return 0


def compare(task: Task, expert: Expert, options: argparse.Namespace) -> dict[str, table.Rates]:
    """Everyone's rates, once the programs are known to compute what the expert computes."""
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        task.write(folder)
        programs = [
            running.enter_context(Program(name, command, folder))
            for name, command in commands(options)
        ]
        for program in programs:
            say(agreement.check(expert, program, options.precision))
        contenders = [*usual(task, options), expert, *programs]
        return {work: measure(work, contenders, options) for work in options.works}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--only", choices=["train", "evaluate"], help="measure one of the two")
    add("--precision", choices=["f32", "bf16"], default="f32")
    add("--network", choices=list(NETWORKS), default="standard")
    add("--device", default="cpu", help="cpu or cuda")
    add("--threads", type=int, default=len(os.sched_getaffinity(0)), help="default: every core")
    add("--rounds", type=int, default=5)
    add("--steps", type=int, default=40, help="timed training steps of a turn")
    add("--pictures", type=int, default=4096, help="of the split; each is evaluated 7 times a turn")
    add("--batch-size", type=int, default=64)
    add("--fer-lab", default=FER_LAB, metavar="COMMAND", help=f"default: {FER_LAB}")
    add("--baseline", metavar="COMMAND", help="a second fer-lab, an older build, in the same turns")
    add("--skip", choices=["usual", "fer-lab"], action="append", default=[])
    add("--compile", action="store_true", help="put the expert's network through torch.compile")
    add("--count-launches", action="store_true", help="count the operators of an expert's step")
    options = parser.parse_args()
    for name in ("threads", "rounds", "steps", "pictures", "batch_size"):
        if getattr(options, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    options.works = [options.only] if options.only else ["train", "evaluate"]
    return options


def spec_of(options: argparse.Namespace) -> Spec:
    model, channels = NETWORKS[options.network]
    return Spec(
        height=SIDE,
        width=SIDE,
        channels=channels,
        classes=CLASSES,
        model=model,
        batch_size=options.batch_size,
        threads=options.threads,
        device=options.device,
        count=options.pictures,
    )


def commands(options: argparse.Namespace) -> list[tuple[str, str]]:
    """The programs to start, by name."""
    wanted = [] if "fer-lab" in options.skip else [("fer-lab", options.fer_lab)]
    return wanted + ([("baseline", options.baseline)] if options.baseline else [])


def usual(task: Task, options: argparse.Namespace) -> list[Contender]:
    if "usual" in options.skip:
        return []
    # Here, so that without it torchvision is not needed.
    from usual import Usual

    return [Usual(task)]


def measure(work: str, contenders: Sequence[Contender], options: argparse.Namespace) -> table.Rates:
    """Every contender's rate of each round."""
    rates: table.Rates = {contender.name: [] for contender in contenders}
    for number in range(options.rounds):
        # Everyone begins a round at some time: no place in the round favours anyone.
        first = number % len(contenders)
        images: dict[str, int] = {}
        for contender in [*contenders[first:], *contenders[:first]]:
            time.sleep(PAUSE)
            timing = turn(work, contender, options)
            images[contender.name] = timing.images
            rates[contender.name].append(timing.rate)
            say(f"{work}, round {number + 1}: {contender.name}, {timing.rate:,.0f} a second")
        if len(set(images.values())) > 1:
            raise ProgramError(f"{work}: not everyone counts as many pictures: {images}")
    return rates


def turn(work: str, contender: Contender, options: argparse.Namespace) -> Timing:
    if work == "train":
        return contender.train(options.precision, options.steps)
    return contender.evaluate(options.precision, CONDITIONS)


def operators(expert: Expert, precision: Precision) -> str:
    """How often the expert's step calls each operator, the most frequent first."""
    calls, outermost = expert.count_operators(precision)
    total = sum(count for name, count in calls.items() if name.startswith("aten::"))
    rows = ["| operator | calls a step |", "| --- | ---: |"]
    rows += [f"| every one | {total} |", f"| those called by no other | {outermost} |"]
    rows += [f"| {name} | {count} |" for name, count in calls.most_common()]
    return "\n".join(rows)


def conditions_of(options: argparse.Namespace, expert: Expert) -> str:
    """Under what the figures were taken."""
    device = processor() if options.device == "cpu" else torch.cuda.get_device_name(options.device)
    parts = [
        f"network {options.network}, {options.precision}, batches of {options.batch_size}",
        f"{options.steps} steps; {options.pictures:,} pictures under {CONDITIONS} covers",
        f"{device}, {options.threads} threads, torch {torch.__version__}",
    ]
    if options.compile:
        parts.append("the expert compiled")
    if size := expert.evaluation_batch.get(options.precision):
        parts.append(f"the expert evaluates {size} pictures a batch")
    # It changes much on a machine that does other work, and every contender inherits it.
    if policy := os.environ.get("OMP_WAIT_POLICY"):
        parts.append(f"OMP_WAIT_POLICY={policy}")
    head = f"Pictures a second, median of {options.rounds} rounds; ratios with the smallest and largest"
    return f"{head}: {'; '.join(parts)}."


def processor() -> str:
    """The processor's name, as Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
