"""Learns from a centre's mails which queue each belongs to: text in, queue and confidence out.

For a process of its own, as learning takes long and much memory; nothing else imports scikit-learn, which comes with
the extra `contacthub[classifier]`.

The model is linear, so that what spoke for a queue are words that can be shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any
from unicodedata import normalize

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from channels.email.classifier_messages import Learned, Sample
from hub.sorting import GuessedQueue, LearnedQueue

TEXT_LIMIT = 4_000
FEW = 10
"""A queue of fewer mails is not learned."""
FEWEST = 50
"""Of fewer mails in all nothing is learned."""
FEATURES = 30_000
APART = 5
"""Every fifth mail is kept apart, to see how often the others' model is right about it."""
SHOWN = 5
TELLING = 12
"""So many words are shown of each queue."""
_EASTERN = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(f"[{_EASTERN}]+|(?:(?![{_EASTERN}])[^\\W\\d_]){{2,40}}")


def words(text: str) -> list[str]:
    """Words in lower case; of text without spaces (Chinese, Japanese, Korean) every two characters."""
    found: list[str] = []
    for word in _WORD.findall(normalize("NFKC", text[:TEXT_LIMIT]).casefold()):
        if re.match(f"[{_EASTERN}]", word):
            found += [word] if len(word) == 1 else [word[n : n + 2] for n in range(len(word) - 1)]
        else:
            found.append(word)
    return found


class Model:
    """What was learned of `texts` and the queues they belong to."""

    def __init__(self, texts: Sequence[str], queues: Sequence[str]) -> None:
        self._vectorizer: Any = TfidfVectorizer(
            analyzer=words, min_df=2, max_df=0.8, max_features=FEATURES, sublinear_tf=True
        )
        self._regression: Any = LogisticRegression(C=10.0, max_iter=300)
        self._regression.fit(self._vectorizer.fit_transform(texts), queues)
        self._names: Any = self._vectorizer.get_feature_names_out()

    def guesses(self, text: str) -> list[GuessedQueue]:
        """All queues, the likeliest first."""
        row = self._vectorizer.transform([text])
        chances = self._regression.predict_proba(row)[0]
        found = [
            GuessedQueue(str(queue), float(chance), self._words(row, n))
            for n, (queue, chance) in enumerate(zip(self._regression.classes_, chances, strict=True))
        ]
        return sorted(found, key=lambda each: (-each.confidence, each.queue))

    def telling(self) -> dict[str, tuple[str, ...]]:
        """The words that speak for each queue most, first."""
        found: dict[str, tuple[str, ...]] = {}
        for n, queue in enumerate(self._regression.classes_):
            weights = self._weights(n)
            best = (-weights).argsort()[:TELLING]
            found[str(queue)] = tuple(str(self._names[at]) for at in best if weights[at] > 0)
        return found

    def _weights(self, n: int) -> Any:
        """What each word says for the `n`th queue."""
        weights = self._regression.coef_
        # Of two queues there is one row of weights, for the second.
        return weights[n] if len(weights) > 1 else weights[0] * (1 if n else -1)

    def _words(self, row: Any, n: int) -> tuple[str, ...]:
        """Those that spoke for the `n`th queue most."""
        parts = row.data * self._weights(n)[row.indices]
        best = (-parts).argsort()[:SHOWN]
        return tuple(str(self._names[row.indices[at]]) for at in best if parts[at] > 0)


def learn(samples: Sequence[Sample]) -> tuple[Model | None, Learned]:
    """A model of all that is enough, and how good one of four fifths of it was. Never raises for what samples say."""
    counts = Counter(sample.queue for sample in samples)
    enough = {queue for queue, n in counts.items() if n >= FEW}
    used = [sample for sample in samples if sample.queue in enough]
    if len(enough) < 2 or len(used) < FEWEST:
        why = (
            f"There is not enough to learn from yet: at least {FEWEST} mails that agents answered are needed, in two "
            f"queues or more, with {FEW} each."
        )
        return None, Learned(len(used), problem=why)
    seen: Counter[str] = Counter()
    apart: list[Sample] = []
    rest: list[Sample] = []
    for sample in used:
        seen[sample.queue] += 1
        (apart if seen[sample.queue] % APART == 0 else rest).append(sample)
    try:
        trial = Model([sample.text for sample in rest], [sample.queue for sample in rest])
        model = Model([sample.text for sample in used], [sample.queue for sample in used])
    except ValueError as error:
        return None, Learned(len(used), problem=f"Nothing can be learned from these mails: {error}")
    asked: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for sample in apart:
        asked[sample.queue] += 1
        right[sample.queue] += trial.guesses(sample.text)[0].queue == sample.queue
    telling = model.telling()
    queues = tuple(
        LearnedQueue(queue, counts[queue], right[queue] / asked[queue] if asked[queue] else None, telling[queue])
        for queue in sorted(enough)
    )
    accuracy = right.total() / asked.total() if asked else None
    return model, Learned(len(used), queues, accuracy)
