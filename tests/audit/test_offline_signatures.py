"""The offline verifier's own Ed25519, against RFC 8032 section 7.1 and against OpenSSL."""

import ast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from millwright.audit.exporting import stand_alone_verifier
from millwright.audit.offline_signatures import signature_holds

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bb"
            "e24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302a"
            "eeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed2"
            "8dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce8"
            "0e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac1"
            "7ad9bef1177331a704"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_hold(key: str, message: str, signature: str) -> None:
    assert signature_holds(bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature))


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_none_of_them_holds_for_another_message(key: str, message: str, signature: str) -> None:
    assert not signature_holds(bytes.fromhex(key), bytes.fromhex(message) + b".", bytes.fromhex(signature))


def test_what_openssl_signs_holds_and_no_flipped_bit_of_it_does() -> None:
    private = Ed25519PrivateKey.generate()
    public, message = private.public_key().public_bytes_raw(), b"I approve this version"
    signature = private.sign(message)
    assert signature_holds(public, message, signature)
    for place in range(0, 64, 7):
        flipped = bytearray(signature)
        flipped[place] ^= 1
        assert not signature_holds(public, message, bytes(flipped))


def test_the_same_signature_with_a_larger_scalar_is_refused() -> None:
    key, message, signature = (bytes.fromhex(part) for part in VECTORS[2])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not signature_holds(key, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize(
    ("key", "signature"),
    [(b"", b"\0" * 64), (b"\0" * 32, b""), (b"\xff" * 32, b"\0" * 64), (b"\2" + b"\0" * 31, b"\0" * 64)],
)
def test_what_is_no_key_or_no_signature_is_refused(key: bytes, signature: bytes) -> None:
    assert not signature_holds(key, b"", signature)


def test_the_file_is_python_3_9_and_imports_the_standard_library_alone() -> None:
    tree = ast.parse(stand_alone_verifier(), feature_version=(3, 9))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {
        "__future__",
        "collections",
        "argparse",
        "bisect",
        "collections.abc",
        "datetime",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "pathlib",
        "re",
        "sys",
        "typing",
    }


def test_no_name_of_one_of_its_modules_hides_another_s() -> None:
    tree = ast.parse(stand_alone_verifier())
    names = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    names += [
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if hasattr(target, "id")
    ]
    assert sorted(names) == sorted(set(names))
