"""The bytes of a column of texts, to look at all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class TextBytes:
    """The bytes of a column of texts, to look at all of them at once.

    Args:
        data: The texts one after another, UTF-8.
        begins: Where each text that is not empty begins in ``data``.
        ends: Where it ends.
    """

    data: np.ndarray
    begins: np.ndarray
    ends: np.ndarray

    @classmethod
    def of(cls, texts: pa.Array) -> TextBytes:
        """Look at the bytes of an array of type ``string``."""
        import numpy as np

        # What an array has at the places of NULL is not always empty.
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
        """Tell whether there is a byte that is neither a digit nor one of the signs."""
        import numpy as np

        # Bytes are unsigned: what is below "0" wraps around to large numbers.
        others = np.count_nonzero((self.data - ord("0")) > 9)
        return bool(others > sum(np.count_nonzero(self.data == ord(sign)) for sign in signs))

    def count(self, sign: str) -> int:
        """Count a sign of ASCII."""
        import numpy as np

        return int(np.count_nonzero(self.data == ord(sign)))

    def are_plain_numerals(self, *, fractions: bool) -> bool:
        """Tell whether numerals have no needless zero in front and digits around their point.

        They consist of digits, a sign in front, and points, which was found out before.

        Args:
            fractions: Whether ``0.5`` is right; and ``-0``, which doubles have.
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
            # "0" alone is right, "-0" is not.
            return bool(((behind - first == 1) & (first == self.begins[zeros])).all())
        longer = first[behind - first > 1]
        return bool((self.data.take(longer + 1) == ord(".")).all())


def _has_hidden_bytes(texts: pa.Array) -> bool:
    """Tell whether there are bytes at the places of NULL."""
    import numpy as np
    import pyarrow.compute as pc

    places = np.frombuffer(texts.buffers()[1], np.int32)
    size = places[texts.offset + len(texts)] - places[texts.offset]
    return bool(size != (pc.sum(pc.binary_length(texts)).as_py() or 0))
