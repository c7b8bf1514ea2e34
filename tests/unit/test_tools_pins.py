"""The pins of the tools: one version, said once, with a checksum behind it."""

import re
from pathlib import Path

import pytest

import versions
from lab.tools import ToolError, catalogue, checksum, gobuild
from lab.tools.tool import Source, Tool

MODULES = [tool for tool in (*catalogue.TOOLS, *catalogue.LINTERS) if tool.module]
DIGEST = "a" * 64


def _packages(tool: Tool) -> tuple[str, ...]:
    return tool.module.packages if tool.module else ()


def _file(directory: str, name: str) -> str:
    return (gobuild.MODULES / directory / name).read_text()


@pytest.mark.parametrize("tool", MODULES, ids=lambda tool: tool.name)
def test_a_go_module_builds_the_version_that_versions_py_names(tool: Tool) -> None:
    assert tool.module
    found = re.search(
        rf"^\s*(?:require )?{re.escape(tool.module.path)} v(\S+)", _file(tool.module.directory, "go.mod"), re.M
    )
    assert found
    assert found[1] == tool.version


@pytest.mark.parametrize("tool", MODULES, ids=lambda tool: tool.name)
def test_go_sum_pins_the_content_of_each_module(tool: Tool) -> None:
    assert tool.module
    assert f"{tool.module.path} v{tool.version} h1:" in _file(tool.module.directory, "go.sum")


@pytest.mark.parametrize("tool", MODULES, ids=lambda tool: tool.name)
def test_each_package_that_is_built_is_a_tool_of_its_module(tool: Tool) -> None:
    assert tool.module
    named = set(re.findall(r"^tool (\S+)", _file(tool.module.directory, "go.mod"), re.M))
    assert named == {package for package in tool.module.packages if package != "."}


@pytest.mark.parametrize("tool", [tool for tool in MODULES if "." in _packages(tool)], ids=lambda tool: tool.name)
def test_a_program_of_ours_beside_a_go_mod_is_made_of_that_module(tool: Tool) -> None:
    assert tool.module
    assert f'"{tool.module.path}/' in _file(tool.module.directory, "main.go")


@pytest.mark.parametrize("tool", [tool for tool in catalogue.TOOLS if tool.source], ids=lambda tool: tool.name)
def test_a_stand_in_in_go_pins_what_it_uses_and_builds_every_program_that_it_names(tool: Tool) -> None:
    assert tool.source
    directory = gobuild.SOURCES / tool.source.directory
    needed = set(re.findall(r"^\s*(?:require )?(\S+) v\S+", (directory / "go.mod").read_text(), re.M))
    pinned = (directory / "go.sum").read_text() if needed else ""
    assert all(f"{module} v" in pinned for module in needed)
    for package in tool.source.packages:
        assert "func main()" in (directory / package / "main.go").read_text()


def test_editing_a_program_of_ours_makes_another_build_and_its_tests_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gobuild, "SOURCES", tmp_path)
    source = Source(directory="thing", packages=(".",), builds={"thing": "thing"})
    (tmp_path / "thing").mkdir()
    main = tmp_path / "thing" / "main.go"
    main.write_text("package main")
    before = gobuild.ingredients(source, "amd64")
    (tmp_path / "thing" / "main_test.go").write_text("package main")
    assert gobuild.ingredients(source, "amd64") == before
    main.write_text("package main // changed")
    assert gobuild.ingredients(source, "amd64") != before


def test_kubernetes_libraries_are_of_the_same_release_as_its_binaries() -> None:
    library = "v0." + versions.KUBERNETES.split(".", 1)[1]
    replaced = re.findall(r"^replace \S+ => \S+ (\S+)", _file("kubernetes", "go.mod"), re.M)
    assert len(replaced) > 20
    assert set(replaced) == {library}


def test_the_lowest_go_that_is_accepted_can_build_every_module() -> None:
    lowest = versions.GO.split(".")
    files = [*gobuild.MODULES.glob("*/go.mod"), *gobuild.SOURCES.glob("*/go.mod")]
    assert len(files) > len(MODULES)
    for file in files:
        asked = re.search(r"^go (\S+)", file.read_text(), re.M)
        assert asked, file
        assert [int(part) for part in asked[1].split(".")[:2]] <= [int(part) for part in lowest]


def test_every_official_download_has_a_checksum_or_names_where_its_publisher_lists_it() -> None:
    for tool in catalogue.TOOLS:
        for part in tool.downloads:
            assert part.checksums.startswith("https://") or {"amd64", "arm64"} <= set(part.sha256), tool.name
            assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in part.sha256.values())


def test_what_is_not_built_from_a_module_has_a_stand_in() -> None:
    for tool in catalogue.TOOLS:
        assert tool.module or tool.source or tool.standins, tool.name


def test_the_go_wheel_is_pinned_for_both_architectures() -> None:
    assert set(catalogue.GO_WHEELS) == {"amd64", "arm64"}


def test_a_lab_does_not_wait_for_a_linter() -> None:
    assert not [tool for tool in catalogue.chosen(None) if tool in catalogue.LINTERS]
    assert catalogue.chosen(frozenset({"actionlint"})) == catalogue.LINTERS


def test_an_unknown_tool_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(ToolError, match=r"no such tool: kubectk; the lab knows .*etcd"):
        catalogue.chosen(frozenset({"kubectk"}))


@pytest.mark.parametrize(
    "text",
    [
        DIGEST,
        f"{'b' * 64}  other.tar.gz\n{DIGEST}  tool.tar.gz\n",
        f"{DIGEST} *./dist/tool.tar.gz\n",
        '{"assets": [{"name": "other", "digest": null}, {"name": "tool.tar.gz", "digest": "sha256:' + DIGEST + '"}]}',
    ],
    ids=["lone digest", "list", "list with binary mark and path", "record of a release"],
)
def test_a_publishers_list_is_read_in_each_form_that_is_in_use(text: str) -> None:
    assert checksum.find(text, "tool.tar.gz") == DIGEST


@pytest.mark.parametrize(
    "text", ["", "<html>not found</html>", f"{DIGEST}  other.tar.gz", '{"message": "rate limited"}']
)
def test_a_list_that_does_not_name_the_file_gives_no_checksum(text: str) -> None:
    assert checksum.find(text, "tool.tar.gz") is None


def test_no_file_of_the_tools_names_a_registry() -> None:
    for file in Path(gobuild.MODULES.parent).glob("*.py"):
        assert not re.search(r"proxy\.golang|sum\.golang|pypi\.org|pythonhosted", file.read_text()), file
