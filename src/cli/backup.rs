//! `meridian backup` and `meridian restore`: the configuration and the state of an instance in one file, and back.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::operator::OperatorArgs;
use super::output;
use crate::config::start_terms;
use crate::daemon::{self, RestoredBackup, SystemClock};
use crate::files::backup::Backup;
use crate::files::{Store, configuration};
use crate::units::Count;

/// Write the configuration and the state of an instance to a file
///
/// The configuration in force with its generations, intents, drills, availability and health, from the state directory that
/// `state` in server.yaml names, whether a server runs or not. Secrets, keys, databases and the event log are not in it;
/// what is written in a file of the configuration is. `backup` in server.yaml does the same by itself.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file, which is replaced when it is there
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The configuration directory
    #[arg(value_name = "DIR", default_value = "zones")]
    directory: PathBuf,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Write a backup back, on a machine in the place of another one
///
/// The configuration is written to DIR, and the state to the directory that `state` in it names. Nothing is written over:
/// DIR must be empty, or have the same files, and the state directory nothing newer and nothing else. The configuration gets a new generation
/// with the same content. What the configuration names and a backup does not have, such as secrets, is listed.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The configuration directory
    #[arg(value_name = "DIR", default_value = "zones")]
    directory: PathBuf,

    /// Name this author of the new generation; without it, $USER
    #[arg(long, value_name = "NAME")]
    author: Option<String>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn backup(arguments: &BackupArgs) -> anyhow::Result<ExitCode> {
    let BackupArgs { file, directory, json } = arguments;
    let terms = start_terms(&configuration::read(directory)?);
    let state = terms.state.with_context(|| {
        format!("`{}` names no state directory: write `state` in server.yaml", directory.display())
    })?;
    let is_other = fs::symlink_metadata(file).is_ok_and(|present| !present.is_file());
    anyhow::ensure!(!is_other, "`{}` is there and is no file: name another one", file.display());
    let place = file.parent().and_then(|place| fs::canonicalize(place).ok());
    let is_inside = place.is_some() && place == fs::canonicalize(&state).ok();
    anyhow::ensure!(!is_inside, "`{}` would be in the state directory: name another one", file.display());
    let backup = Backup::of(&state, SystemClock::start().now())?;
    let bytes = Store::export(&backup, file)?;
    let generation = backup.generation;
    match json {
        true => output::json(&serde_json::json!({
            "file": file.display().to_string(),
            "instance": backup.instance,
            "generation": generation,
            "bytes": bytes,
        })),
        false => output::line(format_args!(
            "generation {generation} of {} and the state in {} are in {}, {bytes} bytes",
            backup.instance,
            state.display(),
            file.display()
        )),
    }
    Ok(ExitCode::SUCCESS)
}

pub fn restore(arguments: &RestoreArgs) -> anyhow::Result<ExitCode> {
    let RestoreArgs { file, directory, author, json } = arguments;
    let author = OperatorArgs::named(author.as_deref());
    let restored = daemon::restore(file, directory, Some(author), SystemClock::start().now())?;
    restored.left_out.iter().for_each(|what| output::remark(format_args!("left out: {what}")));
    match json {
        true => output::json(&serde_json::json!({
            "instance": restored.generation.origin,
            "generation": restored.generation.counter,
            "of": restored.of,
            "made_at": restored.made_at.to_string(),
            "files": restored.files,
            "intents": restored.intents,
            "state": restored.state.display().to_string(),
            "missing": restored.missing.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
            "left_out": restored.left_out,
        })),
        false => output::text(written(&restored, &directory.display().to_string())),
    }
    Ok(ExitCode::SUCCESS)
}

fn written(restored: &RestoredBackup, directory: &str) -> String {
    let RestoredBackup { generation, of, made_at, files, intents, state, missing, .. } = restored;
    let mut text = format!(
        "generation {} of {} has the content of {of}, as backed up at {made_at}: {} in {directory}, {} and the state in {}\n",
        generation.counter,
        generation.origin,
        Count(*files, "file"),
        Count(*intents, "intent"),
        state.display()
    );
    for path in missing {
        text.push_str(&format!(
            "missing: {}, which no backup has: put it back before the start\n",
            path.display()
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::Generation;
    use crate::moment::Moment;

    #[test]
    fn what_a_backup_does_not_have_is_listed() {
        let restored = RestoredBackup {
            generation: Generation { epoch: 1, counter: 8, origin: "ns1".to_owned() },
            of: 7,
            made_at: Moment(1_772_357_400_250),
            files: 5,
            intents: 1,
            state: "state".into(),
            missing: vec!["alice.token".into()],
            left_out: Vec::new(),
        };
        assert_eq!(
            written(&restored, "zones"),
            "generation 8 of ns1 has the content of 7, as backed up at 2026-03-01T09:30:00.250Z: 5 files in zones, 1 intent \
             and the state in state\nmissing: alice.token, which no backup has: put it back before the start\n"
        );
    }
}
