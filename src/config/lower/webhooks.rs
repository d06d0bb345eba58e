//! `webhooks` in `server.yaml` to [`Webhook`]s.
//!
//! What a secret says is left to the shell: nothing here opens a file.

use std::path::Path;

use super::defined::check_name;
use super::request::is_url;
use super::server::required;
use crate::config::problem::{Place, Report};
use crate::config::spec::{self, given, word};
use crate::config::{Secret, Shape, Webhook};

/// The most webhooks: each is a task of its own, with a connection now and then.
const MAX_WEBHOOKS: usize = 32;

pub(super) fn lower(spec: &spec::ServerSpec, directory: &Path, report: &mut Report) -> Vec<Webhook> {
    let Some((list, place)) = spec.webhooks.as_ref().and_then(|list| list.given()) else {
        return Vec::new();
    };
    if list.len() > MAX_WEBHOOKS {
        report.error(place, format!("more than {MAX_WEBHOOKS} webhooks"));
    }
    let mut webhooks: Vec<Webhook> = Vec::new();
    for (spec, place) in list.iter().filter_map(|webhook| webhook.given()) {
        let Some(webhook) = webhook(spec, place, directory, report) else {
            continue;
        };
        if webhooks.iter().any(|before| before.name == webhook.name) {
            let place = spec.name.place.unwrap_or(place);
            let draft = report.error(place, format!("there are two webhooks `{}`", webhook.name));
            draft.hint("each keeps under its name how far it has come");
        }
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(spec: &spec::WebhookSpec, place: Place, directory: &Path, report: &mut Report) -> Option<Webhook> {
    let name = required(&spec.name, "name", place, "write `name: oncall`", report);
    if let Some((name, place)) = name {
        check_name(name, place, report);
    }
    let url = required(&spec.url, "url", place, "write `url: https://hooks.example.com/meridian`", report);
    if let Some((url, place)) = url.filter(|(url, _)| !is_url(url)) {
        let draft = report.error(place, format!("`{url}` is not an `http` or `https` URL"));
        draft.hint("write `https://hooks.example.com/meridian`");
    }
    let shape = word(&spec.shape).unwrap_or_default();
    if shape == Shape::PagerDuty && spec.secret.is_none() {
        let draft = report.error(place, "`secret` is missing: PagerDuty needs a routing key");
        draft.hint("write `secret: { file: /run/secrets/pagerduty }`");
    }
    let secret = spec.secret.as_ref().and_then(|secret| secret.given());
    Some(Webhook {
        secret: secret.and_then(|(secret, place)| self::secret(secret, place, directory, report)),
        name: name?.0.clone(),
        url: url?.0.clone(),
        shape,
        least: word(&spec.least).unwrap_or_default(),
    })
}

fn secret(spec: &spec::SecretSpec, place: Place, directory: &Path, report: &mut Report) -> Option<Secret> {
    match (&spec.file, &spec.environment) {
        (Some(_), None) => given(&spec.file).map(|(path, _)| Secret::File(directory.join(path))),
        (None, Some(_)) => {
            let (name, place) = given(&spec.environment)?;
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(is_part) {
                report.error(place, format!("`{name}` is not the name of an environment variable"));
            }
            Some(Secret::Environment(name.clone()))
        }
        (Some(_), Some(_)) | (None, None) => {
            let draft = report.error(place, "a secret is in a file or in the environment");
            draft.hint("write `secret: { file: /run/secrets/hook }` or `secret: { environment: HOOK }`");
            None
        }
    }
}
