"""`lab comment`: what is typed, and what comes out of it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab import documents
from lab.comment.comment import comment
from lab.comment.preview import PreviewError, read
from lab.picture import sources
from lab.picture.difference import compare


def write(
    preview: Annotated[
        str, typer.Argument(metavar="FILE", help="what `pulumi preview --json` wrote; - is standard input")
    ] = "-",
    *,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--diff",
            metavar="BEFORE AFTER",
            help="two stack files, each a path, or REVISION:PATH of git: draws what differs",
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="file to write instead of the terminal")] = None,
) -> None:
    """Write a preview as a comment for a pull request.

    A tally first, then what is replaced or deleted and why, access, shares, and details that can be folded out; below 65,536
    characters however long the preview is, and without secrets.
    """
    try:
        text = sys.stdin.read() if preview == "-" else Path(preview).read_text(encoding="utf-8")
        picture = compare(*map(sources.of_file, diff)) if diff else None
        written = comment(read(text), picture)
    except (PreviewError, sources.SourceError, UnicodeDecodeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
    if output is None:
        documents.write(written)
    else:
        output.write_text(written, encoding="utf-8")
