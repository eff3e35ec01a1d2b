"""The bytes of a string column, for tests of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class TextBytes:
    """The bytes of a string column, for tests of all of them at once.

    Args:
        data: The concatenated strings, UTF-8.
        begins: Start of each non-empty string in ``data``.
        ends: Its end.
    """

    data: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, texts: pa.Array) -> TextBytes:
        """Create it from an array of type ``string``."""
        import numpy as np

        # The bytes at NULL positions are not always empty.
        if texts.null_count and _has_hidden_bytes(texts):
            texts = texts.drop_null()
        _, offsets, data = texts.buffers()
        places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        first, last = int(places[0]), int(places[-1])
        places = places.astype(np.intp)
        if first:
            places -= first
        begins, ends = places[:-1], places[1:]
        filled = ends > begins
        if not filled.all():
            begins, ends = begins[filled], ends[filled]
        every = np.frombuffer(data, np.uint8) if data else np.empty(0, np.uint8)
        return cls(data=every[first:last], begins=begins, ends=ends)

    def others(self, signs: str) -> bool:
        """Return whether any byte is neither a digit nor one of the signs."""
        import numpy as np

        # Bytes are unsigned: values below "0" wrap around to large numbers.
        others = np.count_nonzero((self.data - ord("0")) > 9)
        return bool(others > sum(np.count_nonzero(self.data == ord(sign)) for sign in signs))

    def count(self, sign: str) -> int:
        """Count an ASCII character."""
        import numpy as np

        return int(np.count_nonzero(self.data == ord(sign)))

    def are_plain_numerals(self, *, fractions: bool) -> bool:
        """Return whether numerals have no leading zeros and digits on both sides of the point.

        They are known to consist of digits, a leading sign, and points.

        Args:
            fractions: Whether ``0.5`` is allowed; and ``-0``, which is a valid double.
        """
        firsts = self.begins
        if self.count("-"):
            firsts = firsts + (self.data.take(firsts) == ord("-"))
        digits = self.data.take(firsts)
        if fractions and (
            (digits == ord(".")).any() or (self.data.take(self.ends - 1) == ord(".")).any()
        ):
            return False
        zeros = (digits == ord("0")).nonzero()[0]
        if not len(zeros):
            return True
        first, behind = firsts[zeros], self.ends[zeros]
        if not fractions:
            # "0" is allowed, "-0" is not.
            return bool(((behind - first == 1) & (first == self.begins[zeros])).all())
        longer = first[behind - first > 1]
        return bool((self.data.take(longer + 1) == ord(".")).all())


def _has_hidden_bytes(texts: pa.Array) -> bool:
    """Return whether there are bytes at NULL positions."""
    import numpy as np
    import pyarrow.compute as pc

    places = np.frombuffer(texts.buffers()[1], np.int32)
    size = places[texts.offset + len(texts)] - places[texts.offset]
    return bool(size != (pc.sum(pc.binary_length(texts)).as_py() or 0))
