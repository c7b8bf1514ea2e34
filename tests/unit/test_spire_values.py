"""SPIRE's values and identities, as far as they are decided without an engine."""

import json
from typing import Any

import jsonschema
import pytest

from domain.spire import agent_id, attestation_is_limited
from domain.spire_chart import spire_values
from lab.twin.charts import SOURCES


def test_the_stand_in_takes_the_values_that_the_program_writes() -> None:
    schema: dict[str, Any] = json.loads((SOURCES / "spire" / "values.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(spire_values(2, "digest"))


def test_the_agent_of_a_device_is_known_before_the_device_exists() -> None:
    assert agent_id("smiley") == "spiffe://root.linkerd.cluster.local/spire/agent/device/smiley"


@pytest.mark.parametrize(("devices", "limited"), [(30, True), (31, False)])
def test_the_limit_of_one_a_second_ends_where_a_power_cut_would_take_long(devices: int, limited: bool) -> None:
    assert attestation_is_limited(devices) is limited
    assert spire_values(devices, "")["spire-server"]["rateLimit"] == {"attestation": limited, "signing": True}
