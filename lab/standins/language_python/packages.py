"""What is installed in the program's Python: the plugins that its packages need, and the packages themselves."""

import asyncio
import json
from pathlib import Path
from typing import Any

# Run by the program's own Python, which knows its own paths; -I keeps the working directory out of them.
_PLUGINS = """
import glob, json, os, sys
found = {}
for directory in sys.path:
    for path in sorted(glob.glob(os.path.join(glob.escape(directory), "*", "pulumi-plugin.json"))):
        found.setdefault(os.path.basename(os.path.dirname(path)), path)
print(json.dumps({module: json.load(open(path)) for module, path in found.items()}))
"""
_DISTRIBUTIONS = """
import importlib.metadata, json, re
installed = {d.metadata["Name"]: (d.version, d.requires or []) for d in importlib.metadata.distributions()}
plain = lambda name: re.sub(r"[-_.]+", "-", name).lower()
needed = {plain(re.match(r"[A-Za-z0-9._-]+", r)[0]) for _, requires in installed.values() for r in requires if "extra ==" not in r}
print(json.dumps([[name, version, plain(name) in needed] for name, (version, _) in sorted(installed.items())]))
"""


async def plugins(python: Path) -> list[dict[str, Any]]:
    """The content of every installed package's `pulumi-plugin.json` that names a resource plugin, with `name` filled in."""
    found = await _ask(python, _PLUGINS)
    return [
        {**plugin, "name": plugin.get("name") or module.removeprefix("pulumi_").replace("_", "-")}
        for module, plugin in found.items()
        if plugin.get("resource")
    ]


async def distributions(python: Path, *, transitive: bool) -> list[tuple[str, str]]:
    """Name and version of every installed distribution; without `transitive`, of those only that no other one needs."""
    return [(name, version) for name, version, needed in await _ask(python, _DISTRIBUTIONS) if transitive or not needed]


async def python_version(python: Path) -> str:
    """Such as `3.11.9`."""
    return str(await _ask(python, "import json, platform; print(json.dumps(platform.python_version()))"))


async def _ask(python: Path, script: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        str(python), "-I", "-c", script, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{python} could not list what is installed: {errors.decode(errors='replace').strip()}")
    return json.loads(output)
