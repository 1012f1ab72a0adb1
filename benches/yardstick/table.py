"""Rates of several rounds as a table."""

from statistics import median

# Rates, pictures a second, by contender: one of each round.
Rates = dict[str, list[float]]


def ratio(rates: Rates, over: str, under: str) -> str:
    """The median of the rounds' ratios, and the smallest and the largest: within a round what else the
    machine does weighs on both."""
    ratios = [a / b for a, b in zip(rates[over], rates[under])]
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def render(works: dict[str, Rates]) -> str:
    """A row for each work, in Markdown. Every work has the same contenders."""
    names = list(next(iter(works.values())))
    if "fer-lab" in names:
        pairs = [("fer-lab", name) for name in ("expert", "usual", "baseline") if name in names]
    else:
        pairs = [("expert", name) for name in ("usual", "baseline") if name in names]
    header = ["work", *names, *(f"{over} / {under}" for over, under in pairs)]
    rows = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for work, rates in works.items():
        medians = [f"{median(rates[name]):,.0f}" for name in names]
        rows.append([work, *medians, *(ratio(rates, over, under) for over, under in pairs)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
