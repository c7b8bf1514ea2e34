"""What a check across keys is."""

from collections.abc import Callable, Iterable
from pathlib import Path

from domain.problem import Problem
from settings.model import Settings

# From settings and the directory that their paths start from to what is wrong; and the keys of the top level that it reads.
Check = tuple[Callable[[Settings, Path], Iterable[Problem]], set[str]]
