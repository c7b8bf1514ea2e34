"""Stand-in for pulumi-resource-tls: keys, certificate requests and certificates by `cryptography`, with the official names and verdicts.

Facts from terraform-provider-tls 4.2.1, which pulumi-tls 5.5.1 wraps. The functions `getCertificate` and `getPublicKey` are not there.
"""
