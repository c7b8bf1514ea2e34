"""What `lab comment` writes of a preview: the tally, what goes, access and shares in words, details behind a fold."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import application
from lab.comment.comment import comment
from lab.comment.preview import PreviewError, read
from lab.picture.difference import compare
from tests.unit.comment_fixtures import changed, kubernetes, preview, route, step
from tests.unit.test_picture_graph import graph_of

_PAIR = "command:remote:Command"


def _comment(*steps: dict[str, object], **more: object) -> str:
    return comment(read(preview(*steps, **more)))  # type: ignore[arg-type]


def _before(text: str, first: str, second: str) -> bool:
    return 0 <= text.index(first) < text.index(second)


def test_the_tally_comes_first_and_counts_resources_and_not_steps() -> None:
    # The engine tells a replacement in three steps; the last one knows only what goes.
    replaced = [
        step(
            op,
            _PAIR,
            "smiley-device-parts",
            before={"create": "a"},
            after={"create": "b"},
            replaceReasons=["create"],
            detailedDiff={"create": {"kind": "update-replace"}},
        )
        for op in ("create-replacement", "replace")
    ]
    replaced.append(step("delete-replaced", _PAIR, "smiley-device-parts", before={"create": "a"}))
    text = _comment(
        *replaced,
        step("create", _PAIR, "new", after={}),
        step("update", _PAIR, "old", before={}, after={}),
        step("delete", _PAIR, "gone", before={}),
        same=90,
    )
    assert text.splitlines()[1] == "### Preview of `twin`: 1 replaced, 1 deleted, 1 created, 1 updated, 90 unchanged"
    assert "because of `create`" in text
    assert "  create:\n-   a\n+   b\n" in text


def test_a_preview_without_changes_says_so() -> None:
    assert "### Preview of `twin`: 97 unchanged" in _comment(same=97)
    assert "<details>" not in _comment(same=97)


def test_what_is_replaced_and_deleted_stands_on_top_with_the_keys_that_are_the_reason() -> None:
    text = _comment(
        step("update", _PAIR, "a-first", before={"update": 1}, after={"update": 2}, detailedDiff={"update": {}}),
        step("delete", "tls:index/privateKey:PrivateKey", "old-key", before={}),
        step("replace", _PAIR, "parts", before={}, after={}, replaceReasons=["triggers[0]", "connection.host"]),
    )
    assert "- replaced: `parts` (`Command`), because of `triggers[0]`, `connection.host`" in text
    assert "- deleted: `old-key` (`PrivateKey`)" in text
    assert _before(text, "replaced: `parts`", "deleted: `old-key`")
    assert _before(text, "deleted: `old-key`", "a-first")


def test_a_change_of_one_weight_is_told_in_shares() -> None:
    text = _comment(
        changed(
            "update",
            route({"smiley": 80, "smiley2": 20}),
            route({"smiley": 60, "smiley2": 40}),
            detailedDiff={"spec.rules[0].backendRefs[0].weight": {"kind": "update", "inputDiff": True}},
        )
    )
    assert "- `route smiley-route: smiley 80 % → 60 %, smiley2 20 % → 40 % of the requests to smiley`" in text
    assert "  spec.rules[0].backendRefs[0].weight:\n-   80\n+   60\n" in text


def test_a_route_that_comes_or_goes_and_its_retries_are_told() -> None:
    with_retry = route({"smiley": 1}, **{"retry.linkerd.io/http": "5xx", "retry.linkerd.io/limit": "3"})
    assert "route smiley-route is new: requests to smiley go 100 % to smiley" in _comment(
        changed("create", None, with_retry)
    )
    assert "route smiley-route goes: requests to smiley no longer go 100 % to smiley" in _comment(
        changed("delete", with_retry, None)
    )
    text = _comment(changed("update", route({"smiley": 1}), with_retry))
    assert "route smiley-route: retry none → http 5xx, limit 3" in text


def _policy(name: str, target: str) -> tuple[str, str, dict[str, object]]:
    reference = {"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": name}
    spec = {"targetRef": {"kind": "HTTPRoute", "name": target}, "requiredAuthenticationRefs": [reference]}
    return kubernetes("AuthorizationPolicy", f"{name}-{target}", spec)


def _identities(*names: str) -> tuple[str, str, dict[str, object]]:
    return kubernetes("MeshTLSAuthentication", "known", {"identities": list(names)})


_FACE = "face.faces.serviceaccount.identity.linkerd.cluster.local"
_SMILEY = "spiffe://root.linkerd.cluster.local/smiley"


def test_who_may_call_from_now_on_and_who_no_longer_is_told_by_name() -> None:
    text = _comment(
        changed("create", None, _identities(_FACE, _SMILEY)),
        changed("create", None, _policy("known", "edge-color")),
        changed("delete", _policy("edge-meshed", "edge-smiley"), None),
        changed("create", None, _policy("unseen", "edge-smiley")),
    )
    assert "- `new: service account face, workload smiley (rule known) may call color`" in text
    assert "- `no longer: everybody on the mesh may call smiley`" in text
    assert "- `new: whoever rule unseen names may call smiley`" in text


def test_a_rule_that_names_others_and_a_server_of_another_mode_are_told() -> None:
    def server(policy: str) -> tuple[str, str, dict[str, object]]:
        return kubernetes("Server", "edge-smiley", {"accessPolicy": policy})

    text = _comment(
        changed("update", _identities(_FACE), _identities(_SMILEY)),
        changed("update", server("deny"), server("audit")),
    )
    assert "rule known now also lets in: workload smiley" in text
    assert "rule known no longer lets in: service account face" in text
    assert "calls of smiley that no rule allows: refused → let through and logged" in text
    assert _before(text, "Who may call whom", "Every change")


def test_details_are_folded_and_cut_where_they_are_long() -> None:
    text = _comment(
        step(
            "update", _PAIR, "long", before={"a": "x" * 5000}, after={"a": "y"}, detailedDiff={"a": {"kind": "update"}}
        )
    )
    assert text.count("<details>") == text.count("</details>") == 2
    assert max(map(len, text.splitlines())) < 400


def _updated(before: object, after: object) -> str:
    return _comment(
        step("update", _PAIR, "it", before={"a": before}, after={"a": after}, detailedDiff={"a": {"kind": "update"}})
    )


def test_of_long_texts_the_lines_that_differ_are_shown() -> None:
    before = [f"line {number}" for number in range(200)]
    after = [*before[:150], "another line", *before[151:]]
    text = _updated("\n".join(before), "\n".join(after))
    assert "  a:\n    …\n-   line 150\n+   another line\n```" in text
    many = _updated("\n".join(before), "\n".join(reversed(before)))
    assert "    and more lines" in many
    assert max(len(part.splitlines()) for part in many.split("```")) < 20


def test_what_only_the_update_will_tell_is_said_so_and_not_shown_as_the_engine_s_mark() -> None:
    text = _updated("sha256:7d60", "04da6b54-80e4-46f7-96ec-b56ff0331ba9")
    assert "-   sha256:7d60\n+   (known after the update)" in text
    assert "04da6b54" not in text


def test_a_file_is_known_by_its_hash_and_a_secret_one_by_nothing() -> None:
    def asset(hash_of_it: str) -> dict[str, str]:
        mark = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17"}
        return {**mark, "hash": hash_of_it * 64, "text": "what is in it", "path": "/home/somebody/it"}

    text = _updated(asset("a"), asset("b"))
    assert "-   (file aaaaaaaaaaaa…)\n+   (file bbbbbbbbbbbb…)" in text
    assert "what is in it" not in text
    assert "somebody" not in text
    hidden = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
    assert "(differs, and is not shown)" in _updated({**hidden, "ciphertext": "x"}, {**hidden, "ciphertext": "y"})
    assert "aaaa" not in _comment(
        step("update", _PAIR, "it", before={"token": asset("a")}, after={}, detailedDiff={"token": {"kind": "delete"}})
    )


def test_a_preview_that_failed_says_so_first_and_shows_the_errors() -> None:
    message = "1 problem in stacks/Pulumi.twin.yaml; nothing was changed.\n  routes[0].service: 'smily' is no Service"
    text = _comment(diagnostics=[{"severity": "error", "message": message}, {"severity": "info", "message": "hm"}])
    assert "### Preview of `twin`: the preview failed" in text
    assert "  routes[0].service: 'smily' is no Service" in text
    assert "hm" not in text


def test_a_name_with_markup_in_it_stays_a_name() -> None:
    name = "a`b</details>\n# @everyone ``` <script>"
    text = _comment(step("delete", _PAIR, name, before={}))
    assert not [line for line in text.splitlines() if line.startswith(("# ", "@"))]
    assert "``a`b" in text or "````a`b" in text
    assert text.count("```diff") == 1


def test_the_topology_that_differs_is_drawn_and_one_that_does_not_is_a_line(tmp_path: Path) -> None:
    before, after = graph_of(tmp_path), graph_of(tmp_path, workloads=[])
    found = read(preview(same=3))
    assert "**Topology**: the picture stays as it is" in comment(found, compare(before, before))
    drawn = comment(found, compare(before, after))
    assert "```mermaid\nflowchart LR\n" in drawn
    assert "- removed" in drawn


def test_the_comment_can_be_found_again_by_its_first_line() -> None:
    assert _comment().splitlines()[0] == "<!-- mesh-expansion preview of twin -->"


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"version": 3}', "[" * 100_000])
def test_what_is_no_preview_is_refused(text: str) -> None:
    with pytest.raises(PreviewError, match="pulumi preview --json"):
        read(text)


def test_exit_statuses_tell_what_was_written_from_what_is_no_preview(tmp_path: Path) -> None:
    good, bad = tmp_path / "preview.json", tmp_path / "bad.json"
    good.write_text(preview(same=2))
    bad.write_text("{}")
    run = CliRunner().invoke
    assert run(application, ["comment", str(good)]).exit_code == 0
    assert re.search("2 unchanged", run(application, ["comment"], input=good.read_text()).output)
    assert run(application, ["comment", str(bad)]).exit_code == 1
    assert run(application, ["comment", str(tmp_path / "none.json")]).exit_code == 1
    assert run(application, ["comment", str(good), "--diff", "only-one"]).exit_code == 2
    output = tmp_path / "comment.md"
    assert run(application, ["comment", str(good), "--output", str(output)]).output == ""
    assert "2 unchanged" in output.read_text()
