"""The function that the demo deploys: what a text is about, in numbers."""

from __future__ import annotations

import json
import re
from collections import Counter

_WORD = re.compile(r"[^\W\d_]{4,}")
_HEADING = re.compile(r"^#+\s", re.MULTILINE)


def digest(payload: bytes) -> bytes:
    """Count what is in a text.

    Args:
        payload: JSON with the text as ``text``.

    Returns:
        JSON with ``words``, ``lines``, ``headings`` and the three most frequent longer words as
        ``topics``.
    """
    text: str = json.loads(payload)["text"]
    words = _WORD.findall(text.lower())
    result = {
        "words": len(text.split()),
        "lines": text.count("\n"),
        "headings": len(_HEADING.findall(text)),
        "topics": [word for word, _ in Counter(words).most_common(3)],
    }
    return json.dumps(result).encode()
