"""Which kind of places a lab has."""

from pathlib import Path

from lab import stack_file, twin_lab
from lab.verify.cluster import Cluster
from lab.verify.place import Places
from lab.verify.places.probe_pod import Writer
from lab.verify.places.real import RealPlaces
from lab.verify.places.twin import TwinPlaces
from settings import Settings

_AFTERWARDS = 120  # seconds to take away what a run has made


def places_of(
    settings: Settings, stack: str, project: Path, api: Writer, cluster: Cluster, *, seconds: float, encrypted_key: bool
) -> Places:
    """Those of the twin for its own stack, whose pods never run; else real pods and machines."""
    deadline = seconds + _AFTERWARDS
    if stack == twin_lab.STACK:
        return TwinPlaces(stack_file.outside(stack_file.find(stack)), seconds=deadline)
    return RealPlaces(
        settings=settings,
        project=project,
        api=api,
        cluster=cluster,
        seconds=deadline,
        encrypted_key=encrypted_key,
    )
