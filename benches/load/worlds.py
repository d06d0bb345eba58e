"""Where the load goes when a region is lost, beside the optimum of a linear programme.

A world is drawn from each seed: regions, cities whose demand has nothing to do with how many addresses they have, in
some a residency rule. One region is lost. `meridian simulate --json` plays that; scipy says what would have been
possible. Prints figures, and the seeds that are not as promised; judges those by the exit code.

    python3 -m venv ~/.cache/meridian-load && ~/.cache/meridian-load/bin/pip install scipy==1.17.1
    ~/.cache/meridian-load/bin/python benches/load/worlds.py target/release/meridian --worlds 500
"""

import argparse
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy
from scipy.optimize import linprog

# A name, the jurisdiction, and the coordinates.
REGIONS = [
    ("tokyo", "JP", 35.7, 139.7), ("osaka", "JP", 34.7, 135.5), ("singapore", "SG", 1.3, 103.8),
    ("mumbai", "IN", 19.1, 72.9), ("sydney", "AU", -33.9, 151.2), ("frankfurt", "DE", 50.1, 8.7),
    ("dublin", "IE", 53.3, -6.3), ("stockholm", "SE", 59.3, 18.1), ("virginia", "US", 39.0, -77.5),
    ("oregon", "US", 45.5, -122.7), ("ohio", "US", 40.0, -83.0), ("saopaulo", "BR", -23.5, -46.6),
]
# A country and the coordinates.
CITIES = [
    ("JP", 43.1, 141.4), ("JP", 35.7, 139.7), ("JP", 33.6, 130.4), ("KR", 37.6, 127.0), ("TW", 25.0, 121.6),
    ("HK", 22.3, 114.2), ("PH", 14.6, 121.0), ("VN", 10.8, 106.7), ("TH", 13.8, 100.5), ("SG", 1.4, 103.8),
    ("ID", -6.2, 106.8), ("IN", 28.6, 77.2), ("IN", 13.1, 80.3), ("AE", 25.2, 55.3), ("IL", 32.1, 34.8),
    ("TR", 41.0, 29.0), ("PL", 52.2, 21.0), ("SE", 59.3, 18.1), ("DE", 52.5, 13.4), ("DE", 48.1, 11.6),
    ("NL", 52.4, 4.9), ("FR", 48.9, 2.4), ("ES", 40.4, -3.7), ("IT", 41.9, 12.5), ("GB", 51.5, -0.1),
    ("IE", 53.3, -6.3), ("PT", 38.7, -9.1), ("NG", 6.5, 3.4), ("KE", -1.3, 36.8), ("ZA", -26.2, 28.0),
    ("US", 40.7, -74.0), ("US", 33.7, -84.4), ("US", 41.9, -87.6), ("US", 29.8, -95.4), ("US", 37.8, -122.4),
    ("US", 47.6, -122.3), ("CA", 43.7, -79.4), ("MX", 19.4, -99.1), ("CO", 4.7, -74.1), ("PE", -12.0, -77.0),
    ("CL", -33.4, -70.7), ("AR", -34.6, -58.4), ("BR", -22.9, -43.2), ("BR", -3.7, -38.5), ("AU", -37.8, 145.0),
    ("AU", -32.0, 115.9), ("NZ", -36.8, 174.8),
]
EU_REGIONS = {"DE", "IE", "SE"}
EU_CITIES = {"PL", "SE", "DE", "NL", "FR", "ES", "IT", "IE", "PT"}

SOFT, HARD, LEVELS = 0.80, 1.00, 5
# Loads are learnt for so long, and this is when what follows is over. In seconds.
LOST_AT, ENDS_AT = 12 * 60, 24 * 60
# What is promised: nothing above this for longer, and distances beside the optimum at the median and the ninth decile.
ABOVE, FOR_SECONDS, MEDIAN, NINTH = 1.01, 60, 1.10, 1.30


class World:
    """What is drawn from a seed: regions with capacities, cities with rates, and what is lost, and how."""

    def __init__(self, seed):
        self.seed = seed
        draw = random.Random(seed)
        self.regions = draw.sample(REGIONS, draw.randint(3, 8))
        self.cities = [
            (f"c{number}", country, latitude + draw.uniform(-2, 2), longitude + draw.uniform(-2, 2))
            for number, (country, latitude, longitude) in enumerate(draw.sample(CITIES, draw.randint(16, 36)))
        ]
        self.has_rule = draw.random() < 0.4 and any(region[1] in EU_REGIONS for region in self.regions)
        self.rates = numpy.array([math.exp(draw.gauss(7.0, 1.0)) for _ in self.cities])
        self.km = numpy.array([[distance(city, region) for region in self.regions] for city in self.cities])
        self.permitted = numpy.array(
            [[self.may(city, region) for region in self.regions] for city in self.cities]
        )
        self.home = numpy.where(self.permitted, self.km, numpy.inf).argmin(axis=1)
        at_home = numpy.array([self.rates[self.home == index].sum() for index in range(len(self.regions))])
        fills = numpy.array([draw.uniform(0.30, 0.78) for _ in self.regions])
        # One without clients of its own is as large as the smallest that has some.
        least = min(rate / fill for rate, fill in zip(at_home, fills) if rate > 0)
        self.capacities = numpy.array(
            [max(100, round(rate / fill if rate > 0 else least)) for rate, fill in zip(at_home, fills)]
        )
        self.lost = draw.choice([index for index, rate in enumerate(at_home) if rate > 0])
        self.fault = draw.choice(["refuse", "timeout"])

    def may(self, city, region):
        return not (self.has_rule and city[1] in EU_CITIES) or region[1] in EU_REGIONS

    def write(self, directory):
        networks = "".join(
            f"    - {{ network: {network(number)}, country: {country}, latitude: {latitude:.3f}, longitude: {longitude:.3f} }}\n"
            for number, (_, country, latitude, longitude) in enumerate(self.cities)
        )
        files = {
            "server.yaml": f'name: ns1\nlisten: {{ dns: ["127.0.0.1:5300"] }}\ngeo:\n  networks:\n{networks}',
            "regions.yaml": self.regions_file(),
            "api.example.com.yaml": self.zone_file(),
        }
        zones = directory / "zones"
        zones.mkdir()
        for name, text in files.items():
            (zones / name).write_text(text)
        clients = "".join(
            f"client {name} {network(number)} rate {rate:.0f}\n"
            for number, ((name, *_), rate) in enumerate(zip(self.cities, self.rates))
        )
        lost = self.regions[self.lost][0]
        (directory / "world.scenario").write_text(
            f"config zones\nseed {self.seed}\n{clients}watch api.example.com\n"
            f"at {LOST_AT}s {lost} {self.fault}\nuntil {ENDS_AT}s\n"
        )
        return directory / "world.scenario"

    def regions_file(self):
        text = "regions:\n"
        for number, ((name, country, latitude, longitude), capacity) in enumerate(zip(self.regions, self.capacities)):
            text += (
                f"  {name}:\n    location: {{ latitude: {latitude}, longitude: {longitude} }}\n"
                f"    jurisdiction: {country}\n    capacity: {capacity}\n    canaries: [deep]\n"
                f"    zones: {{ a: {{ addresses: [10.{number}.1.1] }}, b: {{ addresses: [10.{number}.2.1] }} }}\n"
            )
        return text + (
            'canaries:\n  deep:\n    json: { url: "http://{address}:8080/deep", signals: { load: /load } }\n'
            "    interval: 10s\n    timeout: 2s\n    recheck: 2s\n    fall: 3\n    rise: 3\n"
        )

    def zone_file(self):
        names = ", ".join(region[0] for region in self.regions)
        eu = ", ".join(sorted({region[1] for region in self.regions} & EU_REGIONS))
        rule = f"      residency:\n        - {{ clients: eu, jurisdictions: [{eu}], otherwise: refuse }}\n"
        return (
            "zone: api.example.com\nnameservers: [ns1.example.net]\ngroups:\n  eu: { european_union: true }\nnames:\n"
            f'  "@":\n    steer:\n      regions: [{names}]\n      order: nearest\n      ttl: 30s\n      short_ttl: 10s\n'
            + (rule if self.has_rule else "")
        )

    def optimum(self, limit, moves_all=True):
        """The least requests times kilometres with no survivor above the limit; None: there is no way.

        With `moves_all` clients of the survivors may make room for those of the lost region; Meridian leaves them
        where they are."""
        pairs = [
            (city, region)
            for city in range(len(self.cities))
            for region in range(len(self.regions))
            if self.permitted[city][region] and region != self.lost
            and (moves_all or self.home[city] in (self.lost, region))
        ]
        costs = [self.rates[city] * self.km[city][region] for city, region in pairs]
        whole = numpy.zeros((len(self.cities), len(pairs)))
        full = numpy.zeros((len(self.regions), len(pairs)))
        for column, (city, region) in enumerate(pairs):
            whole[city][column] = 1
            full[region][column] = self.rates[city]
        found = linprog(
            costs, A_ub=full, b_ub=self.capacities * limit, A_eq=whole, b_eq=numpy.ones(len(self.cities)), bounds=(0, 1)
        )
        return found.fun if found.success else None


def distance(city, region):
    """Kilometres on the great circle, as `meridian` measures them."""
    one, other = (math.radians(place) for place in (city[2], region[2]))
    across = math.radians(region[3] - city[3])
    half = math.sin((other - one) / 2) ** 2 + math.cos(one) * math.cos(other) * math.sin(across / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(half))


def network(number):
    return f"133.{number}.0.0/16"


class Outcome:
    """What became of a world."""

    def __init__(self, binary, seed):
        self.world = World(seed)
        with tempfile.TemporaryDirectory() as directory:
            scenario = self.world.write(pathlib.Path(directory))
            played = subprocess.run(
                [binary, "simulate", scenario, "--json"], capture_output=True, text=True, timeout=600, check=False
            )
        if played.returncode > 1 or not played.stdout:
            sys.exit(f"seed {seed}: {played.stderr.strip()}")
        self.lines = [json.loads(line) for line in played.stdout.splitlines()]
        self.has_way = self.world.optimum(HARD) is not None
        self.longest, self.highest = self.above()

    def above(self):
        """For how long a survivor stood above, and the highest load of one."""
        longest, highest, since = 0.0, 0.0, {}
        for line in self.lines:
            if line["what"] != "load" or line["at_seconds"] < LOST_AT:
                continue
            for region, load in line["loads"].items():
                if region == self.world.regions[self.world.lost][0]:
                    continue
                highest = max(highest, load)
                if load <= ABOVE * HARD:
                    since.pop(region, None)
                else:
                    longest = max(longest, line["at_seconds"] - since.setdefault(region, line["at_seconds"]))
        return longest, highest

    def added(self):
        """The kilometres that are added for all requests; those of the optimum at the lowest limit at which there is one,
        when clients of the survivors stay, and when they may make room; and the latter up to hard."""
        world = self.world
        moved = (line for line in self.lines if line["what"] == "moved" and "IPv4" in line["families"])
        shares = {line["client"]: line["regions"] for line in moved}
        index = {region[0]: number for number, region in enumerate(world.regions)}
        at_home = sum(rate * km[home] for rate, km, home in zip(world.rates, world.km, world.home))
        total = sum(
            rate * share * km[index[region]]
            for (name, *_), rate, km in zip(world.cities, world.rates, world.km)
            for region, share in shares[name].items()
        )

        def lowest(moves_all):
            limits = (SOFT + (HARD - SOFT) * level / LEVELS for level in range(LEVELS + 1))
            found = (world.optimum(limit, moves_all) for limit in limits)
            return next((best - at_home for best in found if best is not None), None)

        return total - at_home, lowest(False), lowest(True), world.optimum(HARD) - at_home


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", help="the meridian to ask")
    arguments.add_argument("--worlds", type=int, default=500)
    arguments.add_argument("--first", type=int, default=1, help="the first seed")
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--keep", metavar="DIR", help="write the worlds that break a promise here")
    options = arguments.parse_args()
    seeds = range(options.first, options.first + options.worlds)
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda seed: Outcome(options.binary, seed), seeds))
    possible = [outcome for outcome in outcomes if outcome.has_way]
    broken = [outcome for outcome in possible if outcome.longest > FOR_SECONDS]
    for outcome in broken:
        world = outcome.world
        print(
            f"seed {world.seed}: {world.regions[world.lost][0]} lost ({world.fault}), a survivor above {ABOVE:.0%} of hard"
            f" for {outcome.longest:.0f} s, at most {outcome.highest:.1%}{', with a rule' if world.has_rule else ''}"
        )
        if options.keep:
            directory = pathlib.Path(options.keep) / str(world.seed)
            directory.mkdir(parents=True)
            world.write(directory)
    added = [outcome.added() for outcome in possible]

    def beside(which):
        ratios = [outcome[0] / outcome[which] for outcome in added if outcome[which] and outcome[which] > 1]
        return [numpy.quantile(ratios, part) for part in (0.5, 0.9)]

    (median, ninth), with_others, up_to_hard = (beside(which) for which in (1, 2, 3))
    print(f"worlds                {len(outcomes)}, {len(possible)} with a way below hard")
    print(f"above {ABOVE:.0%} for {FOR_SECONDS} s   {len(broken)} (promised: none)")
    print(f"above {ABOVE:.0%} at all     {sum(outcome.longest > 0 for outcome in possible)}")
    print(f"highest load          {max(outcome.highest for outcome in possible):.1%}")
    print(f"added distance        {median:.3f} of the optimum at the median (promised {MEDIAN}), {ninth:.3f} at p90 ({NINTH})")
    print("  if clients of survivors made room   {:.3f} at the median, {:.3f} at p90".format(*with_others))
    print("  and all were filled up to hard      {:.3f} at the median, {:.3f} at p90".format(*up_to_hard))
    sys.exit(1 if broken or median > MEDIAN or ninth > NINTH else 0)


if __name__ == "__main__":
    main()
