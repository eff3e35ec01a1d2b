"""Text that is safe to print on a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.language.text import printable

CASES = {
    "plain": ("a b\tc\nÄ 日本 🎉", "a b\tc\nÄ 日本 🎉"),
    "colours": ("\x1b[1;31mred\x1b[0m and \x9b32mgreen\x9b0m", "red and green"),
    "title, ended by BEL": ("a\x1b]0;evil\x07b", "ab"),
    "title, ended by ST": ("a\x1b]0;evil\x1b\\b", "ab"),
    "title, 8 bits": ("a\x9d0;evil\x9cb", "ab"),
    "title without an end": ("a\x1b]52;c;ZXZpbA==", "a"),
    "device control": ("a\x1bP1$qm\x1b\\b", "ab"),
    "cursor": ("a\x1b[2J\x1b[10;5Hb", "ab"),
    "reset": ("a\x1bcb", "ab"),
    "character set": ("a\x1b(0b", "ab"),
    "a lone escape": ("a\x1b", r"a\x1b"),
    "bell and backspace": ("a\x07\x08b", r"a\x07\x08b"),
    "null": ("a\x00b", r"a\x00b"),
    "progress bar": ("10%\r50%\r100%\ndone", "100%\ndone"),
    "progress bar, no line end": ("10%\r100%\r", "100%"),
    "line ends of Windows": ("a\r\nb\r\n", "a\nb\n"),
    "right to left override": ("a\u202eb", r"a\u202eb"),
    "line separator": ("a\u2028b\x85c", r"a\u2028b\x85c"),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(
    st.text(alphabet=st.one_of(st.sampled_from("\x1b[]P\\\x07\x9b\x9d\r\n0;m"), st.characters()))
)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    found = printable(text)
    assert not {sign for sign in found if ord(sign) < 32 or 127 <= ord(sign) < 160} - {"\n", "\t"}
    assert printable(found) == found
