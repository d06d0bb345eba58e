#!/usr/bin/env python3
"""Prints the bill of materials of the program: every crate that is linked into it and the location data, in the JSON of
CycloneDX 1.5, from the lock file and the crates' own descriptions.
"""

import json
import pathlib
import subprocess
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LOCATION_DATA = {
    "type": "data",
    "name": "world.mmdb",
    "description": "Locations of networks, by DB-IP.com: see geoip/README.md",
    "licenses": [{"license": {"id": "CC-BY-4.0"}}],
}


def metadata():
    host = subprocess.run(["rustc", "--print", "host-tuple"], capture_output=True, text=True, check=True).stdout.strip()
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", host]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout)


def linked(resolved):
    """Returns the crates that the program needs at run time: not what only tests and build scripts do."""
    nodes = {node["id"]: node for node in resolved["nodes"]}
    found, waiting = set(), [resolved["root"]]
    while waiting:
        crate = waiting.pop()
        if crate in found:
            continue
        found.add(crate)
        for dependency in nodes[crate]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def component(package, checksums):
    url = f"pkg:cargo/{package['name']}@{package['version']}"
    described = {"type": "library", "bom-ref": url, "name": package["name"], "version": package["version"], "purl": url}
    if package["license"]:
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    checksum = checksums.get((package["name"], package["version"]))
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def main():
    known = metadata()
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}
    wanted = linked(known["resolve"])
    packages = sorted((one for one in known["packages"] if one["id"] in wanted), key=lambda one: (one["name"], one["version"]))
    root = next(one for one in packages if one["id"] == known["resolve"]["root"])
    materials = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root, checksums) | {"type": "application"}},
        "components": [component(one, checksums) for one in packages if one is not root] + [LOCATION_DATA],
    }
    print(json.dumps(materials, indent=1))


main()
