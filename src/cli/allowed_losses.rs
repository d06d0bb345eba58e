//! `meridian simulate --each --allow FILE`: losses that are known to end badly.

use std::path::Path;

use super::exit::BadInput;
use crate::inspect::what_if::Survey;

/// The losses of a file.
pub struct AllowedLosses {
    /// Where each is written, and what is lost together.
    losses: Vec<(String, Vec<String>)>,
}

impl AllowedLosses {
    /// Reads a file of one loss a line, `tokyo` or `frankfurt, paris`, with comments after `#`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(path: &Path) -> Result<Self, BadInput> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| BadInput::new(format!("`{}`: {error}", path.display())))?;
        Ok(Self::parse(&text, &path.display().to_string()))
    }

    fn parse(text: &str, file: &str) -> Self {
        let written = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        let losses = (1..).zip(written).filter(|(_, line)| !line.is_empty());
        Self {
            losses: losses
                .map(|(number, line)| (format!("{file}:{number}"), names(line.split(','))))
                .collect(),
        }
    }

    /// Lets the losses of a survey pass that are in the file, and returns a remark for each that need not be there.
    ///
    /// # Errors
    ///
    /// The first that was not tried: its names are misspelt, or it is a pair and there are none.
    pub fn apply(&self, survey: &mut Survey) -> Result<Vec<String>, BadInput> {
        let mut needless = Vec::new();
        for (place, lost) in &self.losses {
            let tried = survey.losses.iter_mut().find(|outcome| names(outcome.lost.iter()) == *lost);
            let Some(outcome) = tried else {
                return Err(BadInput::new(format!(
                    "{place}: the loss of `{}` was not tried",
                    lost.join(", ")
                )));
            };
            outcome.is_allowed = true;
            if outcome.bad.is_empty() {
                needless.push(format!(
                    "{place}: the loss of {} ends well, and need not be allowed",
                    lost.join(" and ")
                ));
            }
        }
        Ok(needless)
    }
}

/// Returns names in an order that does not depend on how they were written.
fn names<N: AsRef<str>>(written: impl Iterator<Item = N>) -> Vec<String> {
    let mut names: Vec<_> = written.map(|name| name.as_ref().trim().to_owned()).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::what_if::LossOutcome;

    fn survey() -> Survey {
        let loss = |lost: &[&str], bad: &[&str]| LossOutcome {
            lost: lost.iter().map(|&name| name.to_owned()).collect(),
            moved: 0.0,
            added_km: None,
            fullest: None,
            bad: bad.iter().map(|&sentence| sentence.to_owned()).collect(),
            is_allowed: false,
        };
        let losses = vec![loss(&["tokyo"], &[]), loss(&["frankfurt", "paris"], &["eu has none left"])];
        Survey { load: 1.0, tries_pairs: true, losses, notes: Vec::new() }
    }

    #[test]
    fn a_known_risk_passes_in_whatever_order_it_is_written() {
        let mut survey = survey();
        assert!(!survey.is_good());
        let allowed = AllowedLosses::parse("# EU\n\nparis, frankfurt  # two regions only\n", "allow");
        assert_eq!(allowed.apply(&mut survey).expect("it was tried"), Vec::<String>::new());
        assert!(survey.is_good());
        assert!(survey.to_string().contains("badly, as is known: eu has none left"), "{survey}");
        assert!(survey.to_string().contains("2 losses, 1 ends badly as is known"), "{survey}");
    }

    #[test]
    fn what_ends_well_need_not_be_allowed_and_what_was_not_tried_cannot_be() {
        let needless = AllowedLosses::parse("tokyo\n", "allow").apply(&mut survey()).expect("it was tried");
        assert_eq!(needless, ["allow:1: the loss of tokyo ends well, and need not be allowed"]);
        let error = AllowedLosses::parse("\ntokio", "allow").apply(&mut survey()).expect_err("a slip");
        assert_eq!(error.to_string(), "allow:2: the loss of `tokio` was not tried");
    }
}
