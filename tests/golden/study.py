"""Golden numbers of the statistics of human studies: binomial intervals and tests from scipy, Krippendorff's alpha from the package
`krippendorff`, slopes inside judges from numpy's least squares, the error of a mean in two-way clusters from its formula.

Run: pip install scipy numpy krippendorff && python tests/golden/study.py   (writes study.json beside this file)
"""

import json
from pathlib import Path

import krippendorff
import numpy as np
from scipy import stats

random = np.random.default_rng(20260730)

binomial = []
for trials in (1, 2, 9, 60, 785, 12_000, 300_000):
    shares = [0, 0.001, 0.3, 0.49, 0.5, 0.503, 0.7, 1]
    for successes in sorted({round(share * trials) for share in shares}):
        test = stats.binomtest(successes, trials, 0.5)
        ci = test.proportion_ci(0.95, method="exact")
        below = stats.binomtest(successes, trials, 0.55, alternative="less").pvalue
        binomial.append([successes, trials, ci.low, ci.high, test.pvalue, below])


def power(trials, limit, truth):
    """The chance that the upper Clopper-Pearson bound of 95 % lies below the limit."""
    most = stats.binom.ppf(0.025, trials, limit)
    while most >= 0 and stats.binom.cdf(most, trials, limit) >= 0.025:
        most -= 1
    return stats.binom.cdf(most, trials, truth) if most >= 0 else 0.0


powers = []
for limit, truth, wanted in ((0.55, 0.5, 0.8), (0.55, 0.5, 0.9), (0.6, 0.5, 0.8), (0.55, 0.52, 0.8)):
    rough = int((1.96 + 1.3) ** 2 * 0.25 / (limit - truth) ** 2 * 1.2)
    needed = next(n + 1 for n in range(rough, 0, -1) if power(n, limit, truth) < wanted)
    powers.append([limit, truth, wanted, needed, power(needed, limit, truth)])

alphas = []
for judges, units, agreement, missing in ((2, 12, 0.9, 0.0), (5, 40, 0.6, 0.4), (9, 30, 0.5, 0.7), (3, 25, 1.0, 0.2)):
    truth = random.integers(0, 2, units)
    data = np.where(random.random((judges, units)) < agreement, truth, random.integers(0, 2, (judges, units))).astype(float)
    data[random.random((judges, units)) < missing] = np.nan
    table = [[None if np.isnan(x) else int(x) for x in row] for row in data]
    alphas.append([table, krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")])

JUDGES, TEXTS = 14, 40
skill, ease = random.normal(0.55, 0.1, JUDGES), random.normal(0, 0.15, TEXTS)
rows = []
for judge in range(JUDGES):
    for place, text in enumerate(random.permutation(TEXTS)[:20]):
        chance = np.clip(skill[judge] + ease[text] - 0.01 * place, 0.02, 0.98)
        rows.append([judge, int(text), place, int(random.random() < chance)])
table = np.array(rows)
within = np.column_stack([(table[:, 0] == judge).astype(float) for judge in range(JUDGES)] + [table[:, 2]])
slope = np.linalg.lstsq(within, table[:, 3], rcond=None)[0][-1]

right = table[:, 3] - table[:, 3].mean()
sums = [np.bincount(table[:, column], weights=right) for column in (0, 1)]
# Cameron, Gelbach & Miller: clusters of judges, of texts, and of single judgements, which are in both.
variance = ((sums[0] ** 2).sum() * JUDGES / (JUDGES - 1) + (sums[1] ** 2).sum() * TEXTS / (TEXTS - 1) - (right**2).sum()) / len(table) ** 2

students = [[freedom, stats.t.ppf(0.975, freedom)] for freedom in (1, 2, 5, 19, 100, 5_000)]

golden = {
    "students": students,
    "binomial": binomial,
    "powers": powers,
    "alphas": alphas,
    "crossed": {"rows": rows, "slope": slope, "error": float(np.sqrt(variance))},
}
text = json.dumps(golden, separators=(",", ":"), default=float)
Path(__file__).with_suffix(".json").write_text(text + "\n")
