//! `meridian status --all`: what instances that answer for the same zones have in common, and what differs.
//!
//! Whatever clients or operators could notice is a subject with one value for each instance; instances differ where values
//! do. Their clocks are compared over the time that the question took: what is within it is no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::exit::FAILURE;
use super::output;
use super::reading::{self, PrintForm};
use super::server::{Instance, InstanceReply, ask_all};
use crate::admin::api::{
    InstanceAnswer, InstanceDifference, InstanceFacts, InstanceStatus, InstanceValue, InstancesComparison,
    IntentList, routes,
};

/// How far clocks may be apart beyond the time that the question took: no one reads times of events to the second.
const CLOCK_TOLERANCE: f64 = 2.0;

/// How many characters of a digest are shown: enough to tell them apart.
const SHOWN: usize = 12;

/// Compares instances, and prints first what differs. Exits with 1 when one did not answer, and if `is_check` when
/// something differs.
pub fn run(instances: &[Instance], form: PrintForm, is_check: bool) -> ExitCode {
    let replies = ask_all(instances, look);
    let comparison = compare(&replies);
    match form {
        PrintForm::Json => output::json(&comparison),
        PrintForm::Text => output::text(written(&comparison)),
    }
    let code = reading::judge(&replies);
    match is_check && !comparison.differences.is_empty() {
        true => ExitCode::from(FAILURE),
        false => code,
    }
}

fn look(instance: &Instance) -> anyhow::Result<InstanceFacts> {
    let (wall, start) = (SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), Instant::now());
    let status = instance.look(&routes::STATUS)?;
    let took = start.elapsed();
    let intents = instance.look(&routes::INTENTS)?;
    Ok(facts(status, intents, wall, took))
}

/// Takes what is compared out of a status that was asked for when the clock here showed `wall`.
fn facts(status: InstanceStatus, intents: IntentList, wall: Duration, took: Duration) -> InstanceFacts {
    let half = took.as_secs_f64() / 2.0;
    let intents = intents.intents.into_iter().map(|intent| (intent.intent, intent.state));
    InstanceFacts {
        server: status.server,
        version: status.version,
        clock_ahead_seconds: status.now.0.0 as f64 / 1000.0 - (wall.as_secs_f64() + half),
        clock_error_seconds: half,
        files: status.configuration.files,
        problems: status.configuration.problems,
        database_sha256: status.geo.sha256,
        asn_sha256: status.geo.asn_sha256,
        networks_sha256: status.geo.networks_sha256,
        database_built_at: status.geo.built_at,
        answers: status.answers,
        intents: intents.collect(),
    }
}

fn compare(replies: &[InstanceReply<InstanceFacts>]) -> InstancesComparison {
    let known: Vec<(&str, &InstanceFacts)> =
        replies.iter().filter_map(|reply| Some((&reply.address[..], reply.answer.as_ref().ok()?))).collect();
    let of = |(address, facts): &(&str, &InstanceFacts)| ((*address).to_owned(), subjects(facts));
    let values: Vec<(String, BTreeMap<ComparedSubject, String>)> = known.iter().map(of).collect();
    let all: BTreeSet<&ComparedSubject> = values.iter().flat_map(|(_, subjects)| subjects.keys()).collect();
    let mut differences: Vec<_> = names(&known).into_iter().chain(clocks(&known)).collect();
    for subject in all {
        let value = |(address, subjects): &(String, BTreeMap<ComparedSubject, String>)| InstanceValue {
            instance: address.clone(),
            value: subjects.get(subject).cloned(),
        };
        let values: Vec<_> = values.iter().map(value).collect();
        if values.iter().any(|one| one.value != values[0].value) {
            differences.push(InstanceDifference { subject: subject.text(), values });
        }
    }
    let instances = replies.iter().map(|InstanceReply { address, answer }| InstanceAnswer {
        instance: address.clone(),
        answer: answer.as_ref().ok().cloned(),
        error: answer.as_ref().err().map(|error| format!("{error:#}")),
    });
    InstancesComparison { differences, instances: instances.collect() }
}

/// What all instances should have alike, in the order in which differences are told: causes before what follows of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ComparedSubject {
    Version,
    File(String),
    Refusal,
    Database,
    AsnDatabase,
    Networks,
    Intent(String),
    Answers(String),
}

impl ComparedSubject {
    fn text(&self) -> String {
        match self {
            Self::Version => "version".to_owned(),
            Self::File(name) => format!("configuration, {name}"),
            Self::Refusal => "configuration that is refused".to_owned(),
            Self::Database => "database".to_owned(),
            Self::AsnDatabase => "ASN database".to_owned(),
            Self::Networks => "geo.networks in server.yaml".to_owned(),
            Self::Intent(words) => format!("intent, {words}"),
            Self::Answers(name) => format!("answers of {name}"),
        }
    }
}

fn subjects(facts: &InstanceFacts) -> BTreeMap<ComparedSubject, String> {
    let built_at = |sha256: &String| match facts.database_built_at {
        Some(built_at) => format!("{}, built at {built_at}", short(sha256)),
        None => short(sha256).to_owned(),
    };
    let files = facts
        .files
        .iter()
        .map(|file| (ComparedSubject::File(file.name.clone()), short(&file.sha256).to_owned()));
    let answers = facts
        .answers
        .iter()
        .map(|name| (ComparedSubject::Answers(name.name.clone()), short(&name.sha256).to_owned()));
    let intents =
        facts.intents.iter().map(|(words, state)| (ComparedSubject::Intent(words.clone()), state.clone()));
    [(ComparedSubject::Version, facts.version.clone())]
        .into_iter()
        .chain(files)
        .chain(facts.problems.first().map(|problem| (ComparedSubject::Refusal, problem.clone())))
        .chain(facts.database_sha256.as_ref().map(|sha256| (ComparedSubject::Database, built_at(sha256))))
        .chain(
            facts.asn_sha256.as_ref().map(|sha256| (ComparedSubject::AsnDatabase, short(sha256).to_owned())),
        )
        .chain(
            facts
                .networks_sha256
                .as_ref()
                .map(|sha256| (ComparedSubject::Networks, short(sha256).to_owned())),
        )
        .chain(intents)
        .chain(answers)
        .collect()
}

fn short(sha256: &str) -> &str {
    sha256.get(..SHOWN).unwrap_or(sha256)
}

/// Finds instances that have one name: their events and metrics cannot be told apart.
fn names(known: &[(&str, &InstanceFacts)]) -> Option<InstanceDifference> {
    let is_repeated = |name: &str| known.iter().filter(|(_, facts)| facts.server == name).count() > 1;
    let alike = known.iter().filter(|(_, facts)| is_repeated(&facts.server));
    let value = |(address, facts): &(&str, &InstanceFacts)| InstanceValue {
        instance: (*address).to_owned(),
        value: Some(facts.server.clone()),
    };
    let values: Vec<_> = alike.map(value).collect();
    let subject = "name, which should be each instance's own".to_owned();
    (!values.is_empty()).then_some(InstanceDifference { subject, values })
}

/// Finds clocks that are apart by more than the questions took.
fn clocks(known: &[(&str, &InstanceFacts)]) -> Option<InstanceDifference> {
    let latest = known.iter().map(|(_, facts)| facts.clock_ahead_seconds - facts.clock_error_seconds);
    let earliest = known.iter().map(|(_, facts)| facts.clock_ahead_seconds + facts.clock_error_seconds);
    let apart = latest.max_by(f64::total_cmp)? - earliest.min_by(f64::total_cmp)?;
    let value = |(address, facts): &(&str, &InstanceFacts)| InstanceValue {
        instance: (*address).to_owned(),
        value: Some(format!("{} from the clock here", clock(facts))),
    };
    (apart > CLOCK_TOLERANCE).then(|| InstanceDifference {
        subject: "clock".to_owned(),
        values: known.iter().map(value).collect(),
    })
}

fn clock(facts: &InstanceFacts) -> String {
    format!("{:+.2} s ±{:.2} s", facts.clock_ahead_seconds, facts.clock_error_seconds)
}

fn written(comparison: &InstancesComparison) -> String {
    let InstancesComparison { differences, instances } = comparison;
    let answered = instances.iter().filter(|instance| instance.answer.is_some()).count();
    let mut lines = vec![match (differences.is_empty(), answered) {
        (false, _) => "THE INSTANCES DIFFER".to_owned(),
        (true, 0 | 1) => "nothing to compare".to_owned(),
        (true, count) => format!("{count} instances are alike"),
    }];
    for InstanceDifference { subject, values } in differences {
        lines.push(format!("\n{subject}"));
        let none = || "none".to_owned();
        lines.extend(
            values
                .iter()
                .map(|one| format!("  {}  {}", one.instance, one.value.clone().unwrap_or_else(none))),
        );
    }
    for InstanceAnswer { instance, answer, .. } in instances {
        lines.push(format!("\ninstance       {instance}"));
        let Some(facts) = answer else {
            lines.push("               does not answer: nothing is known of it".to_owned());
            continue;
        };
        let database = facts.database_sha256.as_deref().map_or("none", short);
        lines.push(format!("name           {}", facts.server));
        lines.push(format!("version        {}", facts.version));
        lines.push(format!("clock          {}", clock(facts)));
        lines.push(format!("configuration  {} files besides server.yaml", facts.files.len()));
        lines.push(format!("database       {database}"));
        lines.push(format!("steered names  {}", facts.answers.len()));
        lines.push(format!("intents        {}", facts.intents.len()));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::api::{FileDigest, NameAnswers};

    fn instance(name: &str) -> InstanceFacts {
        InstanceFacts {
            server: name.to_owned(),
            version: "0.1.0".to_owned(),
            clock_ahead_seconds: 0.0,
            clock_error_seconds: 0.1,
            files: vec![FileDigest { name: "regions.yaml".to_owned(), sha256: "ab".repeat(32) }],
            problems: Vec::new(),
            database_sha256: None,
            asn_sha256: None,
            networks_sha256: None,
            database_built_at: None,
            answers: vec![NameAnswers { name: "a.example.".to_owned(), sha256: "cd".repeat(32) }],
            intents: BTreeMap::from([("drain tokyo".to_owned(), "standing".to_owned())]),
        }
    }

    /// Compares an instance with another, and returns the subjects that differ.
    fn check(other: InstanceFacts, expected: &[&str]) {
        let reply = |address: &str, facts| InstanceReply { address: address.to_owned(), answer: Ok(facts) };
        let comparison = compare(&[reply("a:1", instance("ns1")), reply("b:1", other)]);
        let subjects: Vec<_> = comparison.differences.iter().map(|one| one.subject.as_str()).collect();
        assert_eq!(subjects, expected);
    }

    #[test]
    fn instances_that_differ_in_their_names_only_are_alike() {
        check(instance("ns2"), &[]);
        check(instance("ns1"), &["name, which should be each instance's own"]);
    }

    #[test]
    fn whatever_clients_or_operators_could_notice_is_a_difference() {
        let other = || instance("ns2");
        check(InstanceFacts { version: "0.2.0".to_owned(), ..other() }, &["version"]);
        check(InstanceFacts { files: Vec::new(), ..other() }, &["configuration, regions.yaml"]);
        check(InstanceFacts { database_sha256: Some("ef".repeat(32)), ..other() }, &["database"]);
        check(InstanceFacts { asn_sha256: Some("ef".repeat(32)), ..other() }, &["ASN database"]);
        check(
            InstanceFacts { networks_sha256: Some("ef".repeat(32)), ..other() },
            &["geo.networks in server.yaml"],
        );
        check(InstanceFacts { intents: BTreeMap::new(), ..other() }, &["intent, drain tokyo"]);
        check(InstanceFacts { answers: Vec::new(), ..other() }, &["answers of a.example."]);
        check(
            InstanceFacts { problems: vec!["a.yaml:1".to_owned()], ..other() },
            &["configuration that is refused"],
        );
    }

    #[test]
    fn clocks_differ_beyond_the_time_that_asking_took() {
        let other = |ahead, error| InstanceFacts {
            clock_ahead_seconds: ahead,
            clock_error_seconds: error,
            ..instance("ns2")
        };
        check(other(-3600.0, 0.1), &["clock"]);
        check(other(5.0, 0.1), &["clock"]);
        check(other(5.0, 4.0), &[]);
        check(other(1.5, 0.0), &[]);
    }

    #[test]
    fn an_instance_that_does_not_answer_is_listed() {
        let silent = InstanceReply { address: "b:1".to_owned(), answer: Err(anyhow::anyhow!("refused")) };
        let seen = InstanceReply { address: "a:1".to_owned(), answer: Ok(instance("ns1")) };
        let text = written(&compare(&[seen, silent]));
        assert!(text.starts_with("nothing to compare\n\ninstance       a:1\nname           ns1\n"), "{text}");
        assert!(
            text.ends_with("instance       b:1\n               does not answer: nothing is known of it\n"),
            "{text}"
        );
    }
}
