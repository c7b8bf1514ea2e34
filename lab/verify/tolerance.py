"""How far an observed share may be from the configured one by chance alone."""

from math import exp, lgamma, log

CONFIDENCE = 0.9999


def bounds(share: float, requests: int, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """Lowest and highest number of `requests` that a backend of that share gets, but for a chance of 1 - confidence.

    Exact, by the binomial distribution: at most half of the rest lies below, at most half above.
    """
    if share <= 0:
        return 0, 0
    if share >= 1:
        return requests, requests
    rest = (1 - confidence) / 2
    low, below = 0, 0.0
    while below + (chance := _chance(low, share, requests)) <= rest:
        below += chance
        low += 1
    high, above = requests, 0.0
    while above + (chance := _chance(high, share, requests)) <= rest:
        above += chance
        high -= 1
    return low, high


def _chance(count: int, share: float, requests: int) -> float:
    """Of exactly `count`, by logarithms: the factorials of a thousand requests fit no floating-point number."""
    ways = lgamma(requests + 1) - lgamma(count + 1) - lgamma(requests - count + 1)
    return exp(ways + count * log(share) + (requests - count) * log(1 - share))
