#!/usr/bin/env python3
"""Asks for each of the busiest pages once and names the slowest. Fails when a page does not answer with 200.

Without a `base` it rehearses: it serves the bundle's site/ folder on a loopback port of its own.
"""

import argparse
import functools
import http.server
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

site = os.path.join(os.environ["BELFRY_BUNDLE"], "site")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without a line of log for each."""

    def log_message(self, *_):
        pass


def rehearsal():
    """Starts the stand-in for the shop and gives back its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def ask(opener, address):
    """Seconds, bytes and status of one page."""
    begin = time.monotonic()
    try:
        with opener.open(address, timeout=5) as answer:
            return time.monotonic() - begin, len(answer.read()), answer.status
    except urllib.error.HTTPError as error:
        return time.monotonic() - begin, 0, error.code
    except OSError as error:
        return time.monotonic() - begin, 0, str(error)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--slowest", type=int, default=3, metavar="N")
    slowest = arguments.parse_args().slowest

    base = json.loads(os.environ.get("BELFRY_PARAMS", "{}")).get("base") or rehearsal()
    with open(os.path.join(site, "pages.txt"), encoding="utf-8") as lines:
        pages = [line.strip() for line in lines if line.strip() and not line.startswith("#")]

    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy would warm itself, not the shop
    answers = [(ask(opener, base + page), page) for page in pages]
    bad = [(status, page) for (_, _, status), page in answers if status != 200]

    print(f"warmed {len(answers) - len(bad)} of {len(pages)} pages at {base}, {sum(a[1] for a, _ in answers)} bytes")
    for (seconds, _, _), page in sorted(answers, reverse=True, key=lambda answer: answer[0][0])[:slowest]:
        print(f"{seconds * 1000:8.1f} ms  {page}")
    for status, page in bad:
        print(f"error: {page}: {status}", file=sys.stderr)
    return 1 if bad or not pages else 0


if __name__ == "__main__":
    sys.exit(main())
