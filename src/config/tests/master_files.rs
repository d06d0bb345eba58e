//! Rules about master files.

use super::*;

/// Compiles a zone `example.com` with these master files, `z.zone` being the first; the text of the YAML file
/// follows the two lines.
fn compile_files(masters: &[(&str, &[u8])], more: &str) -> Result<Compiled, Problems> {
    let zone = format!("zone: example.com\nfile: z.zone\n{more}");
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", ZONE), ("b.yaml", &zone)];
    let files = files.map(|(name, text)| SourceFile::new(name, text)).into_iter();
    let masters = masters.iter().map(|(name, octets)| SourceFile::new(*name, *octets));
    compile(&SourceFiles::new("", files.chain(masters).collect()))
}

/// Checks a zone `example.com` with a master file; the text of the YAML file follows the two lines.
fn check_file(master: &str, more: &str, expected: &[&str]) {
    let found = match compile_files(&[("z.zone", master.as_bytes())], more) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let lines = found
        .list
        .iter()
        .map(|problem| format!("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message));
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{master}");
}

#[test]
fn a_master_file_makes_a_whole_zone_and_names_add_to_it() {
    check_file(
        "@ SOA a. b. 1 2 3 4 5\n@ NS a.b.\nwww A 192.0.2.1\n",
        "names: { x: { steer: { regions: tokyo } } }\n",
        &[],
    );
    check_file("@ NS a.b.\n", "", &[]);
}

#[test]
fn what_is_said_in_both_files_is_refused() {
    check_file(
        "@ SOA a. b. 1 2 3 4 5\n@ NS a.b.\nwww A 192.0.2.1\n",
        "nameservers: a.b\nsoa: { serial: 1 }\nnames: { www: { A: 192.0.2.2 } }\n",
        &[
            "b.yaml:3:14: `example.com.` already has NS records",
            "b.yaml:4:6: the zone already has a SOA record",
            "b.yaml:5:17: `www.example.com.` already has A records",
        ],
    );
}

#[test]
fn problems_in_a_master_file_have_its_lines() {
    check_file(
        "@ NS a.b.\nwww A 192.0.2\n$INCLUDE x\nb.example.net. A 192.0.2.1\n",
        "",
        &[
            "z.zone:2:7: `192.0.2` is not an IPv4 address",
            "z.zone:3:10: there is no file `x` in the configuration directory",
            "z.zone:4:1: name `b.example.net.` is outside of the zone `example.com.`",
        ],
    );
}

#[test]
fn different_ttls_and_repeated_records_are_warnings() {
    check_file(
        "@ NS a.b.\nw 60 A 192.0.2.1\nw 30 A 192.0.2.2\nw 30 A 192.0.2.1\n",
        "",
        &[
            "z.zone:3:1: the records of one name and type have different TTLs",
            "z.zone:4:1: this record occurs twice",
        ],
    );
}

#[test]
fn a_file_that_is_not_there_is_reported() {
    check(
        "b.yaml",
        "zone: example.com\nnameservers: a.b\nfile: x.zone\n",
        &["b.yaml:3:7: there is no file `x.zone` in the configuration directory"],
    );
}

/// Checks the TTLs of the records of a zone, each as `owner type ttl`.
fn check_ttls(master: &str, more: &str, expected: &[&str]) {
    let compiled = compile_files(&[("z.zone", master.as_bytes())], more).expect("it is right");
    let zones = &compiled.config.zones;
    let zone = zones.iter().find(|zone| zone.apex.to_string() == "example.com.").expect("it is there");
    let sets = zone.nodes.iter().flat_map(|(owner, node)| node.rrsets.iter().map(move |set| (owner, set)));
    let lines = sets.map(|(owner, set)| format!("{owner} {} {}", set.rtype, set.ttl.seconds()));
    assert_eq!(lines.collect::<Vec<_>>(), expected, "\n{master}");
}

#[test]
fn a_master_file_without_ttl_gets_the_last_field_of_its_soa_and_not_an_hour() {
    let file = "@ SOA a.b. c.d. 1 2 3 4 77\n@ NS a.b.\nwww A 192.0.2.1\n";
    check_ttls(file, "", &["example.com. SOA 77", "example.com. NS 77", "www.example.com. A 77"]);
    check_ttls(file, "ttl: 5m\n", &["example.com. SOA 300", "example.com. NS 300", "www.example.com. A 300"]);
    let file = file.replace("SOA", "99 SOA");
    check_ttls(&file, "", &["example.com. SOA 99", "example.com. NS 99", "www.example.com. A 99"]);
}

#[test]
fn a_ttl_that_is_too_long_or_has_a_wrong_unit_is_not_called_a_record_type() {
    check_file(
        "@ NS a.b.\nwww 2147483648 IN A 192.0.2.1\nw 1x A 192.0.2.1\nv 99999999999 A 192.0.2.1\n",
        "",
        &[
            "z.zone:2:5: `2147483648` is longer than a TTL can be",
            "z.zone:3:3: `1x` is not a TTL",
            "z.zone:4:3: `99999999999` is longer than a TTL can be",
        ],
    );
}

#[test]
fn signatures_in_a_master_file_are_not_answered_with_a_way_to_write_them() {
    check_file(
        "@ NS a.b.\ns RRSIG A 13 3 3600 20300101000000 20200101000000 1 zf.test. bm90\ns NSEC t A\n",
        "",
        &[
            "z.zone:2:3: RRSIG records are made by the server that signs the zone",
            "z.zone:3:3: NSEC records are made by the server that signs the zone",
        ],
    );
}

#[test]
fn latin_1_in_a_comment_or_a_text_is_read_as_the_octets_that_it_is() {
    let compiled =
        compile_files(&[("z.zone", b"@ NS a.b. ; caf\xe9\nt TXT caf\xe9\xa0x\n")], "").expect("it is read");
    let zone = compiled.config.zones.iter().find(|zone| zone.apex.to_string() == "example.com.");
    let mut sets = zone.expect("it is there").nodes.values().flat_map(|node| &node.rrsets);
    let text = sets.find(|set| set.rtype == crate::zone::RecordType::TXT).expect("it is there");
    let crate::zone::RData::TXT(text) = &text.rdata[0] else { panic!("a text") };
    assert_eq!(&*text.txt_data[0], b"caf\xe9\xa0x");
}

#[test]
fn a_master_file_that_cannot_be_read_is_not_said_to_lack_name_servers_as_well() {
    let zone = "zone: example.com\nfile: z.zone\n";
    let unreadable = Some("is larger than 256 MiB".to_owned());
    let files = [("server.yaml", SERVER), ("regions.yaml", REGIONS), ("a.yaml", ZONE), ("b.yaml", zone)];
    let files = files.map(|(name, text)| SourceFile::new(name, text)).into_iter();
    let large = SourceFile { unreadable, ..SourceFile::new("z.zone", "") };
    let problems =
        compile(&SourceFiles::new("", files.chain([large]).collect())).expect_err("it is too large");
    let messages: Vec<_> = problems.list.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(messages, ["file `z.zone` is larger than 256 MiB"]);
}

/// Checks what is found in these master files, each as `file:line:column: message`.
fn check_included(masters: &[(&str, &str)], expected: &[&str]) {
    let masters: Vec<_> = masters.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let problems = match compile_files(&masters, "") {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let lines = problems
        .list
        .iter()
        .map(|problem| format!("{}:{}:{}: {}", problem.file, problem.line, problem.column, problem.message));
    assert_eq!(lines.collect::<Vec<_>>(), expected);
}

#[test]
fn an_included_file_has_its_own_origin_and_its_own_lines() {
    let masters: [(&str, &[u8]); 2] = [
        ("z.zone", b"$TTL 60\n@ NS a.b.\n$INCLUDE sub/hosts.zone sub\n TXT after\n"),
        ("sub/hosts.zone", b"h A 192.0.2.1\n$ORIGIN deeper\n$TTL 5\nd A 192.0.2.2\n"),
    ];
    let compiled = compile_files(&masters, "").expect("it is right");
    let zone = compiled.config.zones.iter().find(|zone| zone.apex.to_string() == "example.com.");
    let nodes = &zone.expect("it is there").nodes;
    let names: Vec<_> = nodes.iter().map(|(name, node)| format!("{name} {}", node.rrsets.len())).collect();
    // The origin and the owner before count again; `$TTL` stays what it became, as in BIND.
    assert_eq!(names, ["example.com. 3", "d.deeper.sub.example.com. 1", "h.sub.example.com. 1"]);
    check_included(
        &[("z.zone", "@ NS a.b.\n$INCLUDE sub/x\n"), ("sub/x", "h A 192.0.2\n")],
        &["sub/x:1:5: `192.0.2` is not an IPv4 address"],
    );
}

#[test]
fn no_include_leads_out_of_the_directory_or_into_itself() {
    check_included(
        &[
            ("z.zone", "@ NS a.b.\n$INCLUDE ../x\n$INCLUDE /etc/passwd\n$INCLUDE ./one\n"),
            ("one", "$INCLUDE z.zone\n"),
        ],
        &[
            "one:1:10: `z.zone` includes itself",
            "z.zone:2:10: `../x` leads out of the configuration directory",
            "z.zone:3:10: `/etc/passwd` leads out of the configuration directory",
        ],
    );
    let names: Vec<String> =
        (0..11).map(|index| if index == 0 { "z.zone".to_owned() } else { format!("f{index}") }).collect();
    let texts: Vec<String> =
        (1..=11).map(|next| format!("@ NS a.b.\n$INCLUDE f{next}\n").replace("f11", "f10")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let files = &files[..];
    let found =
        compile_files(&files.iter().map(|(name, text)| (*name, text.as_bytes())).collect::<Vec<_>>(), "");
    let problems = found.expect_err("they are too deep");
    assert_eq!(problems.list[0].message, "more than 10 files within each other");
}

#[test]
fn generated_records_are_counted_and_a_mistake_is_reported_once() {
    check_file(
        "@ NS a.b.\n$GENERATE 1-300 h$ A 192.0.2.$\n$GENERATE 1-2 x ${z} A 192.0.2.1\n$GENERATE 0-1048576 y$ A 192.0.2.1\n$GENERATE 1 x$ A 192.0.2.1\n$GENERATE 1-2\n",
        "",
        &[
            "z.zone:2:22: `192.0.2.256` is not an IPv4 address",
            "z.zone:3:17: `${z}` is not a record type",
            "z.zone:4:1: the zone generates more than 1048576 records",
            "z.zone:5:11: `1` is not a range",
            "z.zone:6:1: `$GENERATE` takes a range and a record",
        ],
    );
}

#[test]
fn an_address_where_a_name_belongs_gets_no_hint_to_add_a_dot() {
    check_file(
        "@ NS a.b.\n@ MX 10 192.0.2.25\ns SRV 1 2 3 192.0.2.25.\n",
        "",
        &[
            "z.zone:2:9: the MX record points at `192.0.2.25`: an address, where a name belongs",
            "z.zone:3:13: the SRV record points at `192.0.2.25`: an address, where a name belongs",
        ],
    );
}

#[test]
fn a_mailbox_with_a_dot_in_it_is_no_host_that_is_missing() {
    check_file("@ SOA a. john\\.doe 1 2 3 4 5\n@ NS a.b.\n@ RP john\\.doe .\n", "", &[]);
}

#[test]
fn a_name_server_that_cannot_be_read_is_not_called_missing() {
    check_file(
        "@ NS ns1..example.net.\n",
        "",
        &["z.zone:1:6: `ns1..example.net.` is not a name: there is nothing between two dots"],
    );
}

#[test]
fn an_owner_that_repeats_the_zone_is_found_once() {
    check_file(
        "@ NS a.b.\nwww.Example.com A 192.0.2.1\n AAAA ::1\nexample.com TXT x\nnotexample.com TXT x\n",
        "names: { x.example.com: { TXT: y } }\n",
        &[
            "b.yaml:3:10: `x.example.com` means `x.example.com.example.com.`, which repeats the zone",
            "z.zone:2:1: `www.Example.com` means `www.Example.com.example.com.`, which repeats the zone",
            "z.zone:4:1: `example.com` means `example.com.example.com.`, which repeats the zone",
        ],
    );
}

#[test]
fn a_set_that_no_client_can_get_over_tcp_is_refused() {
    let file = |count: usize| {
        let record = |number: usize| format!("big A 10.{}.{}.1\n", number / 250, number % 250);
        (0..count).map(record).fold("@ NS a.b.\n".to_owned(), |file, record| file + &record)
    };
    let refused = "z.zone:2:1: the A records of `big.example.com.` do not fit into a message";
    check_file(&file(4000), "", &[]);
    check_file(&file(4100), "", &[refused]);
    check_file(&file(6000), "", &[refused]);
}
