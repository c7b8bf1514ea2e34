"""Private keys: made, read from PEM, and written in each form that the plugin gives."""

import base64
import hashlib
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from lab.standins.base import ProviderError

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

CURVES: dict[str, type[ec.EllipticCurve]] = {
    "P224": ec.SECP224R1,
    "P256": ec.SECP256R1,
    "P384": ec.SECP384R1,
    "P521": ec.SECP521R1,
}
_RSA_EXPONENT = 65537


def generate(algorithm: str, curve: str, bits: int) -> Key:
    """A new key; `curve` counts for ECDSA, `bits` for RSA."""
    if algorithm == "RSA":
        return rsa.generate_private_key(_RSA_EXPONENT, bits)
    if algorithm == "ECDSA":
        return ec.generate_private_key(CURVES[curve]())
    return ed25519.Ed25519PrivateKey.generate()


def parse(pem: str, property_name: str) -> Key:
    """The key of a PEM text; the error names the property and never shows the text."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ProviderError(
            f"{property_name}: must be an unencrypted private key in PEM form: {type(error).__name__}"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        return key
    raise ProviderError(f"{property_name}: must be an RSA, ECDSA or ED25519 key, not {type(key).__name__}")


def algorithm(key: Key) -> str:
    """The plugin's name for the kind of key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "ECDSA" if isinstance(key, ec.EllipticCurvePrivateKey) else "ED25519"


def digest(key: Key) -> hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None:
    """The hash that a signature by this key uses: the curve's own size, none for ED25519."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if isinstance(key.curve, ec.SECP384R1):
            return hashes.SHA384()
        if isinstance(key.curve, ec.SECP521R1):
            return hashes.SHA512()
    return hashes.SHA256()


def outputs(key: Key) -> dict[str, Any]:
    """Every form that the plugin gives. The OpenSSH ones are empty for P224, which OpenSSH does not know."""
    # ED25519 has no form of its own before PKCS #8.
    traditional = (
        PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    )
    known_to_ssh = not (isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP224R1))
    public = key.public_key()
    openssh = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() if known_to_ssh else ""
    blob = base64.b64decode(openssh.split()[1]) if openssh else b""
    md5 = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    sha256 = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return {
        "privateKeyPem": key.private_bytes(Encoding.PEM, traditional, NoEncryption()).decode(),
        "privateKeyPemPkcs8": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "privateKeyOpenssh": key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
        if known_to_ssh
        else "",
        "publicKeyPem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        "publicKeyOpenssh": f"{openssh}\n" if openssh else "",
        "publicKeyFingerprintMd5": ":".join(md5[i : i + 2] for i in range(0, len(md5), 2)) if openssh else "",
        "publicKeyFingerprintSha256": f"SHA256:{sha256}" if openssh else "",
    }


def identifier(key: PublicKey) -> bytes:
    """The subject key identifier: SHA-1 of the public key's own encoding (for ED25519 within an OCTET STRING, as the official one has it)."""
    if isinstance(key, rsa.RSAPublicKey):
        encoded = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        encoded = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    else:
        raw = key.public_bytes_raw()
        encoded = bytes([0x04, len(raw)]) + raw
    return hashlib.sha1(encoded, usedforsecurity=False).digest()


def state_id(content: bytes) -> str:
    """The id of what has no number of its own: SHA-1 in hexadecimal."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
