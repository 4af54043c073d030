"""Sentiment of English texts by VADER (Hutto and Gilbert, ICWSM 2014)."""

from typing import Any, Final

from hugginggpt.core.sentences import split_sentences
from hugginggpt.core.tasks import Kind
from hugginggpt.experts.base import Call, Output, Result
from hugginggpt.experts.bundled.weights import load_once
from hugginggpt.experts.languages import check_language

MODEL: Final = "vader"
_NEUTRAL_BOUND: Final = 0.05  # compound scores nearer to 0 are neutral; the authors' own threshold
_MAX_SENTENCES: Final = 2_000
_MAX_SENTENCE_CHARS: Final = 2_000
"""Longest sentence analysed: the analyser's time grows with the square of its length."""


@load_once(MODEL)
def _load_analyser() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def classify_sentiment(call: Call) -> Result:
    """Run text-classification: ``data`` holds label and compound (-1 negative .. 1 positive), also of each sentence.

    The text's compound is the mean over its sentences, each weighted by its absolute score.

    Raises:
        ExpertError: The text isn't English.
    """
    check_language(call)
    found = split_sentences(call.text())[:_MAX_SENTENCES]
    scored = [(text, float(_load_analyser().polarity_scores(text[:_MAX_SENTENCE_CHARS])["compound"])) for text in found]
    weight = sum(abs(score) for _, score in scored)
    compound = round(sum(score * abs(score) for _, score in scored) / weight, 3) if weight else 0.0
    label = _classify_score(compound)
    text = f"{label} ({compound:+.2f} on a scale from -1 to 1)"
    if len(scored) > 1 and {_classify_score(score) for _, score in scored} >= {"positive", "negative"}:
        text += "; mixed: some sentences are positive, others negative"
    sentences = [{"text": text, "label": _classify_score(score), "compound": score} for text, score in scored]
    return Result((Output(Kind.TEXT, text=text, data={"label": label, "compound": compound, "sentences": sentences}),))


def _classify_score(compound: float) -> str:
    return "positive" if compound >= _NEUTRAL_BOUND else "negative" if compound <= -_NEUTRAL_BOUND else "neutral"
