"""The folder of an experiment, read as it lies there."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator, Mapping
from functools import cached_property
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, cast, overload

if TYPE_CHECKING:
    import pandas
    import polars

Frames = Literal["polars", "pandas"]
"""Whose frames: :class:`polars.DataFrame` or :class:`pandas.DataFrame`."""

Frame = TypeVar("Frame")

# A caption stands at the beginning of a figure's file.
_HEAD = 64 * 1024


class NotAnExperiment(Exception):
    """The folder is not one that ``fer-lab run`` wrote; the message says what is there."""


class Study(Mapping[str, Frame], Generic[Frame]):
    """An experiment: a mapping from the names of its tables to frames, which are read when they are asked for.

    Attributes:
        path: Its folder.
        frames: Whose frames the tables are.
    """

    def __init__(self, path: Path, frames: Frames) -> None:
        self.path = path
        self.frames = frames
        self._read: dict[str, Frame] = {}

    @property
    def name(self) -> str:
        """The experiment's name, which is its folder's."""
        return self.path.resolve().name

    def __getitem__(self, table: str) -> Frame:
        if table not in self._files:
            raise KeyError(f"{self.name} has no table {table!r}; it has {', '.join(self._files)}")
        if table not in self._read:
            self._read[table] = cast(Frame, _frame(self._files[table], self.frames))
        return self._read[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, table: object) -> bool:
        return table in self._files

    def __repr__(self) -> str:
        return f"<fer_lab.Study {self.name}: {', '.join(self._files)}>"

    @cached_property
    def _files(self) -> dict[str, Path]:
        return {file.stem: file for file in sorted(self.path.glob("*.parquet"))}

    @property
    def figures(self) -> dict[str, Path]:
        """The file of each chart by its name: the SVG where there is one, else PNG or PDF."""
        figures: dict[str, Path] = {}
        for ending in ("svg", "png", "pdf"):
            for file in sorted((self.path / "charts").glob(f"*.{ending}")):
                figures.setdefault(file.stem, file)
        return dict(sorted(figures.items()))

    @property
    def numbers(self) -> dict[str, Path]:
        """The numbers that each chart shows, by its name: a CSV file."""
        return {file.stem: file for file in sorted((self.path / "charts").glob("*.csv"))}

    @property
    def captions(self) -> dict[str, str]:
        """What each chart says, and under which conditions, by its name.

        As written beside charts without a title (``report --untitled``), or within those in SVG.
        """
        found = {name: _caption(file) for name, file in self.figures.items()}
        return {name: caption for name, caption in found.items() if caption is not None}

    @property
    def report(self) -> Path | None:
        """The page ``report.html``, where there is one."""
        page = self.path / "report.html"
        return page if page.is_file() else None


@overload
def read(folder: str | os.PathLike[str], *, frames: Literal["polars"]) -> Study[polars.DataFrame]: ...
@overload
def read(folder: str | os.PathLike[str], *, frames: Literal["pandas"]) -> Study[pandas.DataFrame]: ...
@overload
def read(
    folder: str | os.PathLike[str], *, frames: None = None
) -> Study[polars.DataFrame] | Study[pandas.DataFrame]: ...
def read(
    folder: str | os.PathLike[str], *, frames: Frames | None = None
) -> Study[polars.DataFrame] | Study[pandas.DataFrame]:
    """An experiment in a results folder, such as ``results/mask_eyes``.

    Args:
        folder: The experiment's folder.
        frames: ``"polars"`` or ``"pandas"``; by default polars where it is installed, else pandas.

    Raises:
        NotAnExperiment: There is no such folder, or it has no ``runs.parquet``.
        ImportError: Neither polars nor pandas is installed.
    """
    path = Path(folder)
    if not path.is_dir():
        raise NotAnExperiment(f"there is no folder {path}")
    if not (path / "runs.parquet").is_file():
        inner = sorted(file.parent.name for file in path.glob("*/runs.parquet"))
        hint = f"; within it are {', '.join(inner)}" if inner else ""
        raise NotAnExperiment(
            f"{path} has no runs.parquet: it is not the folder of an experiment, or its run has not ended{hint}"
        )
    return Study(path, frames or _installed())


def _installed() -> Frames:
    both: tuple[Frames, ...] = ("polars", "pandas")
    for name in both:
        if importlib.util.find_spec(name):
            return name
    raise ImportError("the tables are read with polars or pandas: pip install polars")


def _frame(file: Path, frames: Frames) -> object:
    if frames == "polars":
        import polars

        return polars.read_parquet(file)
    import pandas

    return pandas.read_parquet(file)


def _caption(figure: Path) -> str | None:
    beside = figure.with_suffix(".txt")
    if beside.is_file():
        return beside.read_text(encoding="utf-8").strip()
    if figure.suffix != ".svg":
        return None
    with figure.open(encoding="utf-8") as file:
        head = file.read(_HEAD)
    parts = [_element(head, name) for name in ("title", "desc")]
    return "\n".join(part for part in parts if part) or None


def _element(text: str, name: str) -> str | None:
    """The text of the first element of that name."""
    _, found, rest = text.partition(f"<{name}>")
    inner, ended, _ = rest.partition(f"</{name}>")
    return unescape(inner.strip()) if found and ended else None
