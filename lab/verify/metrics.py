"""What a proxy counts, in the text format of Prometheus, and how it changed."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LINE = re.compile(r"([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+\d+)?")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')
_REAL = "proxy_build_info"

Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Metrics:
    """Samples by name and labels."""

    samples: Mapping[Series, float]

    def total(self, name: str, fits: Callable[[Mapping[str, str]], bool] = lambda _labels: True) -> float:
        """Sum of a metric over the series whose labels fit."""
        return sum(value for (found, labels), value in self.samples.items() if found == name and fits(dict(labels)))

    def by(
        self, name: str, label: str, fits: Callable[[Mapping[str, str]], bool] = lambda _labels: True
    ) -> Counter[str]:
        """The same for each value of a label."""
        counted: Counter[str] = Counter()
        for (found, labels), value in self.samples.items():
            known = dict(labels)
            if found == name and fits(known) and value:
                counted[known.get(label, "")] += round(value)
        return counted

    def since(self, before: "Metrics") -> "Metrics":
        """What has been added; a counter that is smaller now began anew."""
        grown = {}
        for series, value in self.samples.items():
            earlier = before.samples.get(series, 0.0)
            grown[series] = value - earlier if value >= earlier else value
        return Metrics(grown)

    @property
    def real(self) -> bool:
        """Whether linkerd2-proxy counted; the twin's stand-in says nothing of its build."""
        return any(name == _REAL for name, _ in self.samples)


def parse(text: str) -> Metrics:
    """Lines that are no samples are passed over."""
    samples: dict[Series, float] = {}
    for line in text.splitlines():
        if line.startswith("#") or not (found := _LINE.fullmatch(line.strip())):
            continue
        name, labels, value = found.groups()
        try:
            samples[name, frozenset(_LABEL.findall(labels or ""))] = float(value)
        except ValueError:
            continue
    return Metrics(samples)
