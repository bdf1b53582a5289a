"""Totals of FOCUS's sample rows by Python's own csv and decimal, which the tests compare with.

The sample: focus-1.0-sample.csv of FinOps-Open-Cost-and-Usage-Spec/FOCUS-Sample-Data (CC BY 4.0), which is not part of this
repository. Usage: python3 totals.py focus-1.0-sample.csv > sample-totals.json
"""

import csv
import json
import sys
from collections import defaultdict
from decimal import Decimal, getcontext

getcontext().prec = 60


def text(amount):
    return format(amount.normalize(), "f") if amount else "0"


def value(row, *columns):
    return next((row[column] for column in columns if row[column] not in ("", "NULL")), "")


def main(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    groups = {
        "service": lambda row: value(row, "ServiceName"),
        "region": lambda row: value(row, "RegionId", "RegionName"),
        "account": lambda row: value(row, "SubAccountId", "BillingAccountId"),
        "day": lambda row: row["ChargePeriodStart"][:10],
        "environment": lambda row: json.loads(value(row, "Tags") or "{}").get("environment", ""),
    }
    sums = {name: defaultdict(lambda: [Decimal(0), Decimal(0), 0]) for name in groups}
    total = [Decimal(0), Decimal(0), Decimal(0)]
    for row in rows:
        billed, effective = Decimal(row["BilledCost"]), Decimal(row["EffectiveCost"])
        total[0] += billed
        total[1] += effective
        total[2] += Decimal(row["ListCost"])
        for name, key in groups.items():
            entry = sums[name][key(row)]
            entry[0] += billed
            entry[1] += effective
            entry[2] += 1
    print(
        json.dumps(
            {
                "rows": len(rows),
                "billed": text(total[0]),
                "effective": text(total[1]),
                "list": text(total[2]),
                "by": {
                    name: {key: [text(b), text(e), n] for key, (b, e, n) in sorted(groups.items())}
                    for name, groups in sums.items()
                },
            },
            indent=1,
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
