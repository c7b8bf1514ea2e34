"""The screen for people and for programs."""

import json
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from lab.status.item import Item, Part, State
from lab.status.screen import Screen

SCHEMA = 1
# A symbol and a word: colours are for those who see them.
_SIGNS = {
    State.WELL: ("✔", "+", "green"),
    State.SOON: ("▲", "!", "yellow"),
    State.UNKNOWN: ("○", "-", "dim"),
    State.BAD: ("✘", "x", "bold red"),
}
_MANY = 20
_PROSE = ", then: "  # in what is to be done in several steps
_NAMES = 6  # of those that are alike
_WIDEST, _NARROWEST = 24, 24  # columns of a subject at most, of a text that is wrapped at least


def as_json(screen: Screen) -> str:
    """One document; keys are only ever added while `schema` stays the same."""
    document = {
        "schema": SCHEMA,
        "stack": screen.stack,
        "lab": screen.lab,
        "status": "failed" if screen.exit_status else "ok",
        "counts": screen.counts,
        "at": screen.at.isoformat(timespec="seconds"),
        "seconds": round(screen.seconds, 1),
        "items": [
            {
                "part": item.part.name.lower(),
                "subject": item.subject,
                "state": str(item.state),
                "word": item.word,
                "text": item.text,
                "next": item.next,
                "facts": dict(item.facts),
            }
            for item in screen.items
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(screen: Screen, console: Console) -> None:
    """By what a person thinks in. On a terminal long lines are wrapped below where they begin; elsewhere each stays one."""
    console.print(drawn(screen, console))


def drawn(screen: Screen, console: Console, rows: int | None = None) -> Text:
    """The same as a text; where it has more than `rows` lines, what is well is said in as few as there can be."""
    lines = _drawn(screen, console, _MANY)
    if rows is not None and sum(line.plain.count("\n") + 1 for line in lines) > rows:
        lines = [line for line in _drawn(screen, console, 1) if line.plain]
    return Text("\n").join(lines)


def _drawn(screen: Screen, console: Console, many: int) -> list[Text]:
    lines = [Text(f"lab status: stack {screen.stack}{f', lab {screen.lab}' if screen.lab else ''}")]
    parts = {part: list(_merged([item for item in screen.items if item.part is part], many)) for part in Part}
    shown = [item for items in parts.values() for item in items]
    widths = (
        max((len(item.word) for item in shown), default=0),
        min(max((len(item.subject) for item in shown), default=0), _WIDEST),
    )
    for part, items in parts.items():
        if items:
            lines += [Text(), Text(str(part), style="bold")]
        for index, item in enumerate(items):
            # What several lines have in common to do next is said once.
            last = item.next not in {other.next for other in items[index + 1 : index + 2]}
            lines += _lines(item, widths, console, last=last)
    verdict = f"{screen.verdict} {screen.at:%H:%M:%S} UTC, in {screen.seconds:.1f} s"
    return [*lines, Text(), Text("".join(_wrapped("", verdict, 0, console)))]


def _merged(items: Sequence[Item], many: int) -> Iterator[Item]:
    """One line for many that are well, and for those with the same fault."""
    alike: dict[tuple[object, ...], list[Item]] = {}
    for number, item in enumerate(items):
        if item.plural and item.state is State.WELL:
            alike.setdefault((item.plural, item.state, item.word), []).append(item)
        elif item.plural and item.text:
            alike.setdefault((item.plural, item.state, item.word, item.text), []).append(item)
        else:
            alike[(number,)] = [item]
    for same in alike.values():
        first = same[0]
        if first.state is State.WELL and len(same) > many:
            yield replace(first, subject=f"{len(same)} {first.plural}", text="")
        elif first.state is not State.WELL and len(same) > 1:
            rest = f" and {len(same) - _NAMES} more" if len(same) > _NAMES else ""
            names = ", ".join(item.subject.rsplit(" ", 1)[-1] for item in same[:_NAMES])
            yield replace(first, subject=f"{len(same)} {first.plural}", text=f"{first.text}: {names}{rest}")
        else:
            yield from same


def _lines(item: Item, widths: tuple[int, int], console: Console, *, last: bool) -> Iterator[Text]:
    word, subject = widths
    symbol, plain, style = _SIGNS[item.state]
    sign = Text(f"  {symbol if _shows(console, symbol) else plain} {item.word:<{word}}", style=style)
    begin = 4 + word + 2 + max(subject, len(item.subject)) + 2
    yield Text.assemble(sign, "  ", *_wrapped(f"{item.subject:<{subject}}  ", item.text, begin, console))
    if item.next and last:
        label = f"{'next:':>{4 + word}}"
        # What is typed as it is stays in one piece, to be copied.
        lines = _wrapped("", item.next, 4 + word + 2, console) if _PROSE in item.next else [item.next]
        yield Text.assemble((label, "dim"), "  ", *lines)


def _wrapped(subject: str, text: str, begin: int, console: Console) -> Iterator[str]:
    lines, room = [text], console.width - begin
    if console.is_terminal and room >= _NARROWEST:
        lines = textwrap.wrap(text, room, break_on_hyphens=False) or [""]
    yield _written((subject + f"\n{' ' * begin}".join(lines)).rstrip(), console)


def _written(text: str, console: Console) -> str:
    """The text as the terminal's encoding can show it."""
    return text if _shows(console, text) else text.encode("ascii", "replace").decode()


def _shows(console: Console, text: str) -> bool:
    try:
        text.encode(console.encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
