#!/usr/bin/env python3
"""Runs the real binary in network namespaces whose network fails, and holds what it does against what it should.

    tests/netns/run.py target/debug/meridian [CASE]...

Every case has two namespaces of its own, joined by a veth pair: an instance, and a gateway behind which three regions
serve. All of them live in a namespace of this run, and are gone when it ends. Cases run at the same time. Exit code 77:
namespaces are not permitted here, and nothing was run.
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

NOT_PERMITTED = 77
REGIONS = {"tokyo": ("JP", 35.68, 139.69), "frankfurt": ("DE", 50.11, 8.68), "oregon": ("US", 45.52, -122.68)}
GATEWAY, INSTANCE, ADMIN = "10.77.0.2", "10.77.0.1", "127.0.0.1:8053"
# What says that something was counted against a region, or that a client moved.
COUNTED = {"address_suspect", "address_down", "region_out", "phase_changed", "no_region_available"}

# Asks for the steered name again and again, and prints what is answered whenever it is another set of addresses.
CLIENT = """
import socket, struct, time
ask = struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + b"\\1q\\7example\\0" + struct.pack(">2H", 1, 1)
last, count = None, 0
while True:
    try:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
        s.sendto(ask, ("127.0.0.1", 53)); reply = s.recv(4096)
        number, at, found = struct.unpack(">H", reply[6:8])[0], len(ask), set()
        for _ in range(number):
            size = struct.unpack(">H", reply[at + 10:at + 12])[0]
            found.add(".".join(map(str, reply[at + 12:at + 12 + size]))); at += 12 + size
        found = " ".join(sorted(found)) or "nothing"
    except OSError as error:
        found = type(error).__name__
    count += 1
    if found != last:
        print(found, flush=True)
    last = found
    time.sleep(0.2)
"""

SERVER = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = __import__("socket").AF_INET6
Server(("::", 8080), Handler).serve_forever()
"""


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


class Net:
    """An instance and the world around it."""

    def __init__(self, name, meridian):
        self.meridian, self.here, self.there = meridian, f"{name}-a", f"{name}-b"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"netns-{name}-"))
        self.zones = self.work / "zones"
        self.zones.mkdir()
        self.processes = []
        for namespace in (self.here, self.there):
            run("ip", "netns", "add", namespace)
            run("ip", "-n", namespace, "link", "set", "lo", "up")
        run("ip", "link", "add", "v0", "netns", self.here, "type", "veth", "peer", "name", "v1", "netns", self.there)
        self.instance("addr", "add", f"{INSTANCE}/24", "dev", "v0")
        self.world("addr", "add", f"{GATEWAY}/24", "dev", "v1")
        for place in ((self.here, "v0"), (self.there, "v1")):
            run("ip", "-n", place[0], "link", "set", place[1], "up")
        self.instance("route", "add", "default", "via", GATEWAY)
        self.set(self.there, "net/ipv4/ip_forward", 1)
        for number in range(1, len(REGIONS) + 1):
            self.world("addr", "add", f"10.66.{number}.1/32", "dev", "lo")
        self.exec(self.there, sys.executable, "-c", SERVER)
        probe = "import socket; socket.create_connection(('10.66.1.1', 8080), 1)"
        command = ["ip", "netns", "exec", self.here, sys.executable, "-c", probe]
        self.until(lambda: subprocess.run(command, capture_output=True).returncode == 0, "the regions serve")

    def instance(self, *words):
        run("ip", "-n", self.here, *words)

    def world(self, *words):
        run("ip", "-n", self.there, *words)

    def set(self, namespace, key, value):
        run("ip", "netns", "exec", namespace, "sh", "-c", f"echo {value} > /proc/sys/{key}")

    def exec(self, namespace, *command, **options):
        process = subprocess.Popen(["ip", "netns", "exec", namespace, *command], **options)
        self.processes.append(process)
        return process

    def configure(self, addresses=None, canary='http: { url: "http://{address}:8080/" }', server=""):
        """Writes a configuration; `addresses` are those of each region, 10.66.N.1 by default."""
        places = enumerate(REGIONS.items(), 1)
        addresses = addresses or {region: [f"10.66.{number}.1"] for number, (region, _) in places}
        (self.zones / "server.yaml").write_text(
            f'name: {self.here}\nlisten: {{ dns: ["127.0.0.1:53"] }}\nadmin: "{ADMIN}"\n'
            f"state: {self.work}/state\n{server}"
        )
        lines = ["regions:"]
        for region, (country, latitude, longitude) in REGIONS.items():
            lines.append(
                f"  {region}: {{ location: {{ latitude: {latitude}, longitude: {longitude} }}, jurisdiction: {country}, "
                f"zones: {{ {region}-a: {{ addresses: [{', '.join(map(json.dumps, addresses[region]))}] }} }}, canaries: [c] }}"
            )
        lines.append(f"canaries:\n  c: {{ {canary}, interval: 2s, timeout: 1s, recheck: 1s, fall: 3, rise: 2 }}\n")
        (self.zones / "regions.yaml").write_text("\n".join(lines))
        (self.zones / "z.yaml").write_text(
            'zone: q.example\nnameservers: [ns1.example.net]\n'
            'names: { "@": { steer: { regions: [tokyo, frankfurt, oregon] } } }\n'
        )

    def start(self, *wrapper):
        """Starts the server, and waits until every region that has an address is seen."""
        log = (self.work / "log").open("w")
        self.server = self.exec(
            self.here, *wrapper, self.meridian, "serve", "--config", str(self.zones), stdout=log, stderr=log
        )
        self.until(lambda: self.ask("/healthz") is not None, "the server starts")

    def ask(self, path):
        """Returns what the admin address answers; `None`: nothing."""
        script = f"import urllib.request as u; print(u.urlopen('http://{ADMIN}{path}', timeout=5).read().decode())"
        command = ["ip", "netns", "exec", self.here, sys.executable, "-c", script]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def status(self):
        text = self.ask("/status")
        assert text, "the admin address does not answer"
        return json.loads(text)

    def phases(self):
        return {region["name"]: region["ipv4"]["phase"] for region in self.status()["regions"]}

    def told(self):
        """Returns all events so far."""
        files = sorted(self.work.glob("state/events*"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def events(self):
        """Returns the kinds of all events so far."""
        return [event["kind"] for event in self.told()]

    def watch(self):
        """Asks for the name from now on, every 0.2 s."""
        self.answers = self.work / "answers"
        self.exec(self.here, sys.executable, "-c", CLIENT, stdout=self.answers.open("w"))
        self.until(lambda: self.answers.read_text(), "the name is answered")

    def until(self, holds, what, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(0.2)

    def healthy(self):
        self.until(lambda: set(self.phases().values()) == {"healthy"}, "all regions are healthy")

    def alarm(self, text, seconds=30):
        self.until(lambda: any(text in alarm for alarm in self.status()["alarms"]), f"an alarm says {text!r}", seconds)

    def blind(self, cause, text, regions=tuple(REGIONS), seconds=30):
        """Waits for the alarm of a cause, and checks that it is shown wherever a region is."""
        self.alarm(text, seconds)

        def is_shown():
            seen = {region["name"]: region["blind"] or "" for region in self.status()["regions"]}
            return all(text in seen[region] for region in regions)

        self.until(is_shown, f"every region is blind in the status: {text!r}")
        looks = {region["name"]: region["look"] for region in json.loads(self.ask("/overview"))["regions"]}
        assert all(looks[region] in ("blind", "suspect") for region in regions), looks
        explained = self.ask("/explain?name=q.example&client=192.0.2.1&type=A")
        assert explained and "probes cannot be made" in explained and text in explained, explained
        line = f'meridian_probe_blind_total{{cause="{cause}"}} '
        counts = [line_of for line_of in self.ask("/metrics").splitlines() if line_of.startswith(line)]
        assert counts and float(counts[0].removeprefix(line)) > 0, counts

    def clears(self):
        self.until(lambda: not self.status()["alarms"], "no alarm stands")

    def moves_nobody(self):
        """Checks that clients got the same all the time, and that no region fell, left or was quarantined."""
        kinds = self.events()
        assert not {"region_out", "phase_changed"}.intersection(kinds), kinds
        regions = [(region["name"], region["ipv4"]) for region in self.status()["regions"]]
        assert all(seen["falls"] == 0 and seen["phase"] == "healthy" for _, seen in regions), regions
        if hasattr(self, "answers"):
            answers = self.answers.read_text().splitlines()
            assert len(answers) == 1 and answers[0].startswith("10.66."), answers
        alarms = [event["condition"]["key"] for event in self.told() if event["kind"] == "probes_blind"]
        assert len(alarms) == len(set(alarms)), f"more than one alarm for a cause: {alarms}"

    def moves_nothing(self):
        """Checks that nothing was counted, and that one alarm for each cause was all that was said."""
        counted = COUNTED.intersection(self.events())
        assert not counted, f"{counted} in {self.events()}"
        self.until(lambda: set(self.phases().values()) == {"healthy"}, "all regions are healthy")
        self.moves_nobody()

    def close(self):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


def route_withdrawn(net):
    net.configure()
    net.start()
    net.healthy()
    net.watch()
    net.instance("route", "del", "default")
    time.sleep(7)
    net.blind("no_route", "no route to 10.66.")
    net.instance("route", "add", "default", "via", GATEWAY)
    net.clears()
    net.moves_nothing()
    assert net.events().count("probes_blind") == 1, net.events()


def link_down(net):
    net.configure()
    net.start()
    net.healthy()
    net.watch()
    net.world("link", "set", "v1", "down")
    time.sleep(14)
    net.blind("link_down", "is down or has no carrier")
    net.world("link", "set", "v1", "up")
    net.clears()
    net.moves_nothing()


def silence(net):
    """It forwards nothing and answers no ARP, and the link stays up."""
    net.world("link", "set", "v1", "arp", "off")
    net.world("addr", "del", f"{GATEWAY}/24", "dev", "v1")


def end_silence(net):
    net.world("addr", "add", f"{GATEWAY}/24", "dev", "v1")
    net.world("link", "set", "v1", "arp", "on")


def gateway_silent(net):
    """The kernel takes up to 45 s to doubt a neighbour, so that probes may time out and count before it does."""
    net.configure()
    net.start()
    net.healthy()
    net.watch()
    silence(net)
    time.sleep(18)
    phases = net.phases()
    assert "quarantined" not in phases.values(), phases
    end_silence(net)
    net.clears()
    net.healthy()
    # While none is well every client fails open to its nearest region, which is where it is: that is said, and moves nobody.
    net.moves_nobody()


def gateway_silent_and_doubted(net):
    """The kernel doubts a neighbour at once: every probe is blind, and nothing is counted."""
    for key, value in {"base_reachable_time_ms": 10, "delay_first_probe_time": 0, "retrans_time_ms": 100}.items():
        net.set(net.here, f"net/ipv4/neigh/v0/{key}", value)
    # What is known already is believed for as long as was usual before.
    net.instance("neigh", "flush", "dev", "v0")
    net.configure()
    net.start()
    net.healthy()
    net.watch()
    silence(net)
    time.sleep(18)
    net.blind("gateway_silent", "does not answer")
    end_silence(net)
    net.clears()
    net.moves_nothing()


def route_unreachable(net):
    net.configure()
    net.start()
    net.healthy()
    net.watch()
    net.instance("route", "add", "unreachable", "10.66.0.0/16")
    net.blind("no_route", "is unreachable or prohibited")
    time.sleep(5)
    net.instance("route", "del", "unreachable", "10.66.0.0/16")
    net.clears()
    net.moves_nothing()


def firewall_of_a_router(net):
    """What a router on the way says is no fault of this machine: the region falls."""
    net.configure()
    net.start()
    net.healthy()
    net.world("addr", "del", "10.66.3.1/32", "dev", "lo")
    net.world("route", "add", "unreachable", "10.66.3.1/32")
    net.until(lambda: net.phases()["oregon"] == "down", "oregon falls")
    assert "probes_blind" not in net.events()


def silent_on_the_own_link(net):
    """An address on the own link that nobody has is down, and no fault of this machine."""
    net.configure({"tokyo": ["10.77.0.9"], "frankfurt": ["10.66.2.1"], "oregon": ["10.66.3.1"]})
    net.start()
    net.until(lambda: net.phases()["tokyo"] == "down", "tokyo falls")
    assert "probes_blind" not in net.events()


def no_ipv6(net):
    addresses = {name: [f"10.66.{number}.1", f"2001:db8:{number}::1"] for number, name in enumerate(REGIONS, 1)}
    net.configure(addresses)
    net.start()
    net.healthy()
    net.watch()
    net.blind("no_ipv6", "this instance has no IPv6")
    time.sleep(5)
    net.moves_nothing()


def no_ipv6_in_the_kernel(net):
    addresses = {name: [f"10.66.{number}.1", f"2001:db8:{number}::1"] for number, name in enumerate(REGIONS, 1)}
    net.configure(addresses)
    net.set(net.here, "net/ipv6/conf/all/disable_ipv6", 1)
    net.start()
    net.healthy()
    net.watch()
    net.blind("no_ipv6", "this instance has no IPv6")
    net.moves_nothing()


def idle_clients(net):
    """1 100 idle clients of the admin address, and 256 descriptors: probes, state and configuration have theirs."""
    net.configure()
    net.start("prlimit", "--nofile=256:256", "--")
    net.healthy()
    net.watch()
    clients = net.exec(
        net.here, sys.executable, "-c",
        "import socket, time\n"
        f"host, port = '{ADMIN}'.split(':')\n"
        "held = []\n"
        "for _ in range(1100):\n"
        "    s = socket.socket(); s.setblocking(False)\n"
        "    try: s.connect((host, int(port)))\n"
        "    except BlockingIOError: pass\n"
        "    held.append(s)\n"
        "time.sleep(60)\n",
    )
    time.sleep(6)
    before = (net.work / "log").read_text()
    assert "Too many open files" not in before and "out of file descriptors" not in before, before
    # A reload needs descriptors, too.
    regions = net.zones / "regions.yaml"
    regions.write_text(regions.read_text().replace("rise: 2", "rise: 3"))
    net.until(lambda: "reloaded" in net.events(), "another configuration is taken over")
    clients.kill()
    net.until(lambda: net.ask("/status") is not None, "the admin address answers again")
    net.healthy()
    net.moves_nothing()
    net.server.terminate()
    assert net.server.wait(timeout=10) == 0
    assert (net.work / "state" / "health.json").exists(), list((net.work / "state").iterdir())


CASES = [
    route_withdrawn, link_down, gateway_silent, gateway_silent_and_doubted, route_unreachable,
    firewall_of_a_router, silent_on_the_own_link, no_ipv6, no_ipv6_in_the_kernel, idle_clients,
]


def play(case, meridian):
    """Runs a case, and returns what went wrong; `None`: nothing."""
    net = Net(case.__name__.replace("_", "")[:11] + str(CASES.index(case)), meridian)
    try:
        case(net)
        return None
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        log = (net.work / "log").read_text() if (net.work / "log").exists() else ""
        return f"{type(error).__name__}: {error}\n{log[-4000:]}"
    finally:
        net.close()


def enter():
    """Runs this again in namespaces of its own, which end with it."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    unshare = ["unshare", *user, "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        print("network namespaces are not permitted here: nothing was run", file=sys.stderr)
        sys.exit(NOT_PERMITTED)
    os.execvp("unshare", [*unshare, sys.executable, *sys.argv, "--inside"])


def main():
    if sys.argv[-1] != "--inside":
        enter()
    meridian, wanted = os.path.realpath(sys.argv[1]), sys.argv[2:-1]
    # Named namespaces live there, and must not be seen elsewhere.
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    cases = [case for case in CASES if not wanted or case.__name__ in wanted]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        running = {pool.submit(play, case, meridian): case for case in cases}
        for done in concurrent.futures.as_completed(running):
            trouble = done.result()
            failed += trouble is not None
            print(f"{running[done].__name__}: {'ok' if trouble is None else 'FAILED: ' + trouble}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
