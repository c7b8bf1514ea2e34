"""The policy pack: the engine asks it about every resource of a preview or an update. The rules are in rules/.

The SDK shows a policy the value of a secret as if it were plain, and stops a policy at the first value that a preview cannot
know. Rules have to tell both apart, so they get what the engine sent: `_Inputs` passes through the SDK as it is.
"""

from dataclasses import dataclass
from typing import Any

import pulumi_policy
import pulumi_policy.policy as sdk
from rules import RESOURCE_RULES, STACK_RULES
from rules.resource import Resource, read
from rules.rule import ResourceRule, StackRule


@dataclass(frozen=True)
class _Inputs:
    """Inputs in the engine's own words."""

    raw: dict[str, Any]


def _keep_marks() -> None:
    if not hasattr(sdk, "deserialize_properties"):
        raise RuntimeError(
            "this version of pulumi-policy reads inputs in another way: rules could not tell secrets from others"
        )
    sdk.deserialize_properties = lambda props, *_: _Inputs(props)


def _resource(args: Any) -> Resource:
    return Resource(type=args.resource_type, name=args.name, urn=args.urn, inputs=read(args.props.raw))


def _of_a_resource(rule: ResourceRule) -> pulumi_policy.ResourceValidationPolicy:
    def validate(args: pulumi_policy.ResourceValidationArgs, report: pulumi_policy.ReportViolation) -> None:
        for message in rule.check(_resource(args)):
            report(message)

    return pulumi_policy.ResourceValidationPolicy(name=rule.name, description=rule.description, validate=validate)


def _of_a_stack(rule: StackRule) -> pulumi_policy.StackValidationPolicy:
    def validate(args: pulumi_policy.StackValidationArgs, report: pulumi_policy.ReportViolation) -> None:
        for violation in rule.check([_resource(resource) for resource in args.resources]):
            report(violation.message, violation.urn)

    return pulumi_policy.StackValidationPolicy(name=rule.name, description=rule.description, validate=validate)


if __name__ == "__main__":
    _keep_marks()
    pulumi_policy.PolicyPack(
        name="mesh-expansion",
        enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY,
        policies=[*map(_of_a_resource, RESOURCE_RULES), *map(_of_a_stack, STACK_RULES)],
    )
