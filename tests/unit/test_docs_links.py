"""Every link of every page leads somewhere."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.unit.markdown import ROOT, pages, parse, read

PAGES = pages()
NAMES = [str(file.relative_to(ROOT)) for file in PAGES]


def wrong_links(file: Path, root: Path = ROOT) -> list[str]:
    """What is wrong with the links of a page, a line each. Others' pages are not asked for."""
    found = []
    for line, target in read(file).links:
        parts = urlsplit(target)
        if parts.scheme:
            right = parts.scheme == "https" and "." in parts.netloc and " " not in target
            found += [] if right else [f"line {line}: {target} is no https address"]
            continue
        goal = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        if not goal.is_relative_to(root) or not goal.exists() or any(part in (".lab", ".venv") for part in goal.parts):
            found.append(f"line {line}: {target} is not in the project")
        elif parts.fragment and goal.suffix == ".md" and parts.fragment not in read(goal).anchors:
            near = ", ".join(sorted(read(goal).anchors))
            found.append(f"line {line}: {target}: there is no such heading; there are {near}")
    return found


def test_there_are_pages() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/tutorial.md", "docs/adr/0001-house.md"} <= set(NAMES)


@pytest.mark.parametrize("file", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_somewhere(file: Path) -> None:
    assert wrong_links(file) == []


def test_a_link_is_wrong_when_its_file_or_its_heading_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Two words, and `code`!\n\n## Same\n\n## Same\n")
    page = tmp_path / "page.md"
    good = ("other.md", "other.md#two-words-and-code", "other.md#same-1", "#here", "https://linkerd.io/2", ".")
    bad = ("gone.md", "other.md#same-2", "#there", "http://linkerd.io", "https://linkerd", "../..", "![x](gone.svg)")
    page.write_text("# Here\n\n" + "\n".join(f"[a]({target})" for target in good))
    assert wrong_links(page, tmp_path) == []
    for target in bad:
        page = tmp_path / f"page-{bad.index(target)}.md"
        page.write_text(f"# Here\n\n{target if '!' in target else f'[a]({target})'}\n")
        assert len(wrong_links(page, tmp_path)) == 1, target


def test_every_page_of_the_documents_is_reached_from_their_index() -> None:
    index = ROOT / "docs" / "README.md"
    todo, reached = [index], {index}
    while todo:
        file = todo.pop()
        for _, target in read(file).links:
            path = urlsplit(target).path
            goal = (file.parent / path).resolve()
            listed = goal.glob("*.md") if path and goal.is_dir() else [goal]
            for page in listed:
                if path and page.suffix == ".md" and page.exists() and page not in reached:
                    reached.add(page)
                    todo.append(page)
    assert [
        str(file.relative_to(ROOT)) for file in PAGES if file.is_relative_to(ROOT / "docs") and file not in reached
    ] == []
    assert ROOT / "README.md" in reached


def test_the_index_lists_every_how_to_itself() -> None:
    listed = {urlsplit(target).path for _, target in read(ROOT / "docs" / "README.md").links}
    there = {f"how-to/{file.name}" for file in (ROOT / "docs" / "how-to").glob("*.md")}
    assert there and there <= listed


def test_anchors_are_those_that_github_makes() -> None:
    page = parse("# 1. The *house*\n\n## `lab verify -s X`\n\n## Don't / do\n\n### ssh.host-key\n")
    assert page.anchors == {"1-the-house", "lab-verify--s-x", "dont--do", "sshhost-key"}
