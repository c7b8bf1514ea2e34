"""`lab doctor`: before an `up`, what is missing and what would fail, each with its cause and the next command."""

from lab.doctor.configuration import NoStackFile
from lab.doctor.examination import SECONDS, examine
from lab.doctor.report import Report, show, write_json

__all__ = ["SECONDS", "NoStackFile", "Report", "examine", "show", "write_json"]
