"""`python -m lab.standins.tls <engine address>`."""

import pulumi_tls

import versions
from lab.standins.base import Provider, inputs_of, serve
from lab.standins.tls.cert_request import CertRequest
from lab.standins.tls.certificates import LocallySignedCert, SelfSignedCert
from lab.standins.tls.private_key import PrivateKey


def main() -> None:
    """Serves the engine."""
    serve(
        Provider(
            name="tls",
            version=versions.PLUGIN_TLS,
            resources=(PrivateKey(), CertRequest(), SelfSignedCert(), LocallySignedCert()),
            config=inputs_of(pulumi_tls.ProviderArgs),
        )
    )


if __name__ == "__main__":
    main()
