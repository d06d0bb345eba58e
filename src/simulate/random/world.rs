//! Random worlds: the configuration of a run, and the others that it is reloaded with.
//!
//! What is drawn is valid by construction: rules contradict neither each other nor the lists. The bounds of times are
//! such that the calm at the end of a run ([`CALM`](super::trouble::CALM)) is long enough for everything to come back.

use std::fmt::Write;

use super::draw::Draw;

/// Places to be: a name, a country, and coordinates.
const PLACES: [(&str, &str, f64, f64); 10] = [
    ("tokyo", "JP", 35.7, 139.7),
    ("osaka", "JP", 34.7, 135.5),
    ("oregon", "US", 45.5, -122.7),
    ("virginia", "US", 39.0, -77.5),
    ("frankfurt", "DE", 50.1, 8.7),
    ("dublin", "IE", 53.3, -6.3),
    ("singapore", "SG", 1.3, 103.8),
    ("sydney", "AU", -33.9, 151.2),
    ("mumbai", "IN", 19.1, 72.9),
    ("saopaulo", "BR", -23.5, -46.6),
];

/// Networks of clients: a name, the network, and where it is; one is in no country, and two share a /24.
const NETWORKS: [(&str, &str, &str); 9] = [
    ("JP", "133.11.0.0/20", "country: JP, latitude: 35.7, longitude: 139.7"),
    ("US", "128.223.0.0/20", "country: US, latitude: 44.0, longitude: -123.1"),
    ("DE", "141.20.0.0/20", "country: DE, latitude: 52.5, longitude: 13.4"),
    ("IE", "134.226.0.0/20", "country: IE, latitude: 53.3, longitude: -6.3"),
    ("BR", "143.107.0.0/20", "country: BR, latitude: -23.5, longitude: -46.6"),
    ("JP6", "2001:200::/44", "country: JP, latitude: 35.7, longitude: 139.7"),
    ("nowhere", "198.18.0.0/20", ""),
    ("west", "203.5.7.0/25", "country: US, latitude: 44.0, longitude: -123.1"),
    ("east", "203.5.7.128/25", "country: DE, latitude: 52.5, longitude: 13.4"),
];

/// The groups that rules and lists may be about.
const GROUPS: [(&str, &str); 5] = [
    ("eu", "{ european_union: true }"),
    ("asia", "{ continents: [AS] }"),
    ("japan", "{ countries: [JP] }"),
    ("banks", "{ networks: [133.11.4.0/22, 141.20.8.0/24] }"),
    ("south", "{ continents: [SA], countries: [AU] }"),
];

/// The names that are steered, below the apex.
const NAMES: [&str; 2] = ["@", "bank"];

/// A configuration.
#[derive(Clone, Debug)]
pub struct World {
    /// The regions.
    pub regions: Vec<RegionPlan>,
    /// The requests per second of each client; `None`: load is of no matter.
    pub rate: Option<u64>,
    canaries: Vec<(&'static str, String)>,
    recovery: String,
    safety: String,
    names: Vec<(&'static str, String)>,
    pub has_signals: bool,
}

/// A region of a world.
#[derive(Clone, Debug)]
pub struct RegionPlan {
    /// Its name.
    pub name: &'static str,
    country: &'static str,
    location: (f64, f64),
    /// Its zones, each with its addresses.
    pub zones: Vec<(String, Vec<String>)>,
    settings: Vec<String>,
}

impl World {
    /// Draws a world.
    pub fn draw(draw: &mut Draw) -> Self {
        let count = draw.number(2..=6) as usize;
        let mut places = draw.shuffled(&PLACES);
        places.truncate(count);
        let has_load = draw.is(40);
        let canaries = canaries(draw, has_load);
        let names: Vec<&str> = canaries.iter().map(|(name, _)| *name).collect();
        let regions = places.iter().enumerate();
        let regions: Vec<RegionPlan> =
            regions.map(|(number, place)| region(draw, number, *place, &names, has_load)).collect();
        let mut world = Self {
            has_signals: names.contains(&"deep"),
            // So little that every region could serve all of them: whoever was sent away finds room at home.
            rate: has_load.then(|| draw.number(300..=600)),
            canaries,
            recovery: recovery(draw),
            safety: safety(draw, count),
            regions,
            names: Vec::new(),
        };
        world.names = NAMES.iter().map(|name| (*name, steer(draw, &world))).collect();
        world
    }

    /// Draws a world that differs from this one in some of what an operator edits.
    pub fn edited(&self, draw: &mut Draw) -> Self {
        let mut edited = self.clone();
        if draw.is(50) {
            let names: Vec<&str> = self.canaries.iter().map(|(name, _)| *name).collect();
            edited.canaries = canaries(draw, self.rate.is_some());
            edited.canaries.retain(|(name, _)| names.contains(name));
            let missing =
                self.canaries.iter().filter(|(name, _)| !edited.canaries.iter().any(|(one, _)| one == name));
            let missing: Vec<_> = missing.cloned().collect();
            edited.canaries.extend(missing);
        }
        if draw.is(40) {
            edited.recovery = recovery(draw);
        }
        if draw.is(30) && edited.regions.len() > 2 {
            let gone = draw.number(0..=edited.regions.len() as u64 - 1) as usize;
            edited.regions.remove(gone);
            edited.safety = safety(draw, edited.regions.len());
        }
        if draw.is(30) {
            let number = draw.number(0..=edited.regions.len() as u64 - 1) as usize;
            let region = &mut edited.regions[number];
            let (zone, addresses) = &mut region.zones[0];
            match addresses.len() {
                1 => addresses.push(format!("10.9.{number}.{}", zone.len())),
                _ => drop(addresses.pop()),
            }
        }
        edited.names = NAMES.iter().map(|name| (*name, steer(draw, &edited))).collect();
        edited
    }

    fn is_not_for(&self, region: &str, group: &str) -> bool {
        let says = format!("not_for: [{group}]");
        self.regions.iter().any(|one| one.name == region && one.settings.contains(&says))
    }

    /// Returns the files of the configuration directory.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        vec![
            ("server.yaml", server()),
            ("regions.yaml", self.regions_file()),
            ("api.example.com.yaml", self.zone_file()),
        ]
    }

    /// Returns what a scenario says of the clients.
    pub fn clients(&self) -> String {
        let rate = self.rate.map_or_else(String::new, |rate| format!(" rate {rate}"));
        let clients = NETWORKS.iter().map(|(name, network, _)| format!("client {name} {network}{rate}\n"));
        let names = NAMES.iter().map(|name| match *name {
            "@" => "watch api.example.com\n".to_owned(),
            name => format!("watch {name}.api.example.com\n"),
        });
        clients.chain(names).collect()
    }

    /// Returns every region, zone and address, as scenarios write them.
    pub fn targets(&self) -> Vec<String> {
        let mut targets = Vec::new();
        for region in &self.regions {
            targets.push(region.name.to_owned());
            for (zone, addresses) in &region.zones {
                targets.push(format!("{}/{zone}", region.name));
                targets.extend(addresses.iter().map(|address| format!("{}/{zone}/{address}", region.name)));
            }
        }
        targets
    }

    /// Returns what was drawn, in a line.
    pub fn options(&self) -> String {
        let regions: Vec<String> = self
            .regions
            .iter()
            .map(|region| {
                let addresses: usize = region.zones.iter().map(|(_, addresses)| addresses.len()).sum();
                format!("{} {}/{addresses}", region.name, region.zones.len())
            })
            .collect();
        let canaries: Vec<&str> = self.canaries.iter().map(|(name, _)| *name).collect();
        let rate =
            self.rate.map_or_else(|| "no load".to_owned(), |rate| format!("{rate} requests/s a client"));
        format!("{}; {}; {rate}; {}; {}", regions.join(", "), canaries.join(", "), self.recovery, self.safety)
    }

    fn regions_file(&self) -> String {
        let mut text = String::from("groups:\n");
        GROUPS.iter().for_each(|(name, members)| text += &format!("  {name}: {members}\n"));
        text += "regions:\n";
        for region in &self.regions {
            let (latitude, longitude) = region.location;
            let _ = writeln!(
                text,
                "  {}:\n    location: {{ latitude: {latitude}, longitude: {longitude} }}\n    jurisdiction: {}\n    zones:",
                region.name, region.country
            );
            for (zone, addresses) in &region.zones {
                let addresses: Vec<_> = addresses.iter().map(|address| format!("\"{address}\"")).collect();
                let _ = writeln!(text, "      {zone}: {{ addresses: [{}] }}", addresses.join(", "));
            }
            region.settings.iter().for_each(|setting| text += &format!("    {setting}\n"));
        }
        text += "canaries:\n";
        self.canaries.iter().for_each(|(name, canary)| text += &format!("  {name}: {{ {canary} }}\n"));
        text + &format!("recovery: {{ {} }}\nsafety: {{ {} }}\n", self.recovery, self.safety)
    }

    fn zone_file(&self) -> String {
        let mut text = String::from("zone: api.example.com\nnameservers: [ns1.example.net]\nnames:\n");
        self.names.iter().for_each(|(name, steer)| text += &format!("  \"{name}\":\n    steer:\n{steer}"));
        text
    }
}

fn server() -> String {
    let mut text = String::from("name: ns1\nlisten: { dns: [\"127.0.0.1:5300\"] }\ngeo:\n  networks:\n");
    let located = NETWORKS.iter().filter(|(_, _, location)| !location.is_empty());
    located.for_each(|(_, network, location)| {
        text += &format!("    - {{ network: \"{network}\", {location} }}\n");
    });
    text
}

fn region(
    draw: &mut Draw,
    number: usize,
    (name, country, latitude, longitude): (&'static str, &'static str, f64, f64),
    canaries: &[&str],
    has_load: bool,
) -> RegionPlan {
    let has_v6 = draw.is(60);
    let zones = (0..draw.number(1..=3)).map(|zone| {
        let addresses = (0..draw.number(1..=2)).flat_map(|host| {
            let v6 = has_v6.then(|| format!("2001:db8:{number}:{zone}::{}", host + 1));
            std::iter::once(format!("10.{number}.{zone}.{}", host + 1)).chain(v6)
        });
        (format!("{name}-{}", ["a", "b", "c"][zone as usize]), addresses.collect())
    });
    let zones = zones.collect();
    let mut settings = vec![format!("canaries: [{}]", canaries.join(", "))];
    if has_load {
        settings.push(format!("capacity: {}", draw.one(&[10_000, 15_000, 20_000])));
    }
    match draw.number(0..=9) {
        0 | 1 => settings.push(format!("min_healthy: {}", draw.one(&["50%", "100%"]))),
        2 => settings.push("recovery: { failback: manual }".to_owned()),
        3 => settings.push(format!("failover: {}", draw.one(&["advise", "off"]))),
        _ => {}
    }
    if draw.is(15) {
        let (group, _) = draw.one(&GROUPS);
        settings.push(format!("{}: [{group}]", draw.one(&["only_for", "not_for"])));
    }
    RegionPlan { name, country, location: (latitude, longitude), zones, settings }
}

fn canaries(draw: &mut Draw, has_load: bool) -> Vec<(&'static str, String)> {
    let mut canaries = Vec::new();
    let mut add = |draw: &mut Draw, name, check: &str| {
        let interval = *draw.one(&[10, 15, 20, 30]);
        let [timeout, recheck] = [draw.number(1..=5), draw.number(1..=5)];
        let [fall, rise] = [draw.number(1..=5), draw.number(1..=3)];
        canaries.push((
            name,
            format!(
                "{check}, interval: {interval}s, timeout: {timeout}s, recheck: {recheck}s, fall: {fall}, rise: {rise}"
            ),
        ));
    };
    let shallow = *draw.one(&[
        "http: { url: \"http://{address}:8080/health\", host: api.example.com }",
        "http: { url: \"https://{address}/health\", host: api.example.com, expect: { body: well } }",
    ]);
    add(draw, "shallow", shallow);
    if has_load || draw.is(30) {
        add(
            draw,
            "deep",
            "json: { url: \"http://{address}:8080/deep\", signals: { load: /load, error_rate: /errors, \
             p95_latency: /p95, requests: /requests } }",
        );
    }
    if draw.is(30) {
        add(draw, "tools", "advisory: 50%, http: { url: \"http://{address}:8080/tools\" }");
    }
    if draw.is(20) {
        add(
            draw,
            "chat",
            "advisory: 50%, inference: { url: \"https://{address}/chat\", host: api.example.com, \
             body: '{\"max_tokens\": 1}', first_byte: 500ms, total: 900ms }",
        );
    }
    if draw.is(20) {
        add(draw, "front", "probe: region, http: { url: \"http://front.example.net/\" }");
    }
    canaries
}

fn recovery(draw: &mut Draw) -> String {
    let min_down = draw.one(&["0s", "30s", "60s", "2m", "5m"]);
    let ramp = draw.one(&["[]", "[50%]", "[10%, 50%]", "[5%, 20%, 40%, 80%]"]);
    let hold = draw.one(&["0s", "30s", "60s", "2m"]);
    format!("min_down: {min_down}, ramp: {ramp}, hold: {hold}")
}

fn safety(draw: &mut Draw, regions: usize) -> String {
    match draw.number(0..=3) {
        0 => "min_in_service: 1".to_owned(),
        1 if regions > 2 => "min_in_service: 2".to_owned(),
        2 => "min_in_service: 50%".to_owned(),
        _ => String::new(),
    }
}

/// Draws how the regions of a name are chosen.
fn steer(draw: &mut Draw, world: &World) -> String {
    let all: Vec<&str> = world.regions.iter().map(|region| region.name).collect();
    let regions = match draw.is(70) {
        true => draw.shuffled(&all),
        false => draw.some(&all),
    };
    // Of each group the regions that its rule permits; of one without a rule all.
    let mut permitted: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut rules = String::new();
    for (group, _) in GROUPS.iter().chain(&[("unknown", "")]) {
        if !draw.is(30) {
            continue;
        }
        let (text, left) = rule(draw, world, &regions);
        rules += &format!(
            "        - {{ clients: {group}, {text}, otherwise: {} }}\n",
            draw.one(&["refuse", "nodata", "servfail"])
        );
        permitted.push((group, left));
    }
    let of_group = |group: &str| {
        let ruled = permitted.iter().find(|(one, _)| *one == group).map(|(_, left)| left.clone());
        let mut left = ruled.unwrap_or_else(|| regions.clone());
        // A list that names a region for clients whom it is not for is an error.
        left.retain(|name| !world.is_not_for(name, group));
        left
    };
    let mut text = format!("      regions: [{}]\n", regions.join(", "));
    let order = order(draw, &of_group);
    let is_by_distance = order.contains(": nearest");
    text += &order;
    if !rules.is_empty() {
        text += &format!("      residency:\n{rules}");
    }
    let unknown = draw.shuffled(&of_group("unknown"));
    if draw.is(50) && !unknown.is_empty() {
        text += &format!("      unknown_location: [{}]\n", draw.some(&unknown).join(", "));
    }
    let ttl = *draw.one(if world.rate.is_some() { &[15, 30, 60] } else { &[30, 60, 300] });
    text += &format!("      ttl: {ttl}s\n      short_ttl: {}s\n", draw.one(&[5, 10, 15]));
    text += &format!("      max_answers: {}\n", draw.number(1..=6));
    if draw.is(25) {
        text += &format!("      max_regions: {}\n", draw.number(2..=4));
    }
    if draw.is(25) {
        text += "      one_zone: true\n";
    }
    if draw.is(10) {
        text += "      failover: off\n";
    }
    if is_by_distance && draw.is(30) {
        text += &format!("      spread: {} km\n", draw.one(&[100, 1000, 4000]));
    }
    text + &format!("      all_down: {}\n", draw.one(&["fail_open", "servfail", "nodata"]))
}

/// Draws what a rule permits, and returns which of a name's regions that leaves.
fn rule<'r>(draw: &mut Draw, world: &World, regions: &[&'r str]) -> (String, Vec<&'r str>) {
    if draw.is(50) {
        let left = draw.some(regions);
        return (format!("regions: [{}]", left.join(", ")), left);
    }
    let country = draw.one(&world.regions).country;
    let is_inside = |region: &&RegionPlan| region.country == country;
    let inside: Vec<&str> = world.regions.iter().filter(is_inside).map(|region| region.name).collect();
    let left = regions.iter().filter(|region| inside.contains(*region)).copied();
    (format!("jurisdictions: [{country}]"), left.collect())
}

fn order<'r>(draw: &mut Draw, of_group: &impl Fn(&str) -> Vec<&'r str>) -> String {
    match draw.number(0..=3) {
        0 => "      order: listed\n".to_owned(),
        1 => {
            let (group, _) = draw.one(&GROUPS);
            let preferred = draw.shuffled(&of_group(group));
            if preferred.is_empty() {
                return String::new();
            }
            let otherwise = draw.one(&["nearest", "listed"]);
            format!("      order: {{ {group}: [{}], otherwise: {otherwise} }}\n", preferred.join(", "))
        }
        _ => "      order: nearest\n".to_owned(),
    }
}
