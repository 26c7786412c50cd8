"""
Reads the journal feed from position 0 and prints what each account owes, to the cent.

Run it as `python docs/feed-client.py http://127.0.0.1:8000 TOKEN`; it needs Python alone.
"""

import json
import sys
import urllib.request
from collections import defaultdict
from decimal import Decimal

server, token = sys.argv[1:]
owed, at, after = defaultdict(Decimal), "/feed/journal?limit=1000", ""
while at != after:  # the link of the last page leads to itself
    after = at
    asked = urllib.request.Request(server + at, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked) as page:
        at = page.headers["Link"].partition("<")[2].partition(">")[0]
        for event in json.load(page):
            for posting in event["data"]["postings"]:
                if posting["code"] in ("1200", "2100"):  # receivable, credit held
                    owed[event["data"]["account"]] += Decimal(posting["amount"])
for account, balance in sorted(owed.items()):
    sys.stdout.write(f"{account} {balance}\n")
