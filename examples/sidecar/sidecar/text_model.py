"""A text generator small enough to read: which word followed which two, in a short text of our own.

It writes English that almost makes sense, and the same English for the same prompt and seed.
"""

import random
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

CORPUS = Path(__file__).with_name("corpus.txt")

# A token is a word or a mark with the blank before it, so that joined tokens are the text again.
TOKEN = re.compile(r"\s*(?:\w+(?:['-]\w+)*|[^\w\s])")
SENTENCE_END = frozenset(".!?")
TOPIC_WORD_LENGTH_MIN = 3

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Completion:
    tokens: list[str]
    finish_reason: FinishReason

    @property
    def text(self) -> str:
        return "".join(self.tokens)


class TextModel:
    """Second-order Markov chain over the tokens of a text."""

    def __init__(self, corpus: str) -> None:
        tokens = tokenize(" ".join(corpus.split()))
        self.successors: dict[tuple[str, str], list[str]] = defaultdict(list)
        for first, second, third in zip(tokens, tokens[1:], tokens[2:], strict=False):
            self.successors[first, second].append(third)
        self.openings = openings(tokens)

    @classmethod
    def from_corpus(cls) -> "TextModel":
        return cls(CORPUS.read_text(encoding="utf-8"))

    def complete(self, prompt: str, seed: int, tokens_min: int, tokens_max: int) -> Completion:
        """Whole sentences of at least `tokens_min` tokens, cut off at `tokens_max` if it comes first."""
        choice = random.Random(f"{seed}:{prompt}")
        pair = self.opening_for(prompt, choice)
        tokens = [pair[0].lstrip(), pair[1]][:tokens_max]
        while len(tokens) < tokens_max:
            if len(tokens) >= tokens_min and tokens[-1] in SENTENCE_END:
                return Completion(tokens, "stop")
            following = self.successors.get(pair)
            token = choice.choice(following) if following else " And"
            pair = (pair[1], token)
            tokens.append(token)
        return Completion(tokens, "length")

    def opening_for(self, prompt: str, choice: random.Random) -> tuple[str, str]:
        """The beginning of one of the sentences that share the most words with the prompt."""
        asked = topic_words(tokenize(prompt))
        most = max(len(asked & sentence) for _, sentence in self.openings)
        return choice.choice([pair for pair, sentence in self.openings if len(asked & sentence) == most])


def tokenize(text: str) -> list[str]:
    return TOKEN.findall(text)


def topic_words(tokens: list[str]) -> frozenset[str]:
    """The words that say what a sentence is about, roughly: the longer ones."""
    words = (token.strip().lower() for token in tokens)
    return frozenset(word for word in words if len(word) >= TOPIC_WORD_LENGTH_MIN)


def openings(tokens: list[str]) -> list[tuple[tuple[str, str], frozenset[str]]]:
    """The first two tokens of each sentence, with the words of that sentence."""
    found = []
    start = 0
    for index, token in enumerate(tokens):
        if token in SENTENCE_END:
            sentence = tokens[start : index + 1]
            if len(sentence) > 2:
                found.append(((sentence[0], sentence[1]), topic_words(sentence)))
            start = index + 1
    return found
