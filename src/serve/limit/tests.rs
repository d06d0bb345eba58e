//! What floods are answered with, by a written clock.

use proptest::prelude::*;

use super::*;
use crate::answer::NodeId;
use crate::event::FloodSighting;

/// The octets of a query with EDNS for a short name, and of its answer.
const OCTETS: [usize; 2] = [44, 76];

fn limiter(change: impl FnOnce(&mut RateLimit)) -> Limiter {
    let mut limits = RateLimit::default();
    change(&mut limits);
    Limiter::new(Some(&limits), [7; 16])
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn reply(client: &str, subject: ReplySubject) -> ReplyCost {
    ReplyCost { client: ip(client), subject, octets: OCTETS }
}

fn of_name(number: u32) -> ReplySubject {
    ReplySubject::Name(Some(NodeId::of(number)))
}

/// Returns how many of so many replies a second, over so many seconds, are sent.
fn sent(limiter: &Limiter, per_second: u64, seconds: u64, reply: impl Fn(u64) -> ReplyCost) -> usize {
    let all = 0..per_second * seconds;
    let at = |number: u64| Moment(1_000_000 + number * 1000 / per_second);
    all.filter(|number| limiter.judge(&reply(*number), at(*number)).verdict == LimitVerdict::Send).count()
}

#[test]
fn each_kind_of_reply_has_its_own_rate_after_a_burst_of_a_second() {
    let much = |limits: &mut RateLimit| limits.excess = 1_000_000;
    for (subject, rate) in [(of_name(1), 300), (ReplySubject::Absence(0), 100), (ReplySubject::Error, 100)] {
        let count = sent(&limiter(much), 2000, 10, |_| reply("192.0.2.1", subject));
        assert!((11 * rate - 10..=11 * rate).contains(&count), "{subject:?}: {count}");
        // What is below the rate is answered whole.
        assert_eq!(sent(&limiter(much), 90, 10, |_| reply("192.0.2.1", subject)), 900);
    }
}

#[test]
fn a_network_s_octets_are_limited_whatever_it_asks_for() {
    let limiter = limiter(|_| ());
    let large = |number| ReplyCost { octets: [44, 1044], ..reply("192.0.2.1", of_name(number)) };
    let count = sent(&limiter, 1000, 10, |number| large(u32::try_from(number).expect("few")));
    assert!((118..=120).contains(&count), "{count}");
    // Replies that are no longer than their queries cost nothing.
    let small = |number| ReplyCost { octets: [44, 44], ..reply("192.0.2.1", of_name(number)) };
    assert_eq!(sent(&limiter, 1000, 10, |number| small(u32::try_from(number).expect("few"))), 10_000);
}

#[test]
fn networks_names_zones_and_kinds_do_not_share_accounts() {
    let limiter = limiter(|limits| (limits.answers, limits.negative, limits.errors) = (1, 1, 1));
    let now = Moment(5_000_000);
    let judge = |client, subject| limiter.judge(&reply(client, subject), now).verdict == LimitVerdict::Send;
    for client in ["192.0.2.1", "192.0.3.1", "2001:db8::1", "2001:db8:0:100::1"] {
        for subject in
            [of_name(0), of_name(1), ReplySubject::Absence(0), ReplySubject::Absence(1), ReplySubject::Error]
        {
            assert!(judge(client, subject), "{client} {subject:?}");
            assert!(!judge(client, subject), "{client} {subject:?}");
        }
    }
    assert!(!judge("192.0.2.99", of_name(0)), "its network is known");
    assert!(!judge("2001:db8:0:ff::", of_name(0)), "its network is known");
}

#[test]
fn every_second_reply_over_a_limit_is_told_and_a_flood_is_noted_once() {
    let limiter = limiter(|limits| limits.errors = 1);
    let verdicts = (0..5).map(|_| limiter.judge(&reply("192.0.2.1", ReplySubject::Error), Moment(9)).verdict);
    let told: Vec<_> = verdicts
        .map(|verdict| match verdict {
            LimitVerdict::Send => None,
            LimitVerdict::Limit { limit, is_told } => Some((limit, is_told)),
        })
        .collect();
    let over = |is_told| Some((ReplyLimit::Errors, is_told));
    assert_eq!(told, [None, over(false), over(true), over(false), over(true)]);
    let network = "192.0.2.0/24".parse().expect("a network");
    let networks = vec![FloodSighting { network, limited: 4 }];
    assert_eq!(limiter.floods(), LimitedQueries { networks, others: 0 });
    assert_eq!(limiter.floods(), LimitedQueries::default());
}

#[test]
fn an_exempt_network_of_any_length_is_exempt_as_a_whole_and_no_other_is() {
    for (network, inside, outside) in [
        ("192.0.2.0/25", "192.0.2.127", "192.0.2.128"),
        ("192.0.2.7/32", "192.0.2.7", "192.0.2.6"),
        ("0.0.0.0/0", "203.0.113.9", "::cb00:7109"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
        ("::1/128", "::1", "::"),
        ("::/0", "2001:db8::9", "0.0.0.1"),
    ] {
        let exempt = Exemptions::of(&[network.parse().expect("a network")]);
        assert!(exempt.includes(ip(inside)), "{network} {inside}");
        assert!(!exempt.includes(ip(outside)), "{network} {outside}");
    }
    assert!(!Exemptions::of(&[]).includes(ip("127.0.0.1")));
}

#[test]
fn exempt_networks_and_a_configuration_without_limits_have_none_and_accounts_outlive_both() {
    let limits = RateLimit { errors: 1, ..RateLimit::default() };
    let limiter = Limiter::new(Some(&limits), [7; 16]);
    let error = |client| reply(client, ReplySubject::Error);
    let judge =
        |limiter: &Limiter, client| limiter.judge(&error(client), Moment(9)).verdict == LimitVerdict::Send;
    assert!((0..9).all(|_| judge(&limiter, "127.0.0.9") && judge(&limiter, "::1")));
    assert_eq!([judge(&limiter, "192.0.2.1"), judge(&limiter, "192.0.2.1")], [true, false]);
    assert!(judge(&limiter.under(None), "192.0.2.1"));
    assert!(!judge(&limiter.under(Some(&limits)), "192.0.2.1"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is asked for and however fast, from 1 000 queries a second of 24 octets up: over any 10 s at most 1.5 octets
    /// leave for each that comes. A reply to those who are told is as long as its query, or 16 octets longer if that is paid, and
    /// shorter if it is not.
    #[test]
    fn a_flood_is_amplified_by_half_at_most(
        per_second in 1000u64..8000,
        query in 24usize..120,
        names in 1u64..300,
        sizes in prop::collection::vec(0usize..1232, 1..20),
        has_cookie: bool,
        slip in 1u32..3,
        start in 0u64..1 << 44,
    ) {
        let limiter = limiter(|limits| limits.slip = slip);
        let query = if has_cookie { query + 23 } else { query };
        let mut out = Vec::new();
        for number in 0..12 * per_second {
            let octets = sizes[number as usize % sizes.len()].max(12);
            let subject = of_name((number % names) as u32);
            let outgoing = ReplyCost { client: ip("192.0.2.1"), subject, octets: [query, octets] };
            let now = Moment(start + number * 1000 / per_second);
            out.push(match limiter.judge(&outgoing, now).verdict {
                LimitVerdict::Send => octets,
                LimitVerdict::Limit { is_told: true, .. } if has_cookie => match limiter.pays(outgoing.client, 16, now) {
                    true => query + 16,
                    false => query - 12,
                },
                LimitVerdict::Limit { is_told: true, .. } => query,
                LimitVerdict::Limit { is_told: false, .. } => 0,
            });
        }
        let window = 10 * per_second as usize;
        let total = |from: usize| out[from..from + window].iter().sum::<usize>();
        for from in (0..per_second as usize * 2).step_by(97) {
            let factor = total(from) as f64 / (query * window) as f64;
            prop_assert!(factor <= 1.5, "{factor} from {from}");
        }
    }
}
