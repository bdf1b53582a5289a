"""Figures of scipy and statsmodels that the tests of the comparisons are held against.

    pip install scipy==1.17.1 statsmodels==0.15.0
    python statistics.py > statistics.json

Samples are whole numbers of millionths, as the service keeps them, so both sides read the same figures.
"""

import json
import math
import random
from fractions import Fraction

import scipy
import statsmodels
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep

random.seed(20260801)
MICROS = 1_000_000


def moments(sample):
    """Mean and variance without rounding until the end."""
    values = [Fraction(value, MICROS) for value in sample]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    return float(mean), float(variance)


def lift(control, variation, difference, critical, errors):
    """Ratio of means less 1 by the delta method, as a share of the size of the control's mean."""
    if control == 0:
        return None
    error = math.sqrt(errors[1] / control**2 + variation**2 * errors[0] / control**4)
    ratio = difference / abs(control)
    return {"lift": ratio, "low": ratio - critical * error, "high": ratio + critical * error}


def welch(name, control, variation, confidence, shift=0):
    """The test does not mind a shift of all values; doubles that are far from zero do."""
    left, right = ([(value - shift) / MICROS for value in sample] for sample in (control, variation))
    test = stats.ttest_ind(right, left, equal_var=False)
    interval = test.confidence_interval(confidence)
    (mean_left, var_left), (mean_right, var_right) = moments(control), moments(variation)
    difference = float(sum(Fraction(value, MICROS) for value in variation) / len(variation)
                       - sum(Fraction(value, MICROS) for value in control) / len(control))
    errors = (var_left / len(left), var_right / len(right))
    critical = stats.t.ppf(0.5 + confidence / 2, test.df)
    return {
        "name": name, "kind": "mean", "confidence": confidence, "control": control, "variation": variation,
        "difference": difference, "low": interval.low, "high": interval.high, "p_value": test.pvalue,
        "degrees_of_freedom": test.df, "variances": [var_left, var_right],
        "relative": lift(mean_left, mean_right, difference, critical, errors),
    }


def proportions(name, control, variation, confidence):
    """Each is (conversions, units)."""
    (x1, n1), (x2, n2) = control, variation
    test = test_proportions_2indep(x2, n2, x1, n1, method="wald", compare="diff")
    low, high = confint_proportions_2indep(x2, n2, x1, n1, method="wald", compare="diff", alpha=1 - confidence)
    p1, p2 = x1 / n1, x2 / n2
    errors = (p1 * (1 - p1) / n1, p2 * (1 - p2) / n2)
    return {
        "name": name, "kind": "proportion", "confidence": confidence, "control": [x1, n1], "variation": [x2, n2],
        "difference": p2 - p1, "low": low, "high": high, "p_value": test.pvalue,
        "relative": lift(p1, p2, p2 - p1, stats.norm.ppf(0.5 + confidence / 2), errors),
    }


def gauss(size, mean, spread):
    return [round(random.gauss(mean, spread) * MICROS) for _ in range(size)]


def revenue(size, share, mean):
    """Mostly nothing, sometimes much."""
    paid = (random.lognormvariate(math.log(mean), 1) if random.random() < share else 0 for _ in range(size))
    return [round(value * MICROS) for value in paid]


def ratio(counts, weights):
    whole = sum(weights)
    expected = [sum(counts) * weight / whole for weight in weights]
    test = stats.chisquare(counts, expected)
    return {"counts": counts, "weights": weights, "expected": expected, "chi_square": test.statistic, "p_value": test.pvalue}


def guardrail(direction, allowed, control, variation, confidence):
    """Welch's interval of the variation against the control times what is allowed."""
    left, right = ([value / MICROS for value in sample] for sample in (control, variation))
    sign = 1 if direction == "lower is better" else -1
    factor = 1 + sign * allowed * (1 if sum(left) >= 0 else -1)
    interval = stats.ttest_ind(right, [factor * value for value in left], equal_var=False).confidence_interval(confidence)
    low, high = sorted((sign * interval.low, sign * interval.high))
    return {"direction": direction, "allowed": allowed, "confidence": confidence, "control": control,
            "variation": variation, "bound": factor * sum(left) / len(left), "low": low, "high": high}


whole = [random.randint(0, 9) * MICROS for _ in range(300)]
document = {
    "versions": {"scipy": scipy.__version__, "statsmodels": statsmodels.__version__},
    "comparisons": [
        welch("two units each", [1_000_000, 3_000_000], [2_000_000, 7_000_000], 0.95),
        welch("small and unequal", gauss(7, 10, 2), gauss(23, 12, 5), 0.95),
        welch("no difference", gauss(150, 5, 1), gauss(140, 5, 1), 0.9),
        welch("large difference", gauss(100, 5, 1), gauss(100, 9, 1), 0.99),
        welch("revenue", revenue(300, 0.1, 40), revenue(310, 0.13, 40), 0.95),
        welch("negative control", gauss(60, -4, 2), gauss(80, -3, 2), 0.95),
        welch("one does not vary", [2_000_000] * 20, gauss(30, 2.5, 1), 0.95),
        welch("counts", whole[:140], [value + MICROS * (index % 2) for index, value in enumerate(whole[140:])], 0.95),
        welch("far from zero", [10**15 + random.randint(-5, 5) for _ in range(50)],
              [10**15 + random.randint(-4, 6) for _ in range(60)], 0.95, shift=10**15),
        welch("control of zero", [-1_000_000, 1_000_000, 0, 0], gauss(12, 1, 1), 0.95),
        proportions("usual", (480, 5000), (540, 5020), 0.95),
        proportions("few", (3, 20), (9, 25), 0.9),
        proportions("rare", (2, 40_000), (11, 39_800), 0.99),
        proportions("nobody in the control", (0, 500), (12, 510), 0.95),
        proportions("everybody in the variation", (300, 320), (330, 330), 0.95),
        proportions("millions", (1_204_000, 9_000_000), (1_207_500, 9_001_000), 0.999),
    ],
    "guardrails": [
        guardrail("lower is better", 0.1, gauss(40, 3, 1), gauss(45, 4.5, 1), 0.95),
        guardrail("lower is better", 2, gauss(30, 1, 2), gauss(25, 3, 1), 0.9),
        guardrail("higher is better", 0.02, gauss(35, 20, 3), gauss(30, 17, 3), 0.99),
        guardrail("higher is better", 0.5, gauss(20, -5, 2), gauss(22, -9, 2), 0.95),
    ],
    "ratios": [
        ratio([5000, 5000], [0.5, 0.5]),
        ratio([5012, 4870], [0.5, 0.5]),
        ratio([5100, 4700], [0.5, 0.5]),
        ratio([912, 1043, 1045], [0.3334, 0.3333, 0.3333]),
        ratio([120, 900], [0.1, 0.9]),
        ratio([3, 1, 0, 2], [0.4, 0.3, 0.2, 0.1]),
        ratio([1_000_500, 999_500], [0.5, 0.5]),
    ],
}
lines = {key: [json.dumps(case) for case in document[key]] for key in ("comparisons", "guardrails", "ratios")}
print("{", f'"versions": {json.dumps(document["versions"])}', sep="\n", end="")
for key, cases in lines.items():
    print(f',\n"{key}": [', ",\n".join(cases), "]", sep="\n", end="")
print("\n}")
