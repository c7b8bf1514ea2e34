"""What `make check` needs beside the Python packages; no lab needs it."""

import versions
from lab.tools.tool import Download, Module, Tool

_RELEASE = "https://github.com/rhysd/actionlint/releases/download/v{version}"

ACTIONLINT = Tool(
    name="actionlint",
    version=versions.ACTIONLINT,
    what="checks the workflows under .github",
    downloads=(
        Download(
            url=_RELEASE + "/actionlint_{version}_linux_{arch}.tar.gz",
            checksums=_RELEASE + "/actionlint_{version}_checksums.txt",
            members={"actionlint": "actionlint"},
        ),
    ),
    module=Module(
        directory="actionlint",
        path="github.com/rhysd/actionlint",
        packages=("github.com/rhysd/actionlint/cmd/actionlint",),
        builds={"actionlint": "actionlint"},
    ),
    weight=15,
)
