"""How a device proves that its proxy has an identity: against real TLS servers in the place of the inbound port."""

import subprocess
from pathlib import Path

from tests.conftest import Authority
from tests.unit.device_fixtures import SCRIPTS, sh
from tests.unit.prober_fixtures import ID, Serve, between, identity, root, serve

__all__ = ["between", "root", "serve"]
SCRIPT = SCRIPTS / "root/opt/mesh-expansion/bin/prove-identity"
READY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def _prove(port: int, anchors: Authority, directory: Path) -> subprocess.CompletedProcess[str]:
    file = directory / "trust-anchors.pem"
    file.write_text(anchors.pem)
    text = SCRIPT.read_text()
    for place, here in (("127.0.0.1:4143", f"127.0.0.1:{port}"), ("/etc/mesh-expansion/trust-anchors.pem", str(file))):
        assert place in text
        text = text.replace(place, here)
    return sh(f"SPIFFE_ID={ID} SERVER_NAME=smiley.cluster.local\nset -- 0\n{text}")


def test_the_workloads_own_certificate_proves_its_identity(
    serve: Serve, root: Authority, between: Authority, tmp_path: Path
) -> None:
    done = _prove(serve(identity(between, tmp_path), READY), root, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_who_says_in_plain_text_that_all_is_well_proves_nothing(serve: Serve, root: Authority, tmp_path: Path) -> None:
    done = _prove(serve(None, READY), root, tmp_path)
    assert done.returncode == 1
    assert "identity: no TLS on 127.0.0.1:" in done.stderr
    assert f"expected URI:{ID} within 0 s; fix: " in done.stderr


def test_a_certificate_of_another_workload_or_of_another_trust_proves_nothing(
    serve: Serve, root: Authority, between: Authority, tmp_path: Path
) -> None:
    other = _prove(serve(identity(between, tmp_path, name=ID.replace("smiley", "color")), READY), root, tmp_path)
    assert other.returncode == 1
    assert "identity: URI:spiffe://root.linkerd.cluster.local/color on the inbound port" in other.stderr
    untrusted = _prove(serve(identity(between, tmp_path), READY), between, tmp_path)
    assert untrusted.returncode == 1
    assert "identity: Verify return code: " in untrusted.stderr.replace("    ", "")


def test_a_certificate_that_has_ended_proves_nothing(
    serve: Serve, root: Authority, between: Authority, tmp_path: Path
) -> None:
    done = _prove(serve(identity(between, tmp_path, days=(-3, -1)), READY), root, tmp_path)
    assert done.returncode == 1
    assert "certificate has expired" in done.stderr
