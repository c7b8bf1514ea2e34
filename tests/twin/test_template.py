"""`pulumi new <repository>`: the repository is a template of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from settings.labs import LABS
from settings.load import NAMESPACE

pytestmark = pytest.mark.twin

ROOT = Path(__file__).parents[2]
OWN = "Pulumi.yaml"


@pytest.fixture(scope="module")
def files() -> list[str]:
    """What a clone of the repository would hold, with what has not been committed yet."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return [name for name in listed if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def made(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project that the engine makes of a clone."""
    place = tmp_path_factory.mktemp("new")
    for name in files:
        target = place / "clone" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
        target.chmod((ROOT / name).stat().st_mode)
    (place / "state").mkdir()
    environment = {
        **os.environ,
        "PULUMI_HOME": str(place / "home"),
        "PULUMI_BACKEND_URL": (place / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE": "none",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    command = ["pulumi", "new", str(place / "clone"), "--generate-only", "--yes", "--dir", str(place / "mine")]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "make up STACK=" in done.stdout
    return place / "mine"


def test_a_new_project_has_every_file_as_it_is_in_the_repository(files: list[str], made: Path) -> None:
    assert {str(file.relative_to(made)) for file in made.rglob("*") if file.is_file()} == set(files)
    for name in set(files) - {OWN}:
        assert (made / name).read_bytes() == (ROOT / name).read_bytes(), name
        assert os.access(made / name, os.X_OK) == os.access(ROOT / name, os.X_OK), name


def test_a_new_project_has_the_name_that_its_keys_begin_with_and_is_no_template(made: Path) -> None:
    project, original = (yaml.safe_load((directory / OWN).read_text()) for directory in (made, ROOT))
    assert project["name"] == NAMESPACE
    assert "template" not in project
    assert {key: value for key, value in project["config"].items() if key != "pulumi:tags"} == original["config"]
    asked = original["template"]["config"]
    assert set(asked) <= set(original["config"])
    assert asked["lab"]["default"] in LABS
    assert all(lab in asked["lab"]["description"] for lab in LABS)


def test_a_new_project_runs(made: Path) -> None:
    command = [sys.executable, "-m", "lab", "reference"]
    done = subprocess.run(command, cwd=made, check=True, capture_output=True, text=True)
    assert done.stdout == (made / "docs" / "reference" / "configuration.md").read_text()
