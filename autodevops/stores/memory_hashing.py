"""The embedding that needs nothing: words, pairs of words and character trigrams, hashed into a fixed number of places.

It is lexical: it knows that `certifcate` is nearly `certificate`, and that memory and RAM are one thing only because a
table says so (`memory_words`). Thousands of texts a second. Feature hashing with signs as in Weinberger et al.,
"Feature Hashing for Large Scale Multitask Learning", 2009.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from autodevops.stores.memory_words import asked, words_of

PLACES = 1024
WORD, PAIR, TRIGRAM = 1.0, 0.3, 0.25  # weights


class HashingEmbedder:
    name = f"hashing-1-{PLACES}"

    def dimension(self) -> int:
        return PLACES

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        import numpy as np

        made = np.zeros((len(texts), PLACES), dtype=np.float32)
        for row, text in enumerate(texts):
            for (feature, weight), count in Counter(_features(text)).items():
                number = zlib.crc32(feature.encode("utf-8", "surrogatepass"))
                made[row, number % PLACES] += (weight if number & 0x80000000 else -weight) * (1.0 + np.log(count))
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        vectors: list[list[float]] = (made / np.where(lengths == 0.0, 1.0, lengths)).tolist()
        return vectors


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = words_of(asked(text))
    for word in words:
        yield word, WORD
        edged = f"<{word}>"
        for start in range(len(edged) - 2):
            yield edged[start : start + 3], TRIGRAM
    for first, second in pairwise(words):
        yield f"{first} {second}", PAIR
