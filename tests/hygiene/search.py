"""Finds secrets in bytes, in any usual encoding.

Instead of every encoding of every secret, the bytes are decoded in every way, and searched for the secrets.
"""

import re
import sys
from base64 import b64decode, urlsafe_b64decode

LENGTH = 43
"""Characters of a secret: 256 bits in base64url."""
CORE = LENGTH - 1
"""The last character holds two bits only, and changes when more data follow."""
START = 8
SHORT = 256
"""Bytes that are faster looked at one by one."""
RUN = re.compile(rb"[A-Za-z0-9_-]{%d,}" % CORE)
HEX_RUN = re.compile(rb"[0-9A-Fa-f]{64,}")
BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % CORE)
ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([\\'\"nrt0]))")
ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0"}
URL_ALPHABET = bytes.maketrans(b"+/", b"-_")


class Secrets:
    """Secrets to look for."""

    def __init__(self) -> None:
        self._texts = set()
        self._raw = {}

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, text) -> bool:
        return text[:CORE].encode() in self._texts

    def __le__(self, other) -> bool:
        return self._texts <= other._texts

    def add(self, text):
        """Look for this one, too: 256 bits in base64url."""
        assert len(text) == LENGTH, "a secret has another form now: teach this search about it"
        self._texts.add(text[:CORE].encode())
        raw = urlsafe_b64decode(text + "=")
        self._raw[_word(raw)] = raw

    def found_in(self, data):
        """How secrets are in these bytes, in words; empty where there are none."""
        if not self._texts:
            return []
        found = {how for how, decoded in _decodings(data) if self._has(decoded)}
        return sorted(found)

    def _has(self, data):
        return self._has_text(data) or (not data.isascii() and self._has_raw(data))

    def _has_text(self, data):
        return any(
            run[at : at + CORE] in self._texts
            for run in RUN.findall(data)
            for at in range(len(run) - CORE + 1)
        )

    def _has_raw(self, data):
        if len(data) > SHORT and not any(self._may_start(data, shift) for shift in range(START)):
            return False
        known = self._raw
        starts = [at for at in range(len(data) - 31) if _word(data[at : at + START]) in known]
        return any(data[at : at + 32] == known[_word(data[at : at + START])] for at in starts)

    def _may_start(self, data, shift):
        """Whether a secret may begin in one of all words of the machine from there: far faster than byte by byte."""
        end = shift + (len(data) - shift) // START * START
        return not self._raw.keys().isdisjoint(memoryview(data)[shift:end].cast("Q"))


def _word(data):
    """The first bytes as a word of the machine."""
    return int.from_bytes(data[:START], sys.byteorder)


def _decodings(data):
    """The bytes as they are, and decoded in every way, each with its name."""
    yield "as it is", data
    yield "in the other base64 alphabet", data.translate(URL_ALPHABET)
    yield "in UTF-16", data[::2]
    yield "in UTF-16", data[1::2]
    if b"\\" in data:
        yield "with escapes", ESCAPE.sub(_unescaped, data)
    for run in HEX_RUN.findall(data):
        for start in (0, 1):
            whole = (len(run) - start) // 2 * 2
            yield "in hexadecimal", bytes.fromhex(run[start : start + whole].decode())
    for run in BASE64_RUN.findall(data):
        for start in range(4):
            whole = (len(run) - start) // 4 * 4
            yield "in base64", b64decode(run[start : start + whole].translate(bytes.maketrans(b"-_", b"+/")))


def _unescaped(found):
    if found[1]:
        return bytes.fromhex(found[1].decode())
    return ESCAPED.get(found[2], found[2])
