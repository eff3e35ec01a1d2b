"""Text of unknown origin, made safe for a terminal."""

from __future__ import annotations

import re

# ECMA-48: CSI and the strings (OSC, DCS, SOS, PM, APC), both as 7 and as 8 bits; then the others.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
)
# Controls, separators that some programs take for line ends, and what reorders a line.
UNSAFE = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\u206a-\u206f\ufff9-\ufffb"
)
"""Characters of that kind, as a class of a regular expression has them between its brackets."""
_UNSAFE = re.compile(f"[{UNSAFE}\ud800-\udfff]")
_REDRAWN = re.compile(r"[^\n]*\r(?=[^\r\n])")


def printable(text: str) -> str:
    r"""Return a text that can change nothing but the lines that it is printed on.

    Escape sequences, as those of colours, are left out. Of a line that was redrawn with carriage
    returns, as progress bars do it, the last state stays. Any other control character is shown as
    its code: ``\x07``.

    Args:
        text: Any; line feeds and tabs stay.
    """
    if text.isprintable():
        return text
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    plain = _REDRAWN.sub("", plain).replace("\r", "")
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), plain)
