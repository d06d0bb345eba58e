"""Runs a test in a network namespace of its own, so that its servers have the addresses and port 53 that they would have."""

import os
import subprocess
import sys

# The exit code of a machine that permits no namespaces.
NOT_PERMITTED = 77


def run(inside, names):
    """Calls `inside(program, names)` there with the arguments of the process; without names, with all of them."""
    if os.environ.get("INSIDE_NAMESPACE"):
        return inside(sys.argv[1], sys.argv[2:] or list(names))
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        print("network namespaces are not permitted here: nothing was run")
        return NOT_PERMITTED
    arguments = [os.path.abspath(sys.argv[1]), *sys.argv[2:]]
    environment = {**os.environ, "INSIDE_NAMESPACE": "1"}
    return subprocess.run([*unshare, sys.executable, sys.argv[0], *arguments], env=environment).returncode


def start(command, log, **options):
    """Starts a process whose output goes to a file."""
    with log.open("w") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, **options)
