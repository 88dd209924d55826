#!/usr/bin/env python3
"""Copies the orders database to the path given, consistently and while others write to it, and checks the copy."""

import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.environ["BELFRY_BUNDLE"], "scripts", "lib"))
import orders  # noqa: E402

target = sys.argv[1]
source = orders.connect()
copy = sqlite3.connect(target)
source.backup(copy)
copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it

verdict = copy.execute("PRAGMA integrity_check").fetchone()[0]
if verdict != "ok":
    sys.exit(f"error: the copy is damaged: {verdict}")
rows = copy.execute("SELECT count(*) FROM orders").fetchone()[0]
copy.close()
print(f"copied {rows} orders, {os.path.getsize(target)} bytes, integrity ok")
