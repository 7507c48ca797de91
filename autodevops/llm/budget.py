"""How many tokens a prompt is, before it is sent, and whether the server cut it, after.

A tokenizer of every family would be heavy and still wrong for the next one. Characters per token are measured
instead: every answer says how many tokens its prompt had, and the ratio of the model follows. Ollama cuts a prompt
that is longer than its context without a word: to about half of the context in newer versions, to all of it in older
ones, and by whole messages before that. The count that comes back is the only trace.
"""

from __future__ import annotations

FIRST_RATIO = 3.0  # characters per token, low side: prose has about 4, JSON, ids and log lines 2.5 to 3.5
BOUNDS = (2.0, 6.0)  # outside of these something else was measured than a prompt
WEIGHT = 0.3  # of the newest measurement: a prompt of another kind does not turn it round
SHORTEST = 400  # characters below which the chat template's own tokens would be measured
CUT_BELOW = 0.7  # of the tokens expected: what is missing is not an error of the estimate


class Gauge:
    """One model's characters per token, as seen so far."""

    def __init__(self) -> None:
        self.ratio = FIRST_RATIO
        self.measured = False

    def tokens(self, characters: int) -> int:
        return round(characters / self.ratio)

    def characters(self, tokens: int) -> int:
        return int(max(0, tokens) * self.ratio)

    def learn(self, characters: int, tokens: int, context_tokens: int) -> bool:
        """Take a finished prompt into account. Says whether the server cut it; then nothing is learnt from it."""
        if tokens <= 0:
            return False
        if self._was_cut(characters, tokens, context_tokens):
            return True
        seen = characters / tokens
        if characters >= SHORTEST and BOUNDS[0] <= seen <= BOUNDS[1]:
            self.ratio = seen if not self.measured else self.ratio + WEIGHT * (seen - self.ratio)
            self.measured = True
        return False

    def _was_cut(self, characters: int, tokens: int, context_tokens: int) -> bool:
        if tokens >= context_tokens - 1:
            return True
        ratio = self.ratio if self.measured else BOUNDS[1]  # unmeasured: only what no language explains
        return characters / ratio * CUT_BELOW > tokens and characters >= SHORTEST
