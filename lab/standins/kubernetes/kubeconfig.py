"""Kubeconfigs, given as text, as a path or by the environment, and what is in them."""

import os
from pathlib import Path
from typing import Any, Final

import yaml

from lab.standins.base.errors import ProviderError

Kubeconfig = dict[str, Any]

_LONGEST_PATH: Final = 4096


def read(path_or_content: str) -> Kubeconfig:
    """The kubeconfig of a provider's `kubeconfig`. Raises ProviderError without ever repeating the content."""
    text = path_or_content
    candidate = Path(path_or_content) if "\n" not in path_or_content and len(path_or_content) < _LONGEST_PATH else None
    try:
        candidate = candidate.expanduser() if candidate else None
        if candidate is not None and candidate.is_file():
            text = candidate.read_text()
    except (OSError, RuntimeError) as problem:
        raise ProviderError(f"kubeconfig file {candidate} cannot be read: {problem}") from problem
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        where = getattr(problem, "problem_mark", None)
        line = f", line {where.line + 1}" if where else ""
        raise ProviderError(
            f"kubeconfig is not valid YAML{line}; give a path to a file or the file's content"
        ) from None
    if not isinstance(found, dict):
        raise ProviderError("kubeconfig is neither the path of a file that exists nor a kubeconfig's content")
    return found


def ambient() -> Kubeconfig | None:
    """The kubeconfig that kubectl would take: first file of $KUBECONFIG that exists, else ~/.kube/config."""
    for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) or []:
        if name and Path(name).is_file():
            return read(name)
    home = Path("~/.kube/config").expanduser()
    return read(str(home)) if home.is_file() else None


def active_context(config: Kubeconfig, context: str | None = None) -> dict[str, Any]:
    """{cluster, user, namespace?} of the context in use; empty when there is none of that name."""
    return _named(config, "contexts", context or str(config.get("current-context") or ""), "context")


def active_cluster(config: Kubeconfig, context: str | None = None, cluster: str | None = None) -> dict[str, Any]:
    """The cluster entry in use: server, certificates. Empty when it cannot be told."""
    name = cluster or active_context(config, context).get("cluster") or ""
    return _named(config, "clusters", name, "cluster")


def namespace(config: Kubeconfig, context: str | None = None) -> str:
    return str(active_context(config, context).get("namespace") or "default")


def chosen(config: Kubeconfig, context: str | None, cluster: str | None) -> Kubeconfig:
    """The kubeconfig with the provider's `context` and `cluster` in force. Raises ProviderError when they are not in it."""
    name = context or str(config.get("current-context") or "")
    current = active_context(config, name)
    if not current:
        known = ", ".join(str(entry.get("name")) for entry in config.get("contexts") or []) or "none"
        raise ProviderError(f"kubeconfig has no context {name!r}; it has {known}; set the provider's `context`")
    if cluster and not _named(config, "clusters", cluster, "cluster"):
        raise ProviderError(f"kubeconfig has no cluster {cluster!r}; correct the provider's `cluster`")
    used = {**current, "cluster": cluster} if cluster else current
    contexts = [entry for entry in config.get("contexts") or [] if entry.get("name") != name]
    return {**config, "contexts": [*contexts, {"name": name, "context": used}], "current-context": name}


def _named(config: Kubeconfig, section: str, name: str, content: str) -> dict[str, Any]:
    for entry in config.get(section) or []:
        if isinstance(entry, dict) and entry.get("name") == name:
            return dict(entry.get(content) or {})
    return {}
