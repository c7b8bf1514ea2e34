"""The comment: what matters most first, and never longer than GitHub takes."""

from collections.abc import Callable, Iterator, Sequence

from lab.comment import access, traffic
from lab.comment.lines import differing
from lab.comment.markdown import block, bytes_of, code, cut, folded
from lab.comment.preview import Change, Kind, Preview
from lab.comment.values import at
from lab.picture.difference import words
from lab.picture.graph import Graph
from lab.picture.grouping import grouped
from lab.picture.mermaid import mermaid

LIMIT = 65_000  # bytes; GitHub takes 65,535 characters
_PICTURE = 24_000  # a picture that takes more leaves too little for the rest
_MOST = (40, 12, 4)  # lines of a part that stands open; fewer where they are long
_SENTENCE = 300
_REASONS = 5
_PATHS = 12  # differences of a resource that are shown
_Part = Callable[[int], str]
_MARKS = {Kind.REPLACED: "±", Kind.DELETED: "-", Kind.CREATED: "+", Kind.UPDATED: "~"}


def comment(preview: Preview, picture: Graph | None = None, outcome: str = "") -> str:
    """The Markdown of a preview; `picture` is the topology with marks, where two stack files were given.

    `outcome` says what became of it when it was applied somewhere.
    """
    text = _head(preview) + (f"\n{code(outcome)}\n" if outcome else "")
    for part in _parts(preview, picture):
        # Together they leave room for the list of every change.
        room = LIMIT * 0.75 - bytes_of(text)
        found = next(
            (said for said in map(part, _MOST) if bytes_of(said) < room),
            "_What does not fit here is in the job's own log._",
        )
        text += f"\n{found}\n"
    return text + _details(preview.changes, LIMIT - bytes_of(text))


def _head(preview: Preview) -> str:
    counted = [f"{number} {kind.value}" for kind, number in preview.tally]
    told = ", ".join([*counted, f"{preview.unchanged} unchanged"] if preview.unchanged else counted)
    if preview.errors:
        told = f"the preview failed{f' ({told})' if told else ''}"
    marker = f"<!-- mesh-expansion preview of {''.join(filter(_is_plain, preview.stack))} -->"
    return f"{marker}\n### Preview of {code(preview.stack or 'the lab')}: {told or 'nothing changes'}\n"


def _is_plain(letter: str) -> bool:
    return (letter.isascii() and (letter.isalnum() or letter in "._")) or letter == "-"


def _parts(preview: Preview, picture: Graph | None) -> Iterator[_Part]:
    """What stands open, as functions of how many lines it may have."""
    if errors := _lines(preview.errors):
        yield lambda most: f"**Errors**\n\n{block(_first(errors, most, '{} more lines'))}"
    gone = [change for change in preview.changes if change.kind in (Kind.REPLACED, Kind.DELETED)]
    if gone:
        leaving = [_leaving(change) for change in sorted(gone, key=_rank)]
        yield lambda most: f"**Replaced and deleted**\n\n{_list(leaving, most)}"
    if told := [code(sentence, _SENTENCE) for sentence in access.sentences(preview.changes)]:
        yield lambda most: f"**Who may call whom**\n\n{_list(told, most)}"
    if ways := [code(said, _SENTENCE) for change in preview.changes for said in traffic.sentences(change)]:
        yield lambda most: f"**Where requests go**\n\n{_list(ways, most)}"
    if warnings := _lines(preview.warnings):
        title = _number(len(preview.warnings), "warning")
        yield lambda most: folded(title, block(_first(warnings, most, "{} more lines")))
    if picture is not None:
        yield lambda most: _topology(picture, most)


def _rank(change: Change) -> int:
    return list(Kind).index(change.kind)


def _leaving(change: Change) -> str:
    what = f"{change.kind.value}: {code(change.name)} ({code(_short(change.type))})"
    if change.kind is not Kind.REPLACED:
        return what
    reasons = ", ".join(code(reason, 80) for reason in change.reasons[:_REASONS])
    more = f" and {len(change.reasons) - _REASONS} more" if len(change.reasons) > _REASONS else ""
    return f"{what}, because of {reasons}{more}" if reasons else what


def _topology(picture: Graph, most: int) -> str:
    told = words(picture)
    if not told:
        return "**Topology**: the picture stays as it is"
    head = f"**Topology**: {_number(len(told), 'difference')}"
    try:
        drawn = mermaid(grouped(picture))
    except ValueError:
        drawn = ""
    if not drawn or bytes_of(drawn) > _PICTURE:
        return f"{head}; the picture is too large for a comment\n\n{block(_first(told, most, '{} more'))}"
    return f"{head}\n\n```mermaid\n{drawn}```"


def _details(changes: Sequence[Change], room: int) -> str:
    """All changes by name, then each in full, as many as there is room for; what is left out is counted."""
    if not changes:
        return ""
    ordered = sorted(changes, key=_rank)
    found = _fitting(
        f"\n<details><summary>Every change ({len(changes)})</summary>\n\n```diff\n",
        ordered,
        lambda change: (
            f"{_MARKS.get(change.kind, '=')} {cut(_plain(change.name), 90)}  ({change.kind.value}, {_plain(_short(change.type))})\n"
        ),
        "```\n\n</details>\n",
        room // 2,
    )
    updated = [
        change for change in ordered if change.kind in (Kind.REPLACED, Kind.UPDATED, Kind.CREATED) and change.paths
    ]
    if updated:
        found += _fitting(
            f"\n<details><summary>Details ({len(updated)})</summary>\n",
            updated,
            _difference,
            "\n</details>\n",
            room - bytes_of(found),
        )
    return found


def _fitting(opening: str, changes: Sequence[Change], text: Callable[[Change], str], closing: str, room: int) -> str:
    """As many as fit between opening and closing; nothing at all where not even the note about the others does."""
    note = "and {} more, which the job's own log has\n"
    room -= bytes_of(opening) + bytes_of(closing) + bytes_of(note.format(len(changes))) + 8
    if room < 0:
        return ""
    body, shown = "", 0
    for change in changes:
        more = text(change)
        if bytes_of(body) + bytes_of(more) > room:
            break
        body, shown = body + more, shown + 1
    left = len(changes) - shown
    return f"{opening}{body}{note.format(left) if left else ''}{closing}"


def _difference(change: Change) -> str:
    lines = []
    for path in change.paths[:_PATHS]:
        lines += [f"  {_plain(path)}:", *map(_plain, differing(at(change.before, path), at(change.after, path)))]
    if len(change.paths) > _PATHS:
        lines.append(f"  and {len(change.paths) - _PATHS} more differences")
    return f"\n{code(change.name)} {change.kind.value}\n\n{block(lines, 'diff')}\n"


def _list(lines: Sequence[str], most: int) -> str:
    return "\n".join(f"- {line}" for line in _first(lines, most, "and {} more, which the list of every change has"))


def _first(lines: Sequence[str], most: int, more: str) -> list[str]:
    return [*lines[:most], *([more.format(len(lines) - most)] if len(lines) > most else [])]


def _lines(messages: Sequence[str]) -> list[str]:
    return [line for message in messages for line in message.splitlines() if line.strip()]


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _short(token: str) -> str:
    return token.rpartition(":")[2] or token


def _plain(text: str) -> str:
    """Text for a block of code whose fence is three backticks."""
    return text.replace("```", "'''")
