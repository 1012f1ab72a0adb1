"""Reference values for `core/src/analysis/reference.rs`, by scipy and statsmodels.

    python3 tests/reference_statistics.py > tests/data/reference_statistics.json

Needs numpy, pandas, scipy and statsmodels; the tests need none of them, only the file. Mean squares are
those of statsmodels' analysis of variance of `difference ~ C(seed) + C(image)`. Of them the interval of
Cochran and Cox is made with scipy's t and its p-value with scipy's root finder; one seed or one image is
scipy's one-sample t test. Holm's correction is statsmodels'. Shapley values are the mean over every order
of the players.
"""

import itertools
import json
import math
import sys

import numpy
import pandas
import scipy
import statsmodels
from scipy import optimize, stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests


def t_test(name, table):
    result = stats.ttest_1samp(table.ravel(), 0.0)
    interval = result.confidence_interval(0.95)
    return {
        "name": name,
        "table": table.tolist(),
        "mean": float(table.mean()),
        "low": float(interval.low),
        "high": float(interval.high),
        "p": float(result.pvalue),
    }


def judge(mean, size, parts):
    """Half the interval of Cochran and Cox, and the p-value. Parts: mean squares, degrees of freedom."""
    total = sum(part for part, _ in parts)
    error = math.sqrt(total / size)

    def quantile(p):
        return sum(part * stats.t.isf(p / 2, df) for part, df in parts) / total

    wanted = abs(mean) / error
    root = optimize.brentq(lambda log_p: quantile(math.exp(log_p)) - wanted, -60.0, 0.0, xtol=1e-14)
    return quantile(0.05) * error, math.exp(root)


def crossed(name, table):
    seeds, images = table.shape
    if 1 in table.shape:
        return t_test(name, table)
    index = pandas.MultiIndex.from_product([range(seeds), range(images)], names=["seed", "image"])
    frame = pandas.DataFrame({"difference": table.ravel()}, index=index).reset_index()
    anova = anova_lm(ols("difference ~ C(seed) + C(image)", frame).fit())
    square = (anova["sum_sq"] / anova["df"]).to_dict()
    freedom = anova["df"].to_dict()
    rest = square["Residual"]
    few, many = ("C(seed)", "C(image)") if seeds <= images else ("C(image)", "C(seed)")
    mean = float(table.mean())
    # As in `core/src/analysis/crossed.rs`, for a table alone.
    beyond = max(square[many] - rest, 0.0) + max(rest - square[few], 0.0)
    parts = [(square[few], freedom[few]), (beyond, freedom[many])]
    half, p = judge(mean, table.size, parts)
    return {
        "name": name,
        "table": table.tolist(),
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "p": p,
        "components": {
            "seeds": max((square["C(seed)"] - rest) / images, 0.0),
            "images": max((square["C(image)"] - rest) / seeds, 0.0),
            "rest": rest,
        },
    }


def shapley(name, players, worth):
    worths = [float(worth(members(players, bits))) for bits in range(2**players)]
    values = [0.0] * players
    orders = list(itertools.permutations(range(players)))
    for order in orders:
        bits = 0
        for player in order:
            joined = bits | 1 << player
            values[player] += (worths[joined] - worths[bits]) / len(orders)
            bits = joined
    return {"name": name, "worths": worths, "values": values}


def members(players, bits):
    return frozenset(player for player in range(players) if bits >> player & 1)


def main():
    random = numpy.random.default_rng(20240229)

    def draw(seeds, images, by_seed, by_image, rest):
        table = 0.05 + by_seed * random.standard_normal((seeds, 1))
        table = table + by_image * random.standard_normal((1, images))
        return numpy.round(table + rest * random.standard_normal((seeds, images)), 6)

    answers = random.integers(-1, 2, (4, 25)).astype(float)
    cases = [
        crossed("three seeds", draw(3, 30, 0.05, 0.2, 0.3)),
        crossed("ten seeds", draw(10, 40, 0.02, 0.1, 0.3)),
        crossed("seeds that differ much", draw(5, 20, 0.5, 0.1, 0.2)),
        crossed("seeds that do not differ", draw(4, 30, 0.0, 0.3, 0.3)),
        crossed("noise alone", draw(3, 20, 0.0, 0.0, 0.3)),
        crossed("fewer images than seeds", draw(8, 3, 0.1, 0.3, 0.2)),
        crossed("two seeds", draw(2, 50, 0.1, 0.2, 0.3)),
        crossed("answers", answers),
        crossed("one seed", draw(1, 30, 0.0, 0.3, 0.3)),
        crossed("one image", draw(6, 1, 0.1, 0.0, 0.1)),
    ]
    p = [[0.01, 0.04, 0.03, 0.005], random.uniform(0, 0.2, 9).round(6).tolist(), [0.5, 0.9, 0.02]]
    holm = [{"p": one, "adjusted": multipletests(one, method="holm")[1].tolist()} for one in p]
    table = {members(5, bits): worth for bits, worth in enumerate(random.uniform(0, 1, 32).round(6))}
    games = [
        shapley("drawn", 5, lambda seen: table[seen]),
        shapley("both of two", 3, lambda seen: {0, 1} <= seen),
        shapley("either of two", 3, lambda seen: bool({0, 1} & seen)),
        shapley("seven, the square of how many", 7, lambda seen: len(seen) ** 2 / 49),
    ]
    versions = {
        "python": sys.version.split()[0],
        "numpy": numpy.__version__,
        "pandas": pandas.__version__,
        "scipy": scipy.__version__,
        "statsmodels": statsmodels.__version__,
    }
    origin = "tests/reference_statistics.py"
    stored = {"origin": origin, "versions": versions, "crossed": cases, "holm": holm, "shapley": games}
    # A line a case keeps a change readable.
    for key in ("crossed", "holm", "shapley"):
        stored[key] = [json.dumps(case) for case in stored[key]]
    text = json.dumps(stored, indent=1)
    for key in ("crossed", "holm", "shapley"):
        for line in stored[key]:
            text = text.replace(json.dumps(line), line)
    print(text)


if __name__ == "__main__":
    main()
