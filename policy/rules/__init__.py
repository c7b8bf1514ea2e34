"""The rules, one a file: pure functions of what a resource is to be."""

from . import (
    certificate_lifetime,
    host_key,
    own_namespaces,
    pinned_image,
    plain_secret,
    root_key,
    workload_covered,
)
from .rule import ResourceRule, StackRule

RESOURCE_RULES: tuple[ResourceRule, ...] = (
    plain_secret.RULE,
    host_key.RULE,
    pinned_image.RULE,
    certificate_lifetime.RULE,
)
STACK_RULES: tuple[StackRule, ...] = (root_key.RULE, workload_covered.RULE, own_namespaces.RULE)
