#!/usr/bin/env python3
"""Has plain secondaries take a zone from the real binary, and holds what they answer against what it answers.

    tests/secondaries/run.py target/debug/meridian [bind] [knot] [nsd]

Needs BIND, Knot and NSD as Debian packages them, and dig. Everything runs in one network namespace of this run. The
secondaries' configurations are those of the documentation. Exit code 77: namespaces are not permitted here, and nothing
was run.
"""
import base64
import http.server
import json
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import namespace  # noqa: E402

PRIMARY = "192.0.2.1"
SECONDARIES = {"bind": "192.0.2.11", "knot": "192.0.2.12", "nsd": "192.0.2.13"}
STRANGER = "192.0.2.99"
TOKYO, FRANKFURT = "198.51.100.1", "198.51.100.2"
ZONE = "api.example.com"
KEY = "secondary.example.net"
WITHIN = 5.0

CONFIGURATION = {
    "server.yaml": f"""
name: ns1
listen: {{ dns: ["{PRIMARY}:53"] }}
admin: 127.0.0.1:8053
state: ../state
geo: {{ networks: [{{ network: 133.11.0.0/16, country: JP }}] }}
tsig_keys:
  - {{ name: {KEY}, algorithm: hmac-sha256, secret: {{ file: ../tsig.key }} }}
""",
    "regions.yaml": f"""
regions:
  tokyo:
    location: {{ latitude: 35.68, longitude: 139.69 }}
    jurisdiction: JP
    zones: {{ t: {{ addresses: [{TOKYO}] }} }}
    canaries: [http]
  frankfurt:
    location: {{ latitude: 50.11, longitude: 8.68 }}
    jurisdiction: DE
    zones: {{ f: {{ addresses: [{FRANKFURT}, "2001:db8:2::1"] }} }}
canaries:
  http: {{ http: {{ url: "http://{{address}}:8080/" }}, interval: 500ms, timeout: 400ms, fall: 2, rise: 1 }}
""",
    f"{ZONE}.yaml": f"""
zone: {ZONE}
nameservers: [ns1.example.net, ns2.example.net]
transfer:
  clients:
    - {{ networks: {SECONDARIES["bind"]}, key: {KEY} }}
    - {{ networks: {SECONDARIES["knot"]}, key: {KEY} }}
    - {{ networks: {SECONDARIES["nsd"]}, key: {KEY} }}
  notify:
    - {{ address: {SECONDARIES["bind"]}, key: {KEY} }}
    - {{ address: {SECONDARIES["knot"]}, key: {KEY} }}
    - {{ address: {SECONDARIES["nsd"]}, key: {KEY} }}
names:
  '@': {{ steer: {{ regions: [tokyo, frankfurt], order: listed, ttl: 5s, short_ttl: 5s, https: {{ port: 8443 }} }} }}
  www: {{ CNAME: {ZONE}. }}
  static: {{ TXT: one }}
""",
}

BIND = """
options {{ directory "{work}"; pid-file none; listen-on port 53 {{ {address}; }}; listen-on-v6 {{ none; }};
           session-keyfile none; recursion no; dnssec-validation no; transfer-source {address}; notify no; }};
controls {{ }};
key "{key}" {{ algorithm hmac-sha256; secret "{secret}"; }};
zone "{zone}" {{ type secondary; file "{zone}.zone"; primaries {{ {primary} key "{key}"; }}; }};
"""
KNOT = """
server:
    rundir: "{work}"
    listen: {address}@53
    user: root
database:
    storage: "{work}"
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: meridian
    address: {primary}@53
    via: {address}
    key: {key}
acl:
  - id: meridian
    address: {primary}
    key: {key}
    action: notify
zone:
  - domain: {zone}
    storage: "{work}"
    master: meridian
    acl: meridian
"""
NSD = """
server:
    ip-address: {address}
    port: 53
    username: ""
    zonesdir: "{work}"
    database: ""
    pidfile: "{work}/nsd.pid"
    zonelistfile: "{work}/zone.list"
    xfrdfile: "{work}/xfrd.state"
    xfrdir: "{work}"
    logfile: "{work}/nsd.log"
    verbosity: 2
    server-count: 1
    xfrd-reload-timeout: 0
remote-control:
    control-enable: no
key:
    name: "{key}"
    algorithm: hmac-sha256
    secret: "{secret}"
zone:
    name: "{zone}"
    zonefile: "{zone}.zone"
    request-xfr: {primary} {key}
    allow-notify: {primary} {key}
    outgoing-interface: {address}
"""
COMMANDS = {
    "bind": lambda path: ["named", "-f", "-c", path],
    "knot": lambda path: ["knotd", "-c", path],
    "nsd": lambda path: ["nsd", "-d", "-c", path],
}
TEMPLATES = {"bind": BIND, "knot": KNOT, "nsd": NSD}

failures = []


def expect(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: {got}, not {wanted}")


def dig(*arguments):
    command = ["dig", "+time=2", "+tries=1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def answers(server, name=ZONE, rtype="A"):
    """Returns the data of an answer, sorted."""
    return sorted(dig(f"@{server}", name, rtype, "+short").split("\n"))[1:]


def serial(server):
    words = dig(f"@{server}", ZONE, "SOA", "+short").split()
    return int(words[2]) if len(words) > 2 else None


def within(what, seconds, condition):
    """Waits for something to hold, and returns how long it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > seconds:
            failures.append(f"{what}: not within {seconds} s")
            return seconds
        time.sleep(0.05)
    return time.monotonic() - begun


def region(address):
    """Serves canaries at an address until it is closed."""

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((address, 8080), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def close(server):
    server.shutdown()
    server.server_close()


def metric(name, **labels):
    with urllib.request.urlopen("http://127.0.0.1:8053/metrics") as reply:
        text = reply.read().decode()
    total = 0
    for line in text.split("\n"):
        if line.startswith(name) and all(f'{key}="{value}"' in line for key, value in labels.items()):
            total += float(line.split()[-1])
    return total


def same_records(what, names):
    """Expects every secondary to answer as the primary does, with the same times to live."""
    for rtype, name in (("A", ZONE), ("AAAA", ZONE), ("HTTPS", ZONE), ("TXT", f"static.{ZONE}"), ("NS", ZONE),
                        ("CNAME", f"www.{ZONE}"), ("SOA", ZONE)):
        def records(server):
            lines = dig(f"@{server}", name, rtype, "+noall", "+answer").split("\n")
            return sorted(re.sub(r"\s+", " ", line) for line in lines if line)
        wanted = records(PRIMARY)
        for secondary in names:
            expect(f"{what}: {secondary}: {name} {rtype}", records(SECONDARIES[secondary]), wanted)


def requests_that_are_refused(secret):
    other = base64.b64encode(bytes(32)).decode()
    def refusal(*arguments):
        text = dig(f"@{PRIMARY}", ZONE, *arguments)
        return "failed" if "Transfer failed" in text else text
    signed = f"hmac-sha256:{KEY}:{secret}"
    expect("no key", refusal("-b", SECONDARIES["bind"], "AXFR"), "failed")
    expect("a stranger with the key", refusal("-b", STRANGER, "AXFR", "-y", signed), "failed")
    wrong = refusal("-b", SECONDARIES["bind"], "AXFR", "-y", f"hmac-sha256:{KEY}:{other}")
    expect("a wrong secret", wrong, "failed")
    unknown = refusal("-b", SECONDARIES["bind"], "AXFR", "-y", f"hmac-sha256:other.example:{other}")
    expect("an unknown key", unknown, "failed")
    expect("another algorithm", refusal("-b", SECONDARIES["bind"], "AXFR", "-y", f"hmac-sha512:{KEY}:{secret}"), "failed")
    outside = dig("-b", SECONDARIES["bind"], f"@{PRIMARY}", "example.net", "AXFR", "-y", signed)
    expect("a name outside", "Transfer failed" in outside, True)
    whole = dig("-b", SECONDARIES["bind"], f"@{PRIMARY}", ZONE, "AXFR", "-y", signed)
    expect("the zone, by dig", (whole.count("SOA"), "one" in whole), (2, True))
    for reason, least in (("not_permitted", 2), ("bad_signature", 1), ("bad_key", 2), ("no_zone", 1)):
        expect(f"refusals for {reason}", metric("meridian_transfer_refusals_total", reason=reason) >= least, True)


def start_secondary(name, secret, work):
    place = work / name
    place.mkdir()
    place.chmod(0o777)
    path = place / "configuration"
    text = TEMPLATES[name].format(work=place, address=SECONDARIES[name], key=KEY, secret=secret, zone=ZONE, primary=PRIMARY)
    path.write_text(text)
    return namespace.start(COMMANDS[name](str(path)), work / f"{name}.log")


def play(meridian, work, names):
    zones = work / "zones"
    zones.mkdir()
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    (work / "tsig.key").write_text(secret)
    (work / "tsig.key").chmod(0o600)
    for name, text in CONFIGURATION.items():
        (zones / name).write_text(text)
    serve = [meridian, "serve", "--config", str(zones)]
    tokyo, _frankfurt = region(TOKYO), region(FRANKFURT)
    primary = namespace.start(serve, work / "meridian.log")
    processes = [primary]
    try:
        within("the primary answers", 20, lambda: answers(PRIMARY) == [TOKYO])
        processes += [start_secondary(name, secret, work) for name in names]
        for name in names:
            took = within(f"{name} takes the zone", 20, lambda: answers(SECONDARIES[name]) == [TOKYO])
            print(f"{name} answers {took:.1f} s after the last one", flush=True)
        same_records("at the start", names)
        before = serial(PRIMARY)
        requests_that_are_refused(secret)

        close(tokyo)
        fallen = time.monotonic()
        within("the primary's answer changes", WITHIN, lambda: answers(PRIMARY) == [FRANKFURT])
        for name in names:
            within(f"{name}'s answer changes after a fall", WITHIN - (time.monotonic() - fallen),
                   lambda: answers(SECONDARIES[name]) == [FRANKFURT])
            print(f"{name} answers {FRANKFURT} {time.monotonic() - fallen:.1f} s after tokyo fell", flush=True)
        settled(names)
        same_records("after the fall", names)
        after = serial(PRIMARY)
        expect("the serial number grows", after > before, True)
        taken = {kind: metric("meridian_transfers_total", kind=kind) for kind in ("axfr", "axfr_for_ixfr", "ixfr")}
        print("transfers:", taken, "NOTIFY sent and acknowledged:",
              metric("meridian_notifies_total", result="sent"), metric("meridian_notifies_total", result="acknowledged"))
        expect("differences are taken", taken["ixfr"] >= len(names), True)

        zone = zones / f"{ZONE}.yaml"
        zone.write_text(zone.read_text().replace("TXT: one", "TXT: two"))
        for name in names:
            within(f"{name} has a change of the zone", 10, lambda: answers(SECONDARIES[name], f"static.{ZONE}", "TXT") == ['"two"'])

        primary.kill()
        primary.wait()
        highest = max(serial(SECONDARIES[name]) for name in names)
        processes[0] = primary = namespace.start(serve, work / "meridian-again.log")
        within("the primary answers again", 20, lambda: answers(PRIMARY) == [FRANKFURT])
        expect("no serial number goes back after kill -9", serial(PRIMARY) > highest, True)
        # Secondaries follow a primary that was killed.
        settled(names)
        same_records("after the restart", names)
        with urllib.request.urlopen("http://127.0.0.1:8053/status") as reply:
            status = json.load(reply)["transfers"]
        acknowledged = {one["acknowledged"] for one in status["zones"][0]["notified"]}
        expect("/status: what is acknowledged", acknowledged, {serial(PRIMARY)})
        last = serial(PRIMARY)
        primary.terminate()
        primary.wait()
        processes[0] = primary = namespace.start(serve, work / "meridian-third.log")
        within("the primary answers after a stop", 20, lambda: answers(PRIMARY) == [FRANKFURT])
        expect("a stop and a start change no serial number", serial(PRIMARY), last)
    finally:
        for process in processes:
            process.terminate()
            process.wait()


def settled(names):
    """Waits until all have the same serial number."""
    within("all have one serial number", 10, lambda: len({serial(server) for server in (PRIMARY, *map(SECONDARIES.get, names))}) == 1)


def inside(meridian, names):
    for address in (PRIMARY, *SECONDARIES.values(), STRANGER, TOKYO, FRANKFURT):
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="secondaries-"))
    work.chmod(0o755)
    begun = time.monotonic()
    play(meridian, work, names)
    for failure in failures:
        print("FAIL", failure)
    if failures:
        for log in sorted(work.glob("*.log")):
            print(f"--- {log.name}")
            print(log.read_text()[-4000:])
        nsd = work / "nsd" / "nsd.log"
        print(nsd.read_text()[-3000:] if nsd.exists() else "")
    else:
        print(f"ok   {', '.join(names)} in {time.monotonic() - begun:.0f} s")
    shutil.rmtree(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(namespace.run(inside, SECONDARIES))
