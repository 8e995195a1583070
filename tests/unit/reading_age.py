"""How old a reader has to be: the grade of Flesch and Kincaid (Kincaid et al. 1975), in years of age."""

import re

SCHOOL_BEGINS = 5  # years of age less the grade
VOWELS = re.compile(r"[aeiouy]+")


def measure_reading_age(text: str) -> float:
    """The reading age of sentences of plain words, in years. Raises ``ValueError`` for a text without a sentence."""
    sentences = [words for part in re.split(r"(?<=[.!?])\s+|\n+", text) if (words := re.findall(r"[A-Za-z][A-Za-z'-]*", part))]
    if not sentences:
        raise ValueError("The text has no sentence.")
    words = [word for sentence in sentences for word in sentence]
    syllables = sum(count_syllables(word) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59 + SCHOOL_BEGINS


def count_syllables(word: str) -> int:
    """Groups of vowels, less a silent e or ed at the end; at least one."""
    lower = word.lower()
    found = len(VOWELS.findall(lower))
    silent = (lower.endswith("e") and not lower.endswith(("le", "ee", "ye"))) or (
        lower.endswith("ed") and not lower.endswith(("ted", "ded", "eed", "ied"))
    )
    return max(1, found - silent)
