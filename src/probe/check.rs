//! One canary, prepared for what it watches, and run as often as wanted.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time;

use super::failure;
use super::http::{self, HttpProbe};
use super::inference::InferenceProbe;
use super::json::JsonProbe;
use super::own_fault;
use super::result::ProbeResult;
use super::schedule::Watched;
use super::tls::TlsProbe;
use super::trust::Trust;
use crate::canary::Check;

/// One canary, prepared for what it watches.
#[derive(Debug)]
pub enum Probe {
    /// Connects to this place.
    Tcp(SocketAddr),
    Tls(Box<TlsProbe>),
    Http(Box<HttpProbe>),
    /// Sends a request and reads JSON.
    Json(Box<JsonProbe>),
    Inference(Box<InferenceProbe>),
}

impl Probe {
    /// Prepares `check` for an address, or for a region as a whole.
    ///
    /// # Errors
    ///
    /// When the check says something that cannot be done.
    pub fn new(check: &Check, watched: &Watched, trust: &Trust) -> Result<Self, http::Error> {
        match (check, watched) {
            (Check::Tcp { port }, Watched::Address(address)) => {
                Ok(Self::Tcp(SocketAddr::new(*address, *port)))
            }
            (Check::Tls(check), Watched::Address(address)) => {
                Ok(Self::Tls(Box::new(TlsProbe::new(check, *address, trust)?)))
            }
            (Check::Tcp { .. } | Check::Tls(_), Watched::Region(_)) => {
                Err(http::Error::Nowhere(check.kind()))
            }
            (Check::Http(check), _) => Ok(Self::Http(Box::new(HttpProbe::new(check, watched, trust)?))),
            (Check::Inference(check), _) => {
                Ok(Self::Inference(Box::new(InferenceProbe::new(check, watched, trust)?)))
            }
            (Check::Json(check), _) => Ok(Self::Json(Box::new(JsonProbe::new(check, watched, trust)?))),
        }
    }

    /// Runs once. Whatever the other side does, this ends within `timeout`.
    pub async fn run(&self, timeout: Duration) -> ProbeResult {
        let given_up = |_| ProbeResult::from(Err(failure::timed_out(timeout).into()));
        let attempt = time::timeout(timeout, self.attempt()).await.unwrap_or_else(given_up);
        let result = attempt.result.map_err(|error| own_fault::judge(error, &self.addresses()));
        ProbeResult { result, ..attempt }
    }

    /// Returns where the last connection went: to one of these addresses.
    fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Self::Tcp(place) => vec![place.ip()],
            Self::Tls(probe) => vec![probe.address()],
            Self::Http(probe) => probe.addresses(),
            Self::Json(probe) => probe.addresses(),
            Self::Inference(probe) => probe.addresses(),
        }
    }

    async fn attempt(&self) -> ProbeResult {
        match self {
            Self::Tcp(place) => match TcpStream::connect(place).await {
                Ok(_) => ProbeResult::from(Ok(())),
                Err(error) => ProbeResult::from(Err(failure::of(&error))),
            },
            Self::Tls(probe) => probe.run().await,
            Self::Http(probe) => probe.run().await.into(),
            Self::Json(probe) => probe.run().await,
            Self::Inference(probe) => probe.run().await.into(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use reqwest::dns::Resolve;

    use super::*;
    use crate::canary::FailureClass::{self, Body, Dns, Refused, Reset, Status, Timeout, Tls};
    use crate::canary::{BlindCause, HttpCheck, ProbeError};
    use crate::probe::names::tests::{Book, Forever, Silence};
    use crate::probe::scripted::{self, Script};

    /// Long enough for a machine under load, for probes that end by themselves.
    pub const PATIENT: Duration = Duration::from_secs(20);

    /// Short, for probes that end no other way.
    pub const HASTY: Duration = Duration::from_millis(200);

    fn http(scheme: &str, server: SocketAddr) -> HttpCheck {
        HttpCheck { url: format!("{scheme}://{{address}}:{}/health", server.port()), ..request() }
    }

    /// A GET that expects 200 to 204, for tests to say where to.
    pub fn request() -> HttpCheck {
        HttpCheck {
            url: String::new(),
            host: None,
            authorities: None,
            method: "GET".to_owned(),
            headers: Vec::new(),
            headers_from_env: Vec::new(),
            body: None,
            statuses: vec![(200, 204)],
            body_contains: None,
        }
    }

    pub async fn run(check: Check, trust: &Trust, timeout: Duration) -> Result<(), ProbeError> {
        outcome(check, trust, timeout).await.result
    }

    pub async fn outcome(check: Check, trust: &Trust, timeout: Duration) -> ProbeResult {
        let watched = Watched::Address("127.0.0.1".parse().expect("an address"));
        let probe = Probe::new(&check, &watched, trust).expect("it can be sent");
        probe.run(timeout).await
    }

    /// Probes a server that follows `script`; the detail of a failure must contain the text.
    async fn check(script: Script, timeout: Duration, expected: Result<(), (FailureClass, &str)>) {
        let server = scripted::serve(script).await;
        let result = run(Check::Http(http("http", server)), &Trust::default(), timeout).await;
        compare(result, expected);
    }

    pub fn compare(result: Result<(), ProbeError>, expected: Result<(), (FailureClass, &str)>) {
        match (&result, expected) {
            (Ok(()), Ok(())) => {}
            (Err(ProbeError::Failed(failure)), Err((class, detail))) => {
                assert_eq!(failure.class, class, "{failure:?}");
                assert!(failure.detail.contains(detail), "{failure:?} does not say `{detail}`");
            }
            (_, expected) => panic!("{result:?} instead of {expected:?}"),
        }
    }

    #[tokio::test]
    async fn an_expected_status_is_a_success_and_any_other_is_not() {
        check(Script::Ok, PATIENT, Ok(())).await;
        check(Script::Status("204 No Content"), PATIENT, Ok(())).await;
        check(Script::Status("503 Service Unavailable"), PATIENT, Err((Status, "status 503"))).await;
    }

    #[tokio::test]
    async fn a_redirect_is_a_status_and_is_not_followed() {
        check(Script::Status("302 Found"), PATIENT, Err((Status, "status 302"))).await;
    }

    #[tokio::test]
    async fn a_text_must_be_in_the_body_when_one_is_expected() {
        let server = scripted::serve(Script::Ok).await;
        let cases = [
            ("is well", Ok(())),
            ("is broken", Err((Body, "does not contain `is broken`"))),
            ("", Ok(())),
            ("a text that is longer than the whole of the body", Err((Body, "does not contain"))),
        ];
        for (text, expected) in cases {
            let mut check = http("http", server);
            check.body_contains = Some(text.to_owned());
            compare(run(Check::Http(check), &Trust::default(), PATIENT).await, expected);
        }
    }

    #[tokio::test]
    async fn a_text_is_not_found_in_a_body_of_another_charset() {
        for (text, body) in [
            ("größe", b"HTTP/1.1 200 OK\r\n\r\ngr\xf6\xdfe".as_slice()),
            ("ok", b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\no\0k\0"),
        ] {
            let mut check = http("http", scripted::serve(Script::Say(body)).await);
            check.body_contains = Some(text.to_owned());
            let missing = Err((Body, "does not contain"));
            compare(run(Check::Http(check), &Trust::default(), PATIENT).await, missing);
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_given_up_in_bounded_memory() {
        check(Script::Endless(b"HTTP/1.1 200 OK\r\nX-Long: "), PATIENT, Err((Body, "not HTTP"))).await;
    }

    #[tokio::test]
    async fn a_port_on_which_nobody_listens_is_refused_by_http_and_tcp() {
        let (nobody, _held) = scripted::nobody();
        let refused = Err((Refused, "connection refused"));
        let http = Check::Http(http("http", nobody));
        compare(run(http, &Trust::default(), PATIENT).await, refused);
        let tcp = Check::Tcp { port: nobody.port() };
        compare(run(tcp, &Trust::default(), PATIENT).await, refused);
    }

    #[tokio::test]
    async fn a_tcp_canary_is_content_with_a_connection() {
        let port = scripted::serve(Script::Hang).await.port();
        compare(run(Check::Tcp { port }, &Trust::default(), PATIENT).await, Ok(()));
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_answer_does_has_failed_at_once_and_was_not_refused() {
        check(Script::Close, PATIENT, Err((Reset, "connection"))).await;
        check(Script::Say(b""), PATIENT, Err((Reset, "closed before a whole answer"))).await;
        check(Script::Say(b"HTTP/1.1 200 O"), PATIENT, Err((Reset, "closed before"))).await;
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nall is";
        check(Script::Say(cut), PATIENT, Err((Reset, "closed before"))).await;
        let cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nall is\r\n";
        check(Script::Say(cut), PATIENT, Err((Reset, "closed before"))).await;
    }

    #[tokio::test]
    async fn silence_and_a_byte_now_and_then_are_both_given_up_after_the_timeout() {
        let given_up = Err((Timeout, "no whole answer within 200ms"));
        check(Script::Hang, HASTY, given_up).await;
        check(Script::Drip, HASTY, given_up).await;
    }

    #[tokio::test]
    async fn of_a_body_of_10_gigabytes_64_kibibytes_are_read_and_must_contain_what_is_expected() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nall is well";
        check(Script::Endless(head), PATIENT, Ok(())).await;
        let missing = Err((Body, "the first 64 KiB of the body do not contain `broken`"));
        for (text, expected) in [("is well", Ok(())), ("broken", missing)] {
            let mut check = http("http", scripted::serve(Script::Endless(head)).await);
            check.body_contains = Some(text.to_owned());
            compare(run(Check::Http(check), &Trust::default(), PATIENT).await, expected);
        }
    }

    #[tokio::test]
    async fn a_header_over_several_lines_or_with_a_blank_before_its_colon_is_no_failure() {
        let folded =
            b"HTTP/1.1 200 OK\r\nContent-Security-Policy: default-src self;\r\n  frame-ancestors none\r\n\
            Content-Length: 2\r\n\r\nok";
        check(Script::Say(folded), PATIENT, Ok(())).await;
        let spaced = b"HTTP/1.1 200 OK\r\nX-Cache : hit\r\nContent-Length: 2\r\n\r\nok";
        check(Script::Say(spaced), PATIENT, Ok(())).await;
    }

    #[tokio::test]
    async fn what_is_not_http_is_a_failure_of_the_body() {
        check(Script::Greet(b"SSH-2.0-OpenSSH_9.2\r\n"), PATIENT, Err((Body, "not HTTP"))).await;
        check(Script::Say(&[0xff; 64]), PATIENT, Err((Body, "not HTTP"))).await;
        let bad_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
        check(Script::Say(bad_chunk), PATIENT, Err((Body, "not HTTP"))).await;
    }

    #[tokio::test]
    async fn a_name_in_the_url_or_as_host_is_sent_to_the_probed_address_all_the_same() {
        let server = scripted::serve(Script::Expect("host: api.example.com")).await;
        let mut by_host = http("http", server);
        by_host.host = Some("api.example.com".to_owned());
        compare(run(Check::Http(by_host), &Trust::default(), PATIENT).await, Ok(()));

        let server = scripted::serve(Script::Expect("host: api.example.com:8443")).await;
        let mut with_port = http("http", server);
        with_port.host = Some("api.example.com:8443".to_owned());
        compare(run(Check::Http(with_port), &Trust::default(), PATIENT).await, Ok(()));

        let server = scripted::serve(Script::Ok).await;
        let mut by_url = http("http", server);
        by_url.url = format!("http://nowhere.invalid:{}/health", server.port());
        compare(run(Check::Http(by_url), &Trust::default(), PATIENT).await, Ok(()));

        // An address in the URL that is not the probed one, from the block for documentation.
        let server = scripted::serve(Script::Expect("host: 192.0.2.1")).await;
        let mut by_ip = http("http", server);
        by_ip.url = format!("http://192.0.2.1:{}/health", server.port());
        compare(run(Check::Http(by_ip), &Trust::default(), PATIENT).await, Ok(()));
    }

    #[tokio::test]
    async fn a_secret_header_comes_from_the_environment() {
        // Cargo sets this for tests.
        let server = scripted::serve(Script::Expect("authorization: meridian")).await;
        let mut check = http("http", server);
        check.headers_from_env = vec![("Authorization".to_owned(), "CARGO_PKG_NAME".to_owned())];
        let watched = Watched::Address(server.ip());
        let probe = Probe::new(&Check::Http(check.clone()), &watched, &Trust::default());
        let probe = probe.expect("the variable is set");
        assert!(!format!("{probe:?}").contains("\"meridian\""), "{probe:?} shows the secret");
        compare(run(Check::Http(check.clone()), &Trust::default(), PATIENT).await, Ok(()));

        check.headers_from_env[0].1 = "MERIDIAN_NO_SUCH_SECRET".to_owned();
        let error = Probe::new(&Check::Http(check), &watched, &Trust::default()).expect_err("it is not set");
        assert_eq!(error.to_string(), "the environment variable `MERIDIAN_NO_SUCH_SECRET` is not set");
    }

    #[tokio::test]
    async fn headers_and_method_are_sent() {
        let server = scripted::serve(Script::Expect("x-probe: yes")).await;
        let mut check = http("http", server);
        check.headers = vec![("X-Probe".to_owned(), "yes".to_owned())];
        compare(run(Check::Http(check), &Trust::default(), PATIENT).await, Ok(()));

        let server = scripted::serve(Script::Expect("HEAD /health HTTP/1.1")).await;
        let mut check = http("http", server);
        check.method = "HEAD".to_owned();
        compare(run(Check::Http(check), &Trust::default(), PATIENT).await, Ok(()));
    }

    /// Probes a TLS server whose certificate, which is believed, is for `api.example.com`.
    async fn check_tls(host: Option<&str>, expected: Result<(), (FailureClass, &str)>) {
        let (server, certificate) = scripted::serve_tls(Script::Ok, "api.example.com").await;
        let trust = Trust::only(vec![certificate]).expect("a certificate");
        let mut check = http("https", server);
        check.host = host.map(str::to_owned);
        compare(run(Check::Http(check), &trust, PATIENT).await, expected);
    }

    #[tokio::test]
    async fn a_certificate_must_be_for_the_host() {
        check_tls(Some("api.example.com"), Ok(())).await;
        check_tls(Some("www.example.com"), Err((Tls, "www.example.com"))).await;
        check_tls(None, Err((Tls, "certificate"))).await;
    }

    #[tokio::test]
    async fn the_certificate_of_an_authority_in_place_of_a_servers_is_told_in_words() {
        let (server, certificate) = scripted::serve_tls(Script::Ok, scripted::AUTHORITY).await;
        let trust = Trust::only(vec![certificate]).expect("a certificate");
        let told = Err((Tls, "an authority's and no server's"));
        compare(run(Check::Http(http("https", server)), &trust, PATIENT).await, told);
        compare(run(Check::Http(http("https", server)), &Trust::default(), PATIENT).await, told);
    }

    #[tokio::test]
    async fn a_certificate_must_be_from_somebody_believed() {
        let (server, _) = scripted::serve_tls(Script::Ok, "api.example.com").await;
        let (_, stranger) = scripted::serve_tls(Script::Ok, "api.example.com").await;
        let trust = Trust::only(vec![stranger]).expect("a certificate");
        let mut check = http("https", server);
        check.host = Some("api.example.com".to_owned());
        compare(run(Check::Http(check), &trust, PATIENT).await, Err((Tls, "certificate")));
    }

    #[tokio::test]
    async fn a_server_without_tls_fails_the_handshake_and_one_that_hangs_up_has_not_refused_it() {
        let server = scripted::serve(Script::Greet(b"220 mail.example.com ESMTP\r\n")).await;
        let check = Check::Http(http("https", server));
        compare(run(check, &anybody(), PATIENT).await, Err((Tls, "message")));
        let server = scripted::serve(Script::Close).await;
        let check = Check::Http(http("https", server));
        compare(run(check, &anybody(), PATIENT).await, Err((Reset, "connection")));
    }

    /// Probes `tokyo` as a whole, whose name leads to these addresses in turn, and says what each result was.
    async fn check_region(
        check: &HttpCheck,
        trust: Trust,
        leads: &[Option<&str>],
        expected: &[Result<(), (FailureClass, &str)>],
    ) {
        let trust = trust.with_names(Book::of(leads));
        let watched = Watched::Region("tokyo".into());
        let probe = Probe::new(&Check::Http(check.clone()), &watched, &trust).expect("it can be sent");
        for expected in expected {
            compare(probe.run(PATIENT).await.result, *expected);
        }
    }

    fn of_region(scheme: &str, server: SocketAddr) -> HttpCheck {
        HttpCheck { url: format!("{scheme}://{{region}}.example.com:{}/health", server.port()), ..request() }
    }

    #[tokio::test]
    async fn a_region_is_probed_where_its_name_leads_each_time() {
        let server = scripted::serve(Script::Ok).await;
        let gone = Err((Dns, "`tokyo.example.com` has no address"));
        let leads = [Some("127.0.0.1"), Some("127.0.0.2"), None, Some("127.0.0.3")];
        check_region(&of_region("http", server), anybody(), &leads, &[Ok(()), Ok(()), gone, Ok(())]).await;
        let refused = Err((Refused, "connection refused"));
        let leads = [Some("127.0.0.1"), Some("127.0.0.4")];
        check_region(&of_region("http", server), anybody(), &leads, &[Ok(()), refused]).await;
    }

    /// Probes a region whose name no name server answers for: blindness, and no failure.
    async fn check_silence(names: Arc<dyn Resolve>, timeout: Duration) {
        let trust = anybody().with_names(names);
        let watched = Watched::Region("tokyo".into());
        let check = Check::Http(of_region("http", ([127, 0, 0, 1], 1).into()));
        let probe = Probe::new(&check, &watched, &trust).expect("it can be sent");
        let Err(ProbeError::Blind(blindness)) = probe.run(timeout).await.result else { panic!("it saw") };
        assert_eq!(blindness.cause, BlindCause::ResolverSilent);
    }

    #[tokio::test]
    async fn name_servers_that_are_silent_say_nothing_of_the_region() {
        check_silence(Arc::new(Silence), PATIENT).await;
    }

    #[tokio::test]
    async fn a_timeout_shorter_than_the_patience_with_name_servers_takes_no_region_out() {
        check_silence(Arc::new(Forever), HASTY).await;
    }

    #[tokio::test]
    async fn host_and_certificate_of_a_region_are_for_the_name_or_for_another_one_that_is_stated() {
        let leads = [Some("127.0.0.1")];
        let server = scripted::serve(Script::Expect("host: api.example.com")).await;
        let mut check = of_region("http", server);
        check_region(&check, anybody(), &leads, &[Err((Status, "status 400"))]).await;
        check.host = Some("api.example.com".to_owned());
        check_region(&check, anybody(), &leads, &[Ok(())]).await;

        for (certified, host, expected) in [
            ("tokyo.example.com", None, Ok(())),
            ("api.example.com", Some("api.example.com"), Ok(())),
            ("api.example.com", None, Err((Tls, "tokyo.example.com"))),
        ] {
            let (server, certificate) = scripted::serve_tls(Script::Ok, certified).await;
            let trust = Trust::only(vec![certificate]).expect("a certificate");
            let check = HttpCheck { host: host.map(str::to_owned), ..of_region("https", server) };
            check_region(&check, trust, &leads, &[expected]).await;
        }
    }

    #[tokio::test]
    async fn a_region_at_an_ip_address_needs_nobody_who_knows_names() {
        let server = scripted::serve(Script::Expect("host: api.example.com")).await;
        let url = format!("http://127.0.0.2:{}/health", server.port());
        let check = HttpCheck { url, host: Some("api.example.com".to_owned()), ..request() };
        check_region(&check, anybody(), &[None], &[Ok(())]).await;
    }

    #[test]
    fn what_connects_to_a_port_alone_probes_no_region() {
        let watched = Watched::Region("tokyo".into());
        let error = Probe::new(&Check::Tcp { port: 1 }, &watched, &anybody()).expect_err("it is nowhere");
        assert_eq!(error.to_string(), "`tcp` probes addresses, not a region as a whole");
    }

    /// Trust in whomever; the system's authorities are not asked for in tests.
    fn anybody() -> Trust {
        Trust::only(Vec::new()).expect("nobody is no wrong certificate")
    }
}
