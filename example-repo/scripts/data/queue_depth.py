#!/usr/bin/env python3
"""Counts the orders that wait to be packed. Fails when there are more than `most`."""

import json
import os
import random
import sys

sys.path.insert(0, os.path.join(os.environ["BELFRY_BUNDLE"], "scripts", "lib"))
import orders  # noqa: E402

most = json.loads(os.environ.get("BELFRY_PARAMS", "{}")).get("most", 500)
titles = ["The Lamplighter", "Night Ferry", "A Winter Garden", "Salt and Paper", "The Bell Ringer"]

database = orders.connect()
with database:
    # Stands in for customers and packers between two measurements.
    arrived = [(random.choice(titles), random.randrange(900, 4500)) for _ in range(random.randrange(0, 6))]
    database.executemany("INSERT INTO orders (title, cents) VALUES (?, ?)", arrived)
    waiting = database.execute("SELECT count(*) FROM orders WHERE packed = 0").fetchone()[0]
    database.execute(
        "UPDATE orders SET packed = 1 WHERE id IN (SELECT id FROM orders WHERE packed = 0 ORDER BY id LIMIT ?)",
        (random.randrange(0, waiting // 6 + 2),),  # the longer the queue, the more people pack
    )
    database.execute("DELETE FROM orders WHERE packed = 1 AND id < (SELECT max(id) FROM orders) - 2000")

waiting, cents = database.execute("SELECT count(*), coalesce(sum(cents), 0) FROM orders WHERE packed = 0").fetchone()
total = database.execute("SELECT count(*) FROM orders").fetchone()[0]
print(f"{waiting} of {total} orders wait to be packed, worth {cents / 100:.2f} EUR")
if waiting > most:
    sys.exit(f"error: more than {most} orders wait")
