"""What a machine may ask of the device authority: a certificate for its own name, and nothing else."""

from cryptography import x509
from cryptography.x509.oid import NameOID


def own_request(pem: str, name: str) -> str:
    """The request as it is; raises ValueError unless it is whole, signed by its own key, and asks for `name` alone.

    The machine wrote it: one that asks for another's name would get that one's identity.
    """
    try:
        request = x509.load_pem_x509_csr(pem.encode())
    except ValueError as fault:
        raise ValueError(
            f"{name}: what it answered is no certificate request ({fault}); expected one PEM block; "
            "fix: read the output of the command that prepares it"
        ) from fault
    if not request.is_signature_valid:
        raise ValueError(
            f"{name}: its request is not signed by the key that it names; fix: remove the machine's key and run again"
        )
    names = [(attribute.oid, attribute.value) for attribute in request.subject]
    if names != [(NameOID.COMMON_NAME, name)] or len(request.extensions):
        raise ValueError(
            f"{name}: its request asks for {request.subject.rfc4514_string()!r} with {len(request.extensions)} extensions; "
            f"expected CN={name} and none; fix: do not trust this machine before you know why"
        )
    return pem
