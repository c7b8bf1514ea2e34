"""Downloads: continued after a cut, refused when they are not what was pinned, and unpacked without trust."""

import hashlib
import io
import socket
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.tools import archive, download
from lab.tools.errors import OfficialUnavailable
from lab.tools.reach import Reach
from tests.unit.tools_fixtures import Publisher, publisher

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with publisher() as here:
        here.files["/tool"] = CONTENT
        yield here


def test_a_download_that_is_cut_goes_on_where_it_broke(shop: Publisher, tmp_path: Path) -> None:
    shop.cuts["/tool"] = [100_000, 50_000]
    download.fetch(Reach(), f"{shop.url}/tool", SHA256, tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == CONTENT
    ranges = [wanted for path, wanted in shop.requests if path == "/tool"]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_what_an_earlier_run_received_is_not_fetched_again(shop: Publisher, tmp_path: Path) -> None:
    (tmp_path / "tool.part").write_bytes(CONTENT[:300_000])
    download.fetch(Reach(), f"{shop.url}/tool", SHA256, tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == CONTENT
    assert ("/tool", "bytes=300000-") in shop.requests


def test_a_file_that_was_complete_before_the_kill_is_taken(shop: Publisher, tmp_path: Path) -> None:
    (tmp_path / "tool.part").write_bytes(CONTENT)
    download.fetch(Reach(), f"{shop.url}/tool", SHA256, tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == CONTENT


def test_a_start_that_belongs_to_another_file_is_thrown_away(shop: Publisher, tmp_path: Path) -> None:
    (tmp_path / "tool.part").write_bytes(b"another file")
    download.fetch(Reach(), f"{shop.url}/tool", SHA256, tmp_path / "tool")
    assert (tmp_path / "tool").read_bytes() == CONTENT


def test_another_content_than_the_pinned_one_is_refused_and_not_kept(shop: Publisher, tmp_path: Path) -> None:
    with pytest.raises(OfficialUnavailable, match=f"has SHA-256 {SHA256}, expected {'0' * 64}"):
        download.fetch(Reach(), f"{shop.url}/tool", "0" * 64, tmp_path / "tool")
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_never_gets_through_ends_with_its_cause(shop: Publisher, tmp_path: Path) -> None:
    shop.cuts["/tool"] = [10] * 9
    with pytest.raises(OfficialUnavailable, match="was cut 4 times"):
        download.fetch(Reach(), f"{shop.url}/tool", SHA256, tmp_path / "tool")


def test_a_host_that_does_not_answer_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                asked.append(1)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        reach = Reach()
        for path in ("/one", "/two", "/three"):
            with pytest.raises(OfficialUnavailable, match=r"127\.0\.0\.1 is out of reach"):
                reach.demand(f"http://127.0.0.1:{server.getsockname()[1]}{path}")
        server.shutdown(socket.SHUT_RDWR)
    assert len(asked) == 1


def _tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def test_only_the_named_member_is_unpacked_under_our_name(tmp_path: Path) -> None:
    packed = _tar(tmp_path / "a.tar.gz", (tarfile.TarInfo("x/tool"), b"tool"), (tarfile.TarInfo("x/other"), b"other"))
    (tmp_path / "bin").mkdir()
    archive.unpack(packed, {"x/tool": "tool"}, tmp_path / "bin")
    assert [file.name for file in (tmp_path / "bin").iterdir()] == ["tool"]
    assert (tmp_path / "bin" / "tool").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("name", ["../escaped", "/tmp/escaped", "x/../../escaped"])
def test_an_archive_with_a_member_that_escapes_is_refused_whole(tmp_path: Path, name: str) -> None:
    packed = _tar(tmp_path / "a.tar.gz", (tarfile.TarInfo("x/tool"), b"tool"), (tarfile.TarInfo(name), b"evil"))
    (tmp_path / "bin").mkdir()
    with pytest.raises(OfficialUnavailable, match="outside of itself"):
        archive.unpack(packed, {"x/tool": "tool"}, tmp_path / "bin")
    assert list((tmp_path / "bin").iterdir()) == []
    assert not (tmp_path / "escaped").exists()


def test_a_link_in_place_of_a_binary_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("x/tool")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    packed = _tar(tmp_path / "a.tar.gz", (link, b""))
    (tmp_path / "bin").mkdir()
    with pytest.raises(OfficialUnavailable, match="holds no file x/tool"):
        archive.unpack(packed, {"x/tool": "tool"}, tmp_path / "bin")
    assert list((tmp_path / "bin").iterdir()) == []


def test_a_page_in_place_of_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tar.gz").write_text("<html>please log in</html>")
    with pytest.raises(OfficialUnavailable, match="is not a tar archive"):
        archive.unpack(tmp_path / "a.tar.gz", {"x/tool": "tool"}, tmp_path)
