//! `user` in `server.yaml`: the user that a process of root becomes.

use std::fmt;

use crate::config::problem::Reporter;
use crate::config::values::Value;
use crate::config::yaml::Written;

/// The largest number of a user. The one beyond is -1 as the system reads it, which keeps the user that there is.
const MAX_NUMBER: u32 = u32::MAX - 1;

/// A user other than root, as an operator names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SystemUser {
    /// By its name in `/etc/passwd`.
    Named(String),
    /// By its number, at least 1; it need not be in `/etc/passwd`.
    Numbered(u32),
}

impl fmt::Display for SystemUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Numbered(number) => write!(f, "{number}"),
        }
    }
}

/// Lowers `user`; `None`: the one that started the process.
pub(super) fn lower(spec: &Option<Value<String>>, report: &mut Reporter) -> Option<SystemUser> {
    let (text, span) = spec.given()?;
    if !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit()) {
        match text.parse() {
            Ok(0) => {}
            Ok(number @ 1..=MAX_NUMBER) => return Some(SystemUser::Numbered(number)),
            Ok(_) | Err(_) => {
                let finding = report.error(span, format!("`{text}` is the number of no user"));
                finding.hint(format!("name one of /etc/passwd, or write a number from 1 to {MAX_NUMBER}"));
                return None;
            }
        }
    } else if text != "root" {
        return Some(SystemUser::Named(text.clone()));
    }
    let finding = report.error(span, "as root nothing is given up");
    finding.hint("name a user of its own, for example `user: meridian`, or leave `user` out");
    None
}
