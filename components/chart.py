"""Where a Helm chart comes from: its official place, or the user's mirror."""

from dataclasses import dataclass

import pulumi_kubernetes as k8s


@dataclass(frozen=True)
class ChartSource:
    """A mirror for every chart; None leaves each chart at its official place.

    A mirror is a directory of `<chart>-<version>.tgz` files, an OCI registry (`oci://...`) or a chart repository's URL.
    """

    mirror: str | None = None

    def locate(self, name: str, version: str, official: str) -> tuple[str, k8s.helm.v3.RepositoryOptsArgs | None]:
        """The `chart` and `repository_opts` of a Release; `official` is an `oci://` prefix or a repository's URL."""
        place = self.mirror or official
        if place.startswith("oci://"):
            return f"{place.rstrip('/')}/{name}", None
        if "://" in place:
            return name, k8s.helm.v3.RepositoryOptsArgs(repo=place)
        return f"{place.rstrip('/')}/{name}-{version}.tgz", None
