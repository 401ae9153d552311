"""Words of a Chinese text, the same for training, suggesting and searching."""

import re
from collections.abc import Iterable

import rjieba

_WORD = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z][A-Za-z0-9]+")
# Politeness and filler of letters to an office: they tell nothing about the matter.
_FILLER = """
您好 你好 谢谢 感谢 请问 希望 我们 你们 他们 自己 这个 那个 什么 怎么 没有 现在 可以 一个 但是 因为
所以 就是 还是 已经 时候 进行 相关 部门 领导 有关 尊敬 反映 问题 情况 解决 关于 尽快 处理 电话 附近
每天 一直 经常 严重 影响 居民 多次 要求 建议 咨询 投诉 市民 来电 来电人
"""
_EMPTY = frozenset(_FILLER.split())


def words(text: str) -> list[str]:
    """Words of two characters or more, in order, fillers left in."""
    return [word for word in rjieba.cut(text) if _WORD.fullmatch(word)]


def telling_words(text: str) -> list[str]:
    """Words that may say what a text is about, each once, in order."""
    return list(dict.fromkeys(word for word in words(text) if word not in _EMPTY))


def is_telling(word: str) -> bool:
    return len(word) > 1 and word not in _EMPTY


def overlap(one: Iterable[str], other: Iterable[str]) -> float:
    """Shared words over all words of two texts, 0 to 1."""
    a, b = set(one), set(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def joined(title: str, content: str) -> str:
    """Both as the classifier reads them. The title counts twice: it is the caller's own summary."""
    return f"{title}。{title}。{content}"
