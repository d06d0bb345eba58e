#!/usr/bin/env python3
"""Puts real resolvers between clients and the real binary, and holds what the clients get against what they may get.

    tests/resolvers/run.py target/debug/meridian [unbound] [pdns_recursor]

Needs Unbound with its subnet cache, and PowerDNS Recursor, as Debian packages them. Everything runs in one network
namespace of this run, in which clients, resolvers and name servers have addresses that mean something. Exit code 77:
namespaces are not permitted here, and nothing was run.
"""
import pathlib
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import namespace  # noqa: E402

SERVERS = ("192.0.2.53", "192.0.2.54")
# Resolvers are in Germany, so that a client that counts as its resolver shows.
RESOLVER = {"unbound": "91.0.0.53", "pdns_recursor": "91.0.0.54"}
CLIENTS = {
    "jp": "133.11.0.5",
    "de": "91.0.7.5",
    "us": "12.0.0.5",
    # In one /24 with a client in the United States.
    "de_beside_us": "151.1.7.5",
    "nowhere": "203.0.113.5",
    "private": "192.168.1.5",
}
A, AAAA = 1, 28
NOERROR, SERVFAIL = 0, 2

ZONE = """
zone: api.example.com
nameservers: [ns1.example.net, ns2.example.net]
groups: { eu: { european_union: true }, jp: { countries: [JP] }, us: { countries: [US] } }
names:
  '@':
    steer: { regions: [tokyo, frankfurt, virginia], ttl: 5s, short_ttl: 5s, residency: [{ clients: eu, jurisdictions: [EU] }] }
  china:
    steer:
      regions: [tokyo, frankfurt, virginia]
      ttl: 5s
      short_ttl: 5s
      residency: [{ clients: jp, jurisdictions: [CN], otherwise: servfail }]
  common:
    steer:
      regions: [tokyo, frankfurt, zurich]
      ttl: 5s
      short_ttl: 5s
      residency: [{ clients: eu, jurisdictions: [DE, CH] }, { clients: us, jurisdictions: [JP, CH] }]
  www: { CNAME: api.example.com. }
"""
REGIONS = """
regions:
  tokyo:
    location: { latitude: 35.68, longitude: 139.69 }
    jurisdiction: JP
    zones: { t: { addresses: [198.51.100.1, "2001:db8:1::1"] } }
  frankfurt:
    location: { latitude: 50.11, longitude: 8.68 }
    jurisdiction: DE
    zones: { f: { addresses: [198.51.100.2, "2001:db8:2::1"] } }
  virginia:
    location: { latitude: 38.9, longitude: -77.4 }
    jurisdiction: US
    zones: { v: { addresses: [198.51.100.3] } }
  zurich:
    location: { latitude: 47.4, longitude: 8.5 }
    jurisdiction: CH
    zones: { z: { addresses: [198.51.100.4] } }
"""
SERVER = f"""
name: ns1
listen: {{ dns: ["{SERVERS[0]}:53", "{SERVERS[1]}:53"] }}
geo:
  networks:
    - {{ network: 133.11.0.0/16, country: JP }}
    - {{ network: 91.0.0.0/16, country: DE }}
    - {{ network: 12.0.0.0/16, country: US }}
    - {{ network: 151.1.7.0/25, country: DE }}
    - {{ network: 151.1.7.128/25, country: US }}
"""
UNBOUND = f"""
server:
  module-config: "subnetcache iterator"
  interface: {RESOLVER["unbound"]}
  outgoing-interface: {RESOLVER["unbound"]}
  access-control: 0.0.0.0/0 allow
  send-client-subnet: {SERVERS[0]}
  send-client-subnet: {SERVERS[1]}
  client-subnet-always-forward: yes
  do-not-query-localhost: no
  do-ip6: no
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  qname-minimisation: no
stub-zone:
  name: api.example.com
  stub-addr: {SERVERS[0]}
  stub-addr: {SERVERS[1]}
"""
# Its packet cache knows no client subnets and keeps a SERVFAIL for all clients, for 60 s unless it is told otherwise.
RECURSOR = f"""
local-address={RESOLVER["pdns_recursor"]}
query-local-address={RESOLVER["pdns_recursor"]}
allow-from=0.0.0.0/0
forward-zones=api.example.com={SERVERS[0]};{SERVERS[1]}
dont-query=
edns-subnet-allow-list=192.0.2.0/24
ecs-add-for=0.0.0.0/0
ecs-ipv4-bits=24
ecs-ipv4-cache-bits=32
dnssec=off
daemon=no
security-poll-suffix=
packetcache-servfail-ttl=0
threads=1
"""


def question(name, rtype):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    number = random.randrange(65536)
    return number, struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", rtype, 1)


def skip_name(message, at):
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def ask(resolver, client, name, rtype):
    """Returns the response code and the addresses that a client gets from a resolver."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((client, 0))
        asking.settimeout(5)
        number, query = question(name, rtype)
        asking.sendto(query, (resolver, 53))
        message = asking.recv(4096)
    assert struct.unpack("!H", message[:2])[0] == number
    answers = struct.unpack("!H", message[6:8])[0]
    at = skip_name(message, 12) + 4
    found = set()
    for _ in range(answers):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack("!2HIH", message[at : at + 10])
        data = message[at + 10 : at + 10 + length]
        at += 10 + length
        if kind in (A, AAAA):
            found.add(socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, data))
    return message[3] & 15, found


TOKYO, FRANKFURT, VIRGINIA, ZURICH = "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"
TOKYO6, FRANKFURT6 = "2001:db8:1::1", "2001:db8:2::1"
APEX, CHINA, WWW = "api.example.com", "china.api.example.com", "www.api.example.com"
COMMON = "common.api.example.com"


def forbidden_gets_nothing_and_others_are_served(expect):
    for _ in range(3):
        expect("jp", CHINA, A, SERVFAIL)
        expect("us", CHINA, A, NOERROR, VIRGINIA)
        expect("de", CHINA, A, NOERROR, FRANKFURT)
        expect("jp", CHINA, AAAA, SERVFAIL)
        expect("de", CHINA, AAAA, NOERROR, FRANKFURT6)
        time.sleep(2)


def permitted_gets_its_own(expect):
    for name in (APEX, WWW):
        expect("us", name, A, NOERROR, VIRGINIA)
        expect("de", name, A, NOERROR, FRANKFURT)
        expect("jp", name, A, NOERROR, TOKYO)
        expect("us", name, A, NOERROR, VIRGINIA)


def ipv6_is_there_for_clients_whose_nearest_region_has_none(expect):
    expect("us", APEX, AAAA, NOERROR, FRANKFURT6)
    expect("de", APEX, AAAA, NOERROR, FRANKFURT6)
    expect("jp", APEX, AAAA, NOERROR, TOKYO6)
    expect("us", APEX, AAAA, NOERROR, FRANKFURT6)


def a_family_that_clients_of_one_subnet_have_not_in_common_is_absent_for_no_client(expect):
    for _ in range(2):
        expect("de_beside_us", COMMON, AAAA, SERVFAIL)
        expect("de", COMMON, AAAA, NOERROR, FRANKFURT6)
        expect("us", COMMON, AAAA, NOERROR, TOKYO6)
        expect("jp", COMMON, AAAA, NOERROR, TOKYO6)
        expect("de_beside_us", COMMON, A, NOERROR, ZURICH)


def private_is_where_its_resolver_is(expect):
    expect("nowhere", APEX, A, NOERROR, TOKYO)
    expect("private", APEX, A, NOERROR, FRANKFURT)
    expect("private", APEX, AAAA, NOERROR, FRANKFURT6)
    expect("nowhere", APEX, A, NOERROR, TOKYO)


CASES = (
    forbidden_gets_nothing_and_others_are_served,
    permitted_gets_its_own,
    ipv6_is_there_for_clients_whose_nearest_region_has_none,
    a_family_that_clients_of_one_subnet_have_not_in_common_is_absent_for_no_client,
    private_is_where_its_resolver_is,
)


def until_answered(resolver, process, log):
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            if ask(resolver, CLIENTS["us"], APEX, A)[0] == NOERROR:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit(f"{resolver} does not answer\n{log.read_text()}")


def hold(resolver, failures):
    def expect(client, name, rtype, code, *addresses):
        got = ask(RESOLVER[resolver], CLIENTS[client], name, rtype)
        if got != (code, set(addresses)):
            kind = {A: "A", AAAA: "AAAA"}[rtype]
            failures.append(f"{resolver}: {client} asks for {name} {kind}: {got}, not {(code, set(addresses))}")

    for case in CASES:
        before = len(failures)
        case(expect)
        print("ok  " if len(failures) == before else "FAIL", resolver, case.__name__, flush=True)


def inside(meridian, resolvers):
    for address in (*SERVERS, *RESOLVER.values(), *CLIENTS.values()):
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix="resolvers-"))
    zones, recursor = work / "zones", work / "recursor"
    zones.mkdir()
    recursor.mkdir()
    for path, text in (
        (zones / "server.yaml", SERVER),
        (zones / "regions.yaml", REGIONS),
        (zones / "api.example.com.yaml", ZONE),
        (work / "unbound.conf", UNBOUND),
        (recursor / "recursor.conf", RECURSOR),
    ):
        path.write_text(text)
    commands = {
        "unbound": ["unbound", "-d", "-c", str(work / "unbound.conf")],
        "pdns_recursor": ["pdns_recursor", f"--config-dir={recursor}", f"--socket-dir={recursor}"],
    }
    processes, failures = [], []
    try:
        processes.append(namespace.start([meridian, "serve", "--config", str(zones)], work / "meridian.log"))
        until_answered(SERVERS[0], processes[-1], work / "meridian.log")
        for resolver in resolvers:
            log = work / f"{resolver}.log"
            processes.append(namespace.start(commands[resolver], log))
            until_answered(RESOLVER[resolver], processes[-1], log)
            hold(resolver, failures)
    finally:
        for process in processes:
            process.terminate()
            process.wait()
    print("\n".join(failures))
    shutil.rmtree(work)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(namespace.run(inside, RESOLVER))
