"""Reading a text with a trained model; plain numpy, so that a web process needs no scikit-learn."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from .store import LinearModel
from .words import is_telling, words

_SPACES = re.compile(r"\s\s+")


@dataclass(frozen=True)
class Reading:
    """share: class -> 0..1, adding up to 1. terms: class -> words that spoke for it, strongest first."""

    share: dict[str, float]
    terms: dict[str, list[str]]
    version: int

    @property
    def best(self) -> str:
        return max(self.share, key=lambda name: self.share[name])


def _block(
    terms: list[str], index: dict[str, int], idf: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Positions, weights and words of one TF-IDF block, sublinear and of length 1."""
    counted = [(term, index[term], n) for term, n in Counter(terms).items() if term in index]
    if not counted:
        return np.empty(0, int), np.empty(0, "float32"), []
    at = np.array([i for _, i, _ in counted])
    value = (1 + np.log(np.array([n for *_, n in counted], "float32"))) * idf[at]
    return at, value / np.linalg.norm(value), [term for term, *_ in counted]


def _characters(text: str, span: tuple[int, int]) -> list[str]:
    text = _SPACES.sub(" ", text)
    return [text[i : i + n] for n in range(span[0], span[1] + 1) for i in range(len(text) - n + 1)]


def read(model: LinearModel, text: str) -> Reading:
    """How strongly each class speaks from the text, and by which words."""
    at_word, by_word, found = _block(words(text), model.word_index, model.word_idf)
    at_char, by_char, _ = _block(_characters(text, model.char_range), model.char_index, model.char_idf)
    offset = len(model.word_idf)
    pull: Any = model.weights[:, at_word] * by_word  # classes × words found
    score = model.intercept + pull.sum(axis=1) + model.weights[:, at_char + offset] @ by_char
    # Margins of a support vector machine are no probabilities; doubled and normalised
    # they order the classes and show doubt, which is all that a chip needs.
    weight = np.exp(2 * (score - score.max()))
    share = weight / weight.sum()
    terms: dict[str, list[str]] = {}
    for i, name in enumerate(model.classes):
        order: list[int] = list(np.argsort(-pull[i])) if len(found) else []
        terms[name] = [found[j] for j in order if pull[i][j] > 0 and is_telling(found[j])][:4]
    return Reading({name: float(share[i]) for i, name in enumerate(model.classes)}, terms, model.version)
