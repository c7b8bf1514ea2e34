"""Service accounts for parts of Faces that a rule tells from the others."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as k8s

from components.waiting import declared_at_once


class Accounts(pulumi.ComponentResource):
    """A service account for each Deployment of that name, whose pods are started anew to run as it; with each what takes the
    Deployment away.

    No version of the chart names one, so that all parts have one identity. It belongs behind the chart and behind what
    allows the new identities something; taken out, the pods run as `default` again.
    """

    def __init__(
        self,
        name: str,
        accounts: Mapping[str, pulumi.Resource],
        namespace: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:policy:Accounts", name, None, own)
        for account, leaves_with in accounts.items():
            made = k8s.core.v1.ServiceAccount(
                f"{name}-{account}",
                metadata={"name": account, "namespace": namespace},
                opts=pulumi.ResourceOptions(parent=self),
            )
            k8s.apps.v1.DeploymentPatch(
                f"{name}-{account}-pods",
                metadata={"name": account, "namespace": namespace},
                # The API copies one name into the other: what is not owned here would stay when the patch goes.
                spec={"template": {"spec": {"service_account_name": account, "service_account": account}}},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[made, *needed], deleted_with=leaves_with),
            )
        self.register_outputs({})
