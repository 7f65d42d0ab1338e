"""Run by MicroPython: makes and reads the protocol's vectors with the terminals' own code."""

import binascii
import json

import test
from firmware import frame

vectors = json.loads(test.given)
signer = frame.Signer(binascii.unhexlify(vectors["key"]))
made, read, refused = [], [], []

for row in vectors["frames"]:
    address = row["address"]
    payload = binascii.unhexlify(row["payload"])
    one = frame.Frame(address, row["sequence"], row["kind"], row["count"], payload)
    made.append(binascii.hexlify(frame.encode(one, signer)).decode())
    (found,) = frame.Deframer(address, signer).feed(binascii.unhexlify(row["bytes"]))
    told = binascii.hexlify(found.payload).decode()
    read.append([found.address, found.sequence, found.kind, found.count, told])

for row in vectors["refused"]:
    try:
        frame.decode(binascii.unhexlify(row["bytes"])[1:-1], 1, signer)
        refused.append("nothing")
    except frame.Broken as broken:
        refused.append(broken.flaw)

test.found(json.dumps({"made": made, "read": read, "refused": refused}))
