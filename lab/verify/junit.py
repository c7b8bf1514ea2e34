"""Outcomes as JUnit XML, for those who keep test reports."""

from pathlib import Path
from xml.etree import ElementTree

from lab.verify.outcome import Verdict
from lab.verify.report import Report


def document(report: Report) -> str:
    """A test suite of all rows; what cannot be seen, or was not configured, is a skipped test with the reason."""
    counts = report.counts
    skipped = counts[Verdict.NOT_PROVABLE] + counts[Verdict.NOT_ASKED]
    suite = ElementTree.Element(
        "testsuite",
        name=f"lab verify {report.stack}",
        tests=str(len(report.outcomes)),
        failures=str(counts[Verdict.FAILED]),
        errors="0",
        skipped=str(skipped),
        time=f"{report.seconds:.2f}",
    )
    for outcome in report.outcomes:
        case = ElementTree.SubElement(
            suite, "testcase", classname=f"verify.{outcome.row}", name=outcome.subject, time=f"{outcome.seconds:.2f}"
        )
        if outcome.verdict is Verdict.FAILED:
            failure = ElementTree.SubElement(case, "failure", message=outcome.found)
            failure.text = f"expected: {outcome.expected}\nfound: {outcome.found}\nnext: {outcome.next}"
        elif outcome.verdict is Verdict.PASSED:
            ElementTree.SubElement(case, "system-out").text = outcome.found
        else:
            ElementTree.SubElement(case, "skipped", message=f"{outcome.verdict}: {outcome.found}")
    whole = ElementTree.Element("testsuites")
    whole.append(suite)
    ElementTree.indent(whole)
    return ElementTree.tostring(whole, encoding="unicode", xml_declaration=True) + "\n"


def write(report: Report, file: Path) -> None:
    """OSError when it cannot be written."""
    file.write_text(document(report))
