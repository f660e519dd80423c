#!/usr/bin/env python3
"""Checks a receipt of the audit log with nothing but its public key: verify_receipt.py RECEIPT LOG.PUB

Shares no code with Rabt: SHA-256 is Python's own, and Ed25519 is written out here after RFC 8032.
"""
import base64
import hashlib
import sys

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def point(data):
    """The point of 32 bytes, as (x, y); an error when there is none."""
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if x * x % P == xx else x * pow(2, (P - 1) // 4, P) % P
    assert y < P and x * x % P == xx and (x or not sign), "no point of the curve"
    return (P - x if x % 2 != sign else x, y)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    m = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + m, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - m, -1, P) % P)


def times(n, a):
    total = (0, 1)
    while n:
        total, a, n = add(total, a) if n & 1 else total, add(a, a), n >> 1
    return total


def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % L
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return s < L and times(s, base) == add(point(r), times(h, point(key)))


def b64(text):
    data = base64.b64decode(text, validate=True)
    assert base64.b64encode(data).decode() == text, "another spelling of the same bytes"
    return data


def main(receipt, public):
    origin, _, key = open(public, encoding="utf-8").read().strip().split("+", 2)
    key = b64(key)[1:]
    key_id = hashlib.sha256(f"{origin}\n\1".encode() + key).digest()[:4]
    head, _, note = open(receipt, newline="", encoding="utf-8").read().partition("\n\n")
    form, extra, index, *proof = head.split("\n")
    assert form == "c2sp.org/tlog-proof@v1" and extra[:6] == "extra " and index[:6] == "index "
    entry, index = b64(extra[6:]), int(index[6:])
    text, _, lines = note.partition("\n\n")
    name, size, root = text.split("\n")
    assert name == origin and lines.endswith("\n"), "a checkpoint of another log"
    own = [line.split(" ") for line in lines[:-1].split("\n")]
    own = [b64(line[2]) for line in own if line[:2] == ["—", origin]]
    assert len(own) == 1 and own[0][:4] == key_id, "not signed by this key"
    assert signed(key, (text + "\n").encode(), own[0][4:]), "the signature does not fit"
    digest, node, last = hashlib.sha256(b"\0" + entry).digest(), index, int(size) - 1
    assert 0 <= node <= last, "beyond the tree"
    for sibling in map(b64, proof):
        assert last, "the proof is too long"
        left = node % 2 or node == last
        digest = hashlib.sha256(b"\1" + (sibling + digest if left else digest + sibling)).digest()
        while left and not node % 2 and node:
            node, last = node // 2, last // 2
        node, last = node // 2, last // 2
    assert not last and digest == b64(root), "the proof leads elsewhere"
    print(entry.decode())


if __name__ == "__main__":
    sys.exit("without assertions nothing is checked") if not __debug__ else None
    main(*sys.argv[1:])
