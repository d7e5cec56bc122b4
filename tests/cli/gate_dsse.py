#!/usr/bin/env python3
"""Reads a bundle with other people's code: gate_dsse.py BUNDLE KEY.pub, or --statements BUNDLE..."""
import base64
import hashlib
import json
import sys


def verify(bundle, public):
    from cryptography.hazmat.primitives import serialization
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

    key = serialization.load_pem_public_key(open(public, "rb").read())
    der = key.public_bytes(serialization.Encoding.DER,
                           serialization.PublicFormat.SubjectPublicKeyInfo)
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    known = SSlibKey(hashlib.sha256(der).hexdigest(), "ed25519", "ed25519", {"public": raw.hex()})
    for line in open(bundle):
        data = json.loads(line)
        Envelope.from_dict(data).verify([known], 1)


def statements(bundles):
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0 import test_result_pb2
    from in_toto_attestation.predicates.vsa.v1 import vsa_pb2
    from in_toto_attestation.v1.statement import Statement

    kinds = {"https://in-toto.io/attestation/test-result/v0.1": test_result_pb2.TestResult,
             "https://slsa.dev/verification_summary/v1": vsa_pb2.VerificationSummary}
    for bundle in bundles:
        for line in open(bundle):
            text = base64.b64decode(json.loads(line)["payload"])
            data = json.loads(text)
            Statement.copy_from_pb(json_format.Parse(text, Statement([], "", {}).pb.__class__())).validate()
            # their summary has one string where the specification has a list
            data["predicate"].pop("verifiedLevels", None)
            json_format.ParseDict(data["predicate"], kinds[data["predicateType"]]())


if sys.argv[1] == "--statements":
    statements(sys.argv[2:])
else:
    verify(sys.argv[1], sys.argv[2])
