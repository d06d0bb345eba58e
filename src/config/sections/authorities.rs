//! `ca` of a canary: a file of certificate authorities that its probes trust in place of the system's.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject, SectionKind};

use crate::canary::Authorities;
use crate::config::SourceFiles;
use crate::config::problem::{Reporter, Span};
use crate::config::values::Value;
use crate::config::yaml::Written;
use crate::suggest;

/// The most certificates in a file: every probed address has a copy of them. A private authority has one, and a second
/// one while it is replaced.
pub const MAX_AUTHORITIES: usize = 64;

/// Lowers `ca`: reads the certificates of the file that it names.
pub(super) fn lower(
    spec: &Option<Value<String>>,
    sources: &SourceFiles,
    report: &mut Reporter,
) -> Option<Authorities> {
    let (name, span) = spec.given()?;
    let Some(index) = sources.find(name) else {
        let names = sources.files.iter().map(|file| file.name.as_str());
        let finding = report.error(span, format!("there is no file `{name}` in the configuration directory"));
        match suggest::question(name, names) {
            Some(question) => finding.hint(question),
            None => finding.hint(
                "put the certificate of the authority there, in PEM, and write its name: `ca: internal.pem`",
            ),
        };
        return None;
    };
    report.note_read(index);
    let source = &sources.files[index];
    if let Some(why) = &source.unreadable {
        report.error(span, format!("file `{name}` {why}"));
        return None;
    }
    let certificates = certificates(name, &source.octets, span, report)?;
    Some(Authorities { file: name.as_str().into(), certificates: certificates.into() })
}

/// Reads the certificates in a file; `None`: something is wrong with it.
fn certificates(name: &str, octets: &[u8], span: Span, report: &mut Reporter) -> Option<Vec<Vec<u8>>> {
    let mut certificates = Vec::new();
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(octets) {
        match section {
            Ok((SectionKind::Certificate, der)) => certificates.push(der),
            // What the configuration directory holds is kept with its generation, and is in backups.
            Ok((SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey, _)) => {
                let finding = report.error(span, format!("file `{name}` holds a private key"));
                finding.hint("leave the certificate of the authority only: a canary needs no key");
                return None;
            }
            Ok(_) => {}
            Err(error) => {
                report.error(span, format!("file `{name}` is not PEM: {}", in_words(&error)));
                return None;
            }
        }
    }
    if certificates.is_empty() {
        let finding = report.error(span, format!("file `{name}` holds no certificate"));
        finding.hint("it takes PEM, which begins with `-----BEGIN CERTIFICATE-----`");
        return None;
    }
    if certificates.len() > MAX_AUTHORITIES {
        let count = certificates.len();
        let finding = report
            .error(span, format!("file `{name}` holds {count} certificates, more than {MAX_AUTHORITIES}"));
        finding.hint(
            "name the authority of these addresses only; without `ca`, those of the system are trusted",
        );
        return None;
    }
    for (number, der) in (1..).zip(&certificates) {
        if webpki::anchor_from_trusted_cert(&CertificateDer::from_slice(der)).is_err() {
            report.error(span, format!("certificate {number} in file `{name}` is damaged"));
            return None;
        }
    }
    Some(certificates)
}

/// Says what is wrong with PEM.
fn in_words(error: &pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end".to_owned(),
        other => other.to_string(),
    }
}
