"""Every row, in the order in which they are shown."""

from collections.abc import Sequence

from lab.verify.row import Row
from lab.verify.rows import (
    accepted,
    audit,
    certificates,
    conditions,
    control_plane,
    emissary,
    endpoints,
    grpc,
    gui,
    hand_off,
    matrix,
    names,
    paths,
    retries,
    routes,
    servers,
    shares,
    timeouts,
    tls,
    wire,
)

ROWS: Sequence[Row] = (
    control_plane.ROW,
    hand_off.ROW,
    gui.ROW,
    emissary.ROW,
    conditions.ROW,
    endpoints.ROW,
    names.ROW,
    routes.ROW,
    accepted.ROW,
    shares.ROW,
    paths.ROW,
    retries.ROW,
    timeouts.ROW,
    grpc.ROW,
    servers.ROW,
    matrix.ROW,
    audit.ROW,
    wire.ENCRYPTED,
    wire.PLAIN,
    tls.ROW,
    certificates.ROW,
)
