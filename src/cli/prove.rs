//! `meridian prove`: tries every class of clients with every set of regions, and holds the border against it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::exit::FAILURE;
use super::output;
use crate::daemon;
use crate::files::sha256;
use crate::inspect::{Proof, prove};

/// Prove that no client is ever sent where its residency rules do not permit
///
/// Tries every prefix that a resolver may ask for and whose clients are not all permitted the same regions; and every
/// class of clients with every set of regions that can be in service, in both families; with every
/// region shifted away from in part and in whole, drained, or disabled, beside every set of the others; with weights
/// between every two regions; and with every region that sheds clients because it is full, to every region there is.
/// Holds what it gets against the rules, which it reads anew. Prints what was proved of which configuration and
/// databases, by their SHA-256; that of the configuration is of what `sha256sum` prints of its files, in the order of
/// their names. Exits with 0 when the border holds, with 1 when it does
/// not, and with 2 when the configuration cannot be used.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The configuration directory
    #[arg(value_name = "DIR", default_value = "zones")]
    pub directory: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let loaded = daemon::load(&args.directory)?;
    let proof = prove(&loaded.base)?;
    proof.breaches.iter().for_each(output::remark);
    output::text(summary(&proof));
    let files = loaded.files.iter().map(|file| format!("{}  {}\n", file.sha256, file.name));
    output::line(format_args!("configuration  {}", sha256(files.collect::<String>().as_bytes())));
    for (source, sha256) in loaded.locations.databases() {
        output::line(format_args!("database       {sha256}  {source}"));
    }
    Ok(if proof.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FAILURE) })
}

fn summary(proof: &Proof) -> String {
    let Proof {
        policies,
        classes,
        prefixes,
        decisions,
        under_intents,
        under_weights,
        while_shedding,
        for_pins,
        without_region,
        breaches,
    } = proof;
    let verdict = match breaches.len() {
        0 => "no client is sent where its residency rules do not permit",
        _ => "CLIENTS ARE SENT WHERE THEIR RESIDENCY RULES DO NOT PERMIT",
    };
    let pins = match for_pins {
        0 => String::new(),
        _ => format!("               every pin: {for_pins} decisions\n"),
    };
    let lost = match without_region {
        0 => String::new(),
        parts => format!("without any permitted region: {parts} parts of the clients, who are told so\n"),
    };
    format!(
        "{verdict}\ntried          {policies} policies, {classes} classes of clients, both families\n               \
         every prefix with clients of several kinds, of every length: {prefixes} prefixes\n               \
         every set of regions in service: {decisions} decisions\n               \
         every region shifted in part, drained or disabled, beside every set of the others: {under_intents} decisions\n               \
         weights between every two regions: {under_weights} decisions\n               \
         every region that sheds, to every region there is: {while_shedding} decisions\n{pins}{lost}"
    )
}
