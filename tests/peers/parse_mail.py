# SPDX-License-Identifier: Apache-2.0
"""Reads mails from standard input, each after a line with its length, as Python's email package understands them. Answers each with one line:
its fields, name and value in turn, in hexadecimal, blanks between."""
import email
import email.header
import email.policy
import email.utils
import sys


def name_of(raw):
    """The older interface: the newer one of Python 3.11 puts a blank between two encoded words of a name (RFC 2047, 6.2, says none)."""
    name, _ = email.utils.parseaddr(raw)
    return str(email.header.make_header(email.header.decode_header(name)))


def fields(message, raw):
    yield "defects", "; ".join(str(defect) for part in message.walk() for defect in part.defects)
    for name, value in message.items():
        yield name.lower(), str(value)
        for defect in getattr(value, "defects", ()):
            yield "defect of " + name.lower(), str(defect)
    for name in ("from", "to", "reply-to"):
        for address in message[name].addresses if message[name] else ():
            yield name + " name", name_of(raw[name])
            yield name + " address", address.addr_spec
    for kind in ("plain", "html"):
        if part := message.get_body((kind,)):
            yield kind, part.get_content().replace("\r\n", "\n")


while length := sys.stdin.buffer.readline():
    octets = sys.stdin.buffer.read(int(length))
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    raw = email.message_from_bytes(octets, policy=email.policy.compat32)
    words = [text.encode("utf-8", "surrogateescape").hex() or "-" for pair in fields(parsed, raw) for text in pair]
    print(" ".join(words), flush=True)
