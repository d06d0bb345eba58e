//! One TLS canary, prepared for one address: a handshake, and a look at the server's own certificate.
//!
//! The certificate is judged as by any client, by authorities, name and dates; how long it lasts is
//! judged here, since that is what an operator wants to hear of before clients do.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::failure::{self, failure};
use super::http::Error;
use super::result::ProbeResult;
use super::trust::Trust;
use crate::canary::{Failure, FailureClass, ProbeError, Signals, TlsCheck};

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// One TLS canary, prepared for one address.
pub struct TlsProbe {
    place: SocketAddr,
    name: ServerName<'static>,
    connector: TlsConnector,
    min_days_left: u32,
}

impl TlsProbe {
    /// Prepares `check` for `address`.
    ///
    /// # Errors
    ///
    /// When no certificate can be for the name.
    pub fn new(check: &TlsCheck, address: IpAddr, trust: &Trust) -> Result<Self, Error> {
        let name = ServerName::try_from(check.name.clone()).map_err(|_| Error::Name(check.name.clone()))?;
        let mut client = trust.encrypted(check.authorities.as_ref());
        // Any protocol will do: a server may refuse a client that offers only what it does not speak.
        client.alpn_protocols.clear();
        Ok(Self {
            place: SocketAddr::new(address, check.port),
            name,
            connector: TlsConnector::from(Arc::new(client)),
            min_days_left: check.min_days_left,
        })
    }

    /// Returns where it connects to.
    pub(super) fn address(&self) -> IpAddr {
        self.place.ip()
    }

    /// Shakes hands once and looks at the certificate. Sets no limit to the time that takes.
    pub async fn run(&self) -> ProbeResult {
        match self.shake_hands().await {
            Ok(days_left) => {
                // A certificate lasts for less than a million days, which a float tells exactly.
                let certificate_days = Some(days_left.max(0) as f64);
                let signals = Some(Signals { certificate_days, ..Signals::default() });
                let result = self.judge_days(days_left).map_err(Into::into);
                ProbeResult { signals, ..ProbeResult::from(result) }
            }
            Err(error) => ProbeResult::from(Err(error)),
        }
    }

    /// Returns how many days the certificate is still valid.
    async fn shake_hands(&self) -> Result<i64, ProbeError> {
        let stream = TcpStream::connect(self.place).await.map_err(|error| failure::of(&error))?;
        let stream = self.connector.connect(self.name.clone(), stream).await;
        let stream = stream.map_err(|error| failure::of(&error))?;
        let (_, session) = stream.get_ref();
        let chain = session.peer_certificates().unwrap_or_default();
        let own = chain.first().ok_or_else(|| failure(FailureClass::Tls, "there is no certificate"))?;
        // The clock by which rustls has just judged the dates.
        Ok(days_left(own, UnixTime::now())?)
    }

    fn judge_days(&self, days_left: i64) -> Result<(), Failure> {
        if days_left >= i64::from(self.min_days_left) {
            return Ok(());
        }
        let detail = format!("days left on the certificate: {days_left}, fewer than {}", self.min_days_left);
        Err(failure(FailureClass::Tls, detail))
    }
}

impl std::fmt::Debug for TlsProbe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsProbe")
            .field("place", &self.place)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Returns how many whole days a certificate is still valid.
fn days_left(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<i64, Failure> {
    let (_, certificate) = X509Certificate::from_der(certificate)
        .map_err(|error| failure(FailureClass::Tls, format!("the certificate cannot be read: {error}")))?;
    let expires_at = certificate.validity().not_after.timestamp();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    Ok(expires_at.saturating_sub(now).div_euclid(SECONDS_A_DAY))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::FailureClass::{Refused, Reset, Timeout, Tls};
    use crate::probe::check::tests::{HASTY, PATIENT, compare, outcome, run};
    use crate::probe::scripted::{self, Script, Valid};

    /// Asks a server for `name`; its certificate, which is believed, is for `api.example.com`.
    async fn check(name: &str, min_days_left: u32, valid: Valid, expected: Result<(), (FailureClass, &str)>) {
        let (server, certificate) = scripted::serve_tls_for(Script::Hang, "api.example.com", valid).await;
        let trust = Trust::only(vec![certificate]).expect("a certificate");
        compare(run(tls(server, name, min_days_left), &trust, PATIENT).await, expected);
    }

    fn tls(server: SocketAddr, name: &str, min_days_left: u32) -> crate::canary::Check {
        let check = TlsCheck { port: server.port(), name: name.to_owned(), min_days_left, authorities: None };
        crate::canary::Check::Tls(check)
    }

    #[tokio::test]
    async fn a_handshake_with_a_certificate_for_the_name_is_a_success() {
        check("api.example.com", 0, Valid::ForDays(20), Ok(())).await;
        check("www.example.com", 0, Valid::ForDays(20), Err((Tls, "www.example.com"))).await;
        check("192.0.2.1", 0, Valid::ForDays(20), Err((Tls, "certificate"))).await;
    }

    #[tokio::test]
    async fn a_certificate_with_fewer_whole_days_left_than_asked_for_is_a_failure() {
        check("api.example.com", 20, Valid::ForDays(20), Ok(())).await;
        let too_few = Err((Tls, "days left on the certificate: 20, fewer than 21"));
        check("api.example.com", 21, Valid::ForDays(20), too_few).await;
        check("api.example.com", 0, Valid::No, Err((Tls, "certificate"))).await;
    }

    #[tokio::test]
    async fn the_days_left_are_told_whether_they_are_enough_or_not() {
        for min_days_left in [0, 21] {
            let valid = Valid::ForDays(20);
            let (server, certificate) = scripted::serve_tls_for(Script::Hang, "api.example.com", valid).await;
            let trust = Trust::only(vec![certificate]).expect("a certificate");
            let outcome = outcome(tls(server, "api.example.com", min_days_left), &trust, PATIENT).await;
            let told = Signals { certificate_days: Some(20.0), ..Signals::default() };
            assert_eq!((outcome.result.is_ok(), outcome.signals), (min_days_left == 0, Some(told)));
        }
    }

    #[tokio::test]
    async fn a_certificate_must_be_from_somebody_believed() {
        let (server, _) = scripted::serve_tls(Script::Hang, "api.example.com").await;
        let (_, stranger) = scripted::serve_tls(Script::Hang, "api.example.com").await;
        let trust = Trust::only(vec![stranger]).expect("a certificate");
        let result = run(tls(server, "api.example.com", 0), &trust, PATIENT).await;
        compare(result, Err((Tls, "certificate")));
    }

    #[tokio::test]
    async fn what_does_not_shake_hands_fails_in_its_class() {
        let (nobody, _held) = scripted::nobody();
        let cases = [
            (nobody, PATIENT, (Refused, "connection refused")),
            (scripted::serve(Script::Close).await, PATIENT, (Reset, "connection")),
            (
                scripted::serve(Script::Greet(b"220 mail.example.com ESMTP\r\n")).await,
                PATIENT,
                (Tls, "message"),
            ),
            (scripted::serve(Script::Hang).await, HASTY, (Timeout, "no whole answer within 200ms")),
        ];
        for (server, timeout, expected) in cases {
            let trust = Trust::only(Vec::new()).expect("nobody is no wrong certificate");
            compare(run(tls(server, "api.example.com", 0), &trust, timeout).await, Err(expected));
        }
    }
}
