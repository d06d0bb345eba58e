//! How the answers of several instances are printed: what they say alike once, and where they differ.

use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::exit::FAILURE;
use super::output;
use super::server::InstanceReply;
use crate::admin::api::InstanceAnswer;
use crate::moment::Moment;

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrintForm {
    Text,
    Json,
}

impl PrintForm {
    /// Returns the form that `--json` asks for.
    pub fn of(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// Prints what several instances answered. Returns 1 when one of them did not, and 0 otherwise.
pub fn show<A: Clone + Serialize>(
    replies: &[InstanceReply<A>],
    form: PrintForm,
    written: impl Fn(&A) -> String,
) -> ExitCode {
    match form {
        PrintForm::Json => output::json(&answers(replies)),
        PrintForm::Text => output::text(compared(&texts(replies, written))),
    }
    judge(replies)
}

/// Returns 1 when an instance did not answer, after it has said so.
pub fn judge<A>(replies: &[InstanceReply<A>]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for InstanceReply { address, answer } in replies {
        if let Err(error) = answer {
            output::complain(format_args!("{address}: {error:#}"));
            code = ExitCode::from(FAILURE);
        }
    }
    code
}

/// Returns whether an instance answered, and says of each why not when none did.
pub fn some_answered<A>(replies: &[InstanceReply<A>]) -> bool {
    let some = replies.iter().any(|reply| reply.answer.is_ok());
    if !some {
        judge(replies);
    }
    some
}

fn answers<A: Clone>(replies: &[InstanceReply<A>]) -> Vec<InstanceAnswer<A>> {
    let answer = |InstanceReply { address, answer }: &InstanceReply<A>| InstanceAnswer {
        instance: address.clone(),
        answer: answer.as_ref().ok().cloned(),
        error: answer.as_ref().err().map(|error| format!("{error:#}")),
    };
    replies.iter().map(answer).collect()
}

/// Returns the texts of the answers that came, each with its instance.
fn texts<A>(replies: &[InstanceReply<A>], written: impl Fn(&A) -> String) -> Vec<(String, String)> {
    let came = replies.iter().filter_map(|reply| Some((reply.address.clone(), reply.answer.as_ref().ok()?)));
    came.map(|(address, answer)| (address, written(answer))).collect()
}

/// The longest time between the moments at which two instances do the same: they hear of it one after the other.
const APART: Duration = Duration::from_secs(5);

/// Returns whether two texts are the same, but for moments that are hardly apart.
fn is_alike(one: &str, other: &str) -> bool {
    let is_same = |(one, other): (&str, &str)| {
        let moment = |word: &str| {
            word.trim_end_matches(|letter: char| !letter.is_alphanumeric()).parse::<Moment>().ok()
        };
        let apart = || Some(moment(one)?.0.abs_diff(moment(other)?.0));
        one == other || apart().is_some_and(|apart| u128::from(apart) <= APART.as_millis())
    };
    words(one).count() == words(other).count() && words(one).zip(words(other)).all(is_same)
}

/// Returns the words of a text, each with what ends it: a moment ends before a comma or a bracket, and has colons and dots inside.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(|letter: char| letter.is_whitespace() || ",;()".contains(letter))
}

/// Writes texts that several instances gave: equal ones once, and of those that differ from the first the lines.
pub fn compared(texts: &[(String, String)]) -> String {
    let mut groups: Vec<(Vec<&str>, &str)> = Vec::new();
    for (address, text) in texts {
        match groups.iter_mut().find(|(_, known)| is_alike(known, text)) {
            Some((addresses, _)) => addresses.push(address),
            None => groups.push((vec![address], text)),
        }
    }
    let Some(((addresses, first), others)) = groups.split_first() else { return String::new() };
    if others.is_empty() && addresses.len() > 1 {
        return format!("the same from {}:\n\n{first}", addresses.join(", "));
    }
    let mut page = match others.len() {
        0 => format!("from {}:\n\n{first}", addresses.join(", ")),
        _ => format!("THE INSTANCES DIFFER\n\nfrom {}:\n\n{first}", addresses.join(", ")),
    };
    for (addresses, text) in others {
        page.push_str(&format!("\nfrom {}, where it differs:\n\n", addresses.join(", ")));
        let lacks = |text: &str, line: &str| !text.lines().any(|other| is_alike(other, line));
        let gone = first.lines().filter(|line| lacks(text, line)).map(|line| format!("- {line}\n"));
        let new = text.lines().filter(|line| lacks(first, line)).map(|line| format!("+ {line}\n"));
        page.extend(gone.chain(new));
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[(&str, &str)], expected: &str) {
        let texts = texts.iter().map(|(address, text)| ((*address).to_owned(), (*text).to_owned()));
        assert_eq!(compared(&texts.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn what_instances_say_alike_is_printed_once() {
        check(&[("a", "x\ny\n"), ("b", "x\ny\n")], "the same from a, b:\n\nx\ny\n");
        check(&[("a", "x\n")], "from a:\n\nx\n");
        check(&[], "");
    }

    #[test]
    fn what_happened_within_seconds_is_no_difference_and_what_happened_minutes_apart_is() {
        let at = |seconds: &str| format!("intent 1, until 2026-11-21T10:{seconds}.380Z; drain tokyo\n");
        check(
            &[("a", &at("41:32")), ("b", &at("41:34"))],
            &format!("the same from a, b:\n\n{}", at("41:32")),
        );
        let differ = compared(&[("a".to_owned(), at("41:32")), ("b".to_owned(), at("44:32"))]);
        assert!(differ.starts_with("THE INSTANCES DIFFER"), "{differ}");
    }

    #[test]
    fn what_differs_from_the_first_is_printed_line_by_line() {
        let expected =
            "THE INSTANCES DIFFER\n\nfrom a, c:\n\nx\ny\n\nfrom b, where it differs:\n\n- y\n+ z\n";
        check(&[("a", "x\ny\n"), ("b", "x\nz\n"), ("c", "x\ny\n")], expected);
    }
}
