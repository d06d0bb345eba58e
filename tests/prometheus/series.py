#!/usr/bin/env python3
"""Exits with 1 when rules or dashboard read a series that is neither served nor documented (one that nothing has yet is
not served); prints the dashboard's expressions as rules, so that promtool can parse them.

usage: series.py METRICS METRICS.md ALERTS.yaml DASHBOARD.json
"""

import json
import re
import sys

METRICS, DOCUMENTATION, ALERTS, DASHBOARD = sys.argv[1:]
NAME = re.compile(r"\b((?:meridian|process)_[a-z0-9_]+)")
OF_HISTOGRAM = re.compile(r"_(bucket|sum|count)$")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def expressions():
    for panel in json.loads(read(DASHBOARD))["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def main():
    served = {line.split()[2] for line in read(METRICS).splitlines() if line.startswith("# TYPE ")}
    known = served | set(re.findall(r"`([a-z0-9_]+)`", read(DOCUMENTATION)))
    of_rules = re.findall(r"^\s*expr: (.*)$", read(ALERTS), re.MULTILINE)
    of_panels = [expression for _, expression in expressions()]
    wanted = {name for text in of_rules + of_panels for name in NAME.findall(text)}
    missing = {name for name in wanted if not {name, OF_HISTOGRAM.sub("", name)} & known}
    if missing or not of_rules or not of_panels:
        sys.exit(f"not known: {', '.join(sorted(missing))}; {len(of_rules)} rules, {len(of_panels)} panels")
    print(f"{len(wanted)} series, all of them known", file=sys.stderr)
    # What Grafana fills in.
    filled = [text.replace("$__rate_interval", "5m").replace("$instance", ".*") for text in of_panels]
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(filled)]
    json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)


main()
