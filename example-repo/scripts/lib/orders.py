"""The orders database, shared by the data team's Python scripts.

Lantern Books' real orders live elsewhere; here is a small database of the same shape, so that the jobs have something
to count and to back up.
"""

import os
import sqlite3


def state_folder(name):
    """The same folder as state_folder in lantern.sh: it outlives the run, one for each agent and user."""
    base = f"{os.environ.get('LANTERN_STATE', '/tmp/lantern-books')}-{os.getuid()}"
    os.makedirs(base, mode=0o700, exist_ok=True)
    if os.path.islink(base) or os.stat(base).st_uid != os.getuid():
        raise SystemExit(f"error: {base} belongs to somebody else")
    folder = os.path.join(base, os.environ.get("BELFRY_AGENT", "by-hand"), name)
    os.makedirs(folder, exist_ok=True)
    return folder


def connect():
    """Opens the database, made on first use."""
    database = sqlite3.connect(os.path.join(state_folder("orders"), "orders.sqlite"), timeout=10)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS orders ("
        " id INTEGER PRIMARY KEY, title TEXT NOT NULL, cents INTEGER NOT NULL, packed INTEGER NOT NULL DEFAULT 0)"
    )
    return database
