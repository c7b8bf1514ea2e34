"""The policy pack, asked by the real engine: what is secret and what is not known yet arrive as such, and a broken rule stops."""

import time
from collections.abc import Callable

import psutil
import pytest

from lab import policy_pack
from tests.plugins.harness import Stack

# A key that leaves its trust, a lifetime and a password that are wrong, and a password that is right.
ASTRAY = """
key = tls.PrivateKey("key", algorithm="ECDSA", ecdsa_curve="P256")
tls.SelfSignedCert(
    "root",
    private_key_pem=key.private_key_pem,
    subject={"common_name": "root"},
    is_ca_certificate=True,
    validity_period_hours=4000 * 24,
    allowed_uses=["cert_signing"],
)
command.local.Command("leak", create="true", stdin=key.private_key_pem, environment={"PASSWORD": "in the open"})
command.local.Command("fine", create="true", environment={"PASSWORD": pulumi.Output.secret("hush-hush")})
"""


@pytest.fixture(scope="module")
def pack() -> tuple[str, str]:
    return "--policy-pack", str(policy_pack.ready())


def test_a_program_that_keeps_the_rules_passes(stack: Stack, pack: tuple[str, str]) -> None:
    stack.program(
        'command.local.Command("fine", create="true", environment={"PASSWORD": pulumi.Output.secret("hush")})'
    )
    assert "mesh-expansion@v" in stack.preview(*pack).output


def test_broken_rules_stop_a_preview_and_name_the_resource(stack: Stack, pack: tuple[str, str]) -> None:
    stack.program(ASTRAY)
    stopped = stack.preview(*pack, check=False)
    assert stopped.code
    assert "[mandatory]  certificate-lifetime  (tls:index:SelfSignedCert: root)" in stopped.output
    assert "[mandatory]  no-plain-secret  (command:local:Command: leak)" in stopped.output
    assert "environment.PASSWORD" in stopped.output
    assert "(command:local:Command: fine)" not in stopped.output
    assert "in the open" not in stopped.output
    # Before the key exists nothing can be said of it.
    assert "no-root-key-outside-trust" not in stopped.output


def test_a_root_key_that_went_astray_is_found_by_its_value(stack: Stack, pack: tuple[str, str]) -> None:
    stack.program(ASTRAY)
    stack.up()
    stopped = stack.preview(*pack, check=False)
    assert stopped.code
    assert "[mandatory]  no-root-key-outside-trust  (command:local:Command: leak)" in stopped.output
    assert "stdin holds the key of the trust anchor root" in stopped.output
    assert "PRIVATE KEY" not in stopped.output


def test_a_policy_pack_ends_with_an_engine_that_is_killed(
    make_stack: Callable[[], Stack], pack: tuple[str, str]
) -> None:
    def packs(engine: psutil.Process) -> list[psutil.Process]:
        return [process for process in engine.children(recursive=True) if "pulumi.policy" in process.cmdline()]

    stack = make_stack()
    stack.program("import time\ntime.sleep(300)")
    running = stack.start("preview", *pack)
    engine = psutil.Process(running.process.pid)
    end = time.monotonic() + 60
    while not (started := packs(engine)) and time.monotonic() < end:
        time.sleep(0.05)
    assert started, "no policy pack within 60 s"
    running.process.kill()
    assert running.wait().code
    _, left = psutil.wait_procs(started, timeout=20)
    for process in left:
        process.kill()
    assert not left
