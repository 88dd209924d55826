#!/usr/bin/env python3
"""Adds up books/*.csv by month and account. Ends with 3 when some month's debits and credits differ."""

import collections
import csv
import glob
import os
import sys
from decimal import Decimal

folder = os.path.join(os.environ["BELFRY_BUNDLE"], "books")
totals = collections.defaultdict(Decimal)  # (month, account) -> balance
for path in sorted(glob.glob(os.path.join(folder, "*.csv"))):
    with open(path, newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            totals[row["date"][:7], row["account"]] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
if not totals:
    sys.exit("error: the books are empty")

unbalanced = 0
for month in sorted({month for month, _ in totals}):
    rest = Decimal(0)
    for (_, account), amount in sorted((key, sum_) for key, sum_ in totals.items() if key[0] == month):
        print(f"{month}  {account:<12} {amount:>12.2f}")
        rest += amount
    print(f"{month}  {'balances' if not rest else f'does NOT balance: {rest:+.2f}'}\n")
    unbalanced += bool(rest)
sys.exit(3 if unbalanced else 0)
