"""Training: TF-IDF of words and character n-grams, a linear model, honest cross-validation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .words import words

SEED = 20261121
FOLDS = 5
CHAR_RANGE = (1, 3)
MIN_PER_CLASS = FOLDS


@dataclass(frozen=True)
class Trained:
    arrays: dict[str, Any]
    macro_f1: float
    per_class: dict[str, float]
    classes: list[str]


def _pipeline() -> Any:
    # scikit-learn takes a second to import; only training needs it.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.svm import LinearSVC

    return Pipeline(
        [
            (
                "terms",
                FeatureUnion(
                    [
                        ("word", TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2)),
                        (
                            "char",
                            TfidfVectorizer(
                                analyzer="char",
                                ngram_range=CHAR_RANGE,
                                sublinear_tf=True,
                                min_df=2,
                                lowercase=False,
                            ),
                        ),
                    ]
                ),
            ),
            ("linear", LinearSVC(C=1.0, class_weight="balanced", random_state=SEED)),
        ]
    )


def train(texts: list[str], labels: list[str]) -> Trained:
    """Fit on everything; the score comes from folds that did not see their texts."""
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    guessed = cross_val_predict(_pipeline(), texts, labels, cv=folds)
    classes = sorted(set(labels))
    each = f1_score(labels, guessed, average=None, labels=classes)
    fitted = _pipeline().fit(texts, labels)
    blocks, linear = dict(fitted["terms"].transformer_list), fitted["linear"]
    weights, intercept = linear.coef_, linear.intercept_
    if len(linear.classes_) == 2:  # one row stands for two classes
        weights, intercept = np.vstack([-weights, weights]), np.array([-intercept[0], intercept[0]])
    arrays = {
        "classes": tuple(str(name) for name in linear.classes_),
        "word_index": {term: int(i) for term, i in blocks["word"].vocabulary_.items()},
        "word_idf": blocks["word"].idf_.astype("float32"),
        "char_index": {term: int(i) for term, i in blocks["char"].vocabulary_.items()},
        "char_idf": blocks["char"].idf_.astype("float32"),
        "weights": weights.astype("float32"),
        "intercept": intercept.astype("float32"),
        "char_range": CHAR_RANGE,
    }
    return Trained(arrays, float(np.mean(each)), dict(zip(classes, map(float, each), strict=True)), classes)
