"""Look at what fer-lab has found: the tables of an experiment as frames, its figures and their captions.

    >>> import fer_lab
    >>> study = fer_lab.read("results/mask_eyes")
    >>> study["effects"]                # a frame of polars, or of pandas
    >>> study.figures["effects"]        # the chart's file
    >>> print(study.captions["effects"])

Everything is read from the files that ``fer-lab run`` and ``fer-lab report`` wrote; nothing is computed here. What the columns
mean: ``fer-lab tables``.
"""

from fer_lab._program import program
from fer_lab._study import Frames, NotAnExperiment, Study, read

__all__ = ["Frames", "NotAnExperiment", "Study", "program", "read"]
