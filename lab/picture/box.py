"""Rectangles, and how much room text takes in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.picture.difference import heading
from lab.picture.graph import Mark, Node, Place

TITLE, LINE = 15.0, 12.0  # sizes of letters
ROW = 17.0  # from one line of text to the next
_NARROWEST = 118.0


@dataclass(frozen=True)
class Box:
    """A rectangle; `x` and `y` are its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def moved(self, x: float, y: float) -> "Box":
        """The same rectangle elsewhere."""
        return Box(self.x + x, self.y + y, self.width, self.height)

    def overlaps(self, other: "Box") -> bool:
        """Whether the two have room in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )


def lines(item: Node | Place) -> list[str]:
    """The lines of text below the title, as they are drawn."""
    own = item.own if isinstance(item, Node) else ()
    return [line for line in (*item.lines, *own) if line]


def title(item: Node | Place) -> str:
    """The title, with what became of it."""
    return f"{heading(item.mark)}: {item.title}" if item.mark is not Mark.SAME else item.title


def width(text: str, size: float) -> float:
    """About how wide a text is in a sans-serif font; wide letters of East Asia take a square each."""
    return sum(1.0 if ord(letter) > 0x2E7F else 0.32 if letter in "iljt.,:;|'! " else 0.6 for letter in text) * size


def size(node: Node) -> tuple[float, float]:
    """Width and height that a node's text needs inside its form."""
    text = [width(title(node), TITLE) * 1.06, *(width(line, LINE) for line in lines(node))]
    edges = 26 if node.kind in ("route", "access", "service") else 16 if node.kind in ("device", "container") else 0
    return max(_NARROWEST, max(text) + 26 + edges), 30 + ROW * len(lines(node)) + 4


def right(boxes: Mapping[str, Box]) -> float:
    """Where the rightmost ends."""
    return _most(box.x + box.width for box in boxes.values())


def bottom(boxes: Mapping[str, Box]) -> float:
    """Where the lowest ends."""
    return _most(box.y + box.height for box in boxes.values())


def _most(values: Iterable[float]) -> float:
    return max(values, default=0.0)
