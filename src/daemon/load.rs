//! Loads a configuration directory with everything that it names, or reports everything that is wrong with it.
//!
//! Loading happens aside: nothing that is being served changes before all of it has succeeded.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::locations::{self, LocationsInForce, ReadDatabases};
use super::secrets::{self, PeerSecretError, WebhookSecretError};
use super::state_writer::chain;
use crate::admin::api::FileDigest;
use crate::admin::{self, access::AccessPolicy};
use crate::client::{Location, Prefix};
use crate::config::{
    self, Compiled, CookieSources, DatabaseSource, Geo, Problems, SERVER_FILES, Secret, Server, SourceFile,
    SourceFiles, StartMode,
};
use crate::files::stamp::Stamp;
use crate::files::{Store, configuration, git, sha256, watch};
use crate::generation::{
    ConfigContent, ContentFile, DirectoryContent, Generation, Lineage, PassedOver, SavedLineage,
};
use crate::geo::Located;
use crate::metrics::Metrics;
use crate::moment::Moment;
use crate::serve::DotPolicy;
use crate::snapshot::Base;

/// A configuration directory that can be served.
#[derive(Clone, Debug)]
pub struct LoadedDirectory {
    /// What snapshots are compiled from.
    pub base: Arc<Base>,
    /// The tokens and certificates of the admin address.
    pub access: Arc<AccessPolicy>,
    /// What clients of DNS over TLS are shown.
    pub tls: Option<Arc<DotPolicy>>,
    /// Sentences about what works but is hardly meant.
    pub warnings: Vec<String>,
    /// Where the locations of clients come from.
    pub locations: LocationsInForce,
    /// Why the databases that it names are not the ones in use.
    pub refused_database: Option<String>,
    /// The digests of its files, in the order of their names.
    pub files: Vec<FileDigest>,
    /// Its files right before they were read.
    pub stamp: Stamp,
    /// What the directory holds; `None`: it cannot be used, and the last good generation is served.
    pub arrival: Option<DirectoryContent>,
    /// Why something else is served than the directory holds.
    pub passed_over: Option<PassedOver>,
    /// The generation in force when it was judged; `None`: none was known.
    pub known: Option<Generation>,
    /// What is wrong with a directory in whose place the last good generation is served.
    pub refused: Option<String>,
}

impl LoadedDirectory {
    /// Returns the facts that `/status` shows of a load at a moment of the steady clock.
    pub fn facts(&self, directory: &Path, now: Moment) -> admin::ConfigOrigin {
        let files: Vec<_> = self.files.iter().filter(|file| is_shared(file)).cloned().collect();
        admin::ConfigOrigin {
            directory: directory.to_owned(),
            loaded_at: now,
            database: self.database().cloned(),
            asn_database: self.locations.sources.asn_origin.clone(),
            networks_sha256: networks_sha256(&self.base.config.server.geo.networks),
            files,
            files_sha256: digest(&self.files),
            failed: self.refused.as_ref().or(self.refused_database.as_ref()).map(|why| admin::FailedReload {
                at: now,
                problems: why.lines().map(str::to_owned).collect(),
            }),
            generations: Arc::default(),
        }
    }

    /// Returns the Country or City database, when there is one.
    pub fn database(&self) -> Option<&admin::DatabaseOrigin> {
        self.locations.sources.origin.as_ref()
    }

    /// Notes in the metrics what is in force.
    pub(super) fn measure(&self, metrics: &Metrics, now: Moment) {
        metrics.reloaded(self.refused.is_none() && self.refused_database.is_none(), now);
        metrics.configured(&self.base.config.server.name, &digest(&self.files));
        let database = self.database();
        metrics.located_by(database.map(|one| (one.kind.as_str(), one.sha256.as_str(), one.built_at)));
    }
}

/// Why a directory cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be read.
    #[error(transparent)]
    Directory(#[from] configuration::Error),
    /// The configuration has mistakes.
    #[error("{0}")]
    Problems(Problems),
    /// A database cannot be used.
    #[error(transparent)]
    Locations(#[from] locations::Error),
    /// The secret of a webhook cannot be used.
    #[error(transparent)]
    Secret(#[from] WebhookSecretError),
    /// The secret of peers cannot be used.
    #[error(transparent)]
    PeerSecret(#[from] PeerSecretError),
    /// The generation that must stay in force cannot be used.
    #[error(
        "generation {0}, which is in force in place of what the configuration directory holds, cannot be used"
    )]
    Kept(u64, #[source] Box<Self>),
    /// Neither the directory can be used nor what would be served in its place.
    #[error("{broken}\ngeneration {served}, the last good one, cannot be served in its place")]
    LastGood {
        /// What is wrong with the directory.
        broken: String,
        served: u64,
        #[source]
        why: Box<Self>,
    },
    #[error("{broken}\n`{}` has no generation that could be served in its place", .state.display())]
    NoLastGood {
        /// What is wrong with the directory.
        broken: String,
        state: PathBuf,
    },
}

/// Loads a directory. It blocks, for seconds when the database is large.
///
/// # Errors
///
/// When anything in it is wrong; all mistakes in its texts are reported at once.
pub fn load(directory: &Path) -> Result<LoadedDirectory, Error> {
    load_over(directory, None, None, &mut Stamp::default())
}

/// Loads a directory to serve it, as the generations in the state directory that it names permit. When it cannot be used, the
/// last generation of the state directory `last_good` is served; without that, of its own if `start` of server.yaml says so
/// and can be read.
///
/// # Errors
///
/// When anything in it is wrong and no last generation may be served, or that cannot be used either.
pub fn load_to_serve(directory: &Path, last_good: Option<&Path>) -> Result<LoadedDirectory, Error> {
    let mut stamp = Stamp::of_directory(directory);
    let sources = configuration::read_stamped(directory, &mut stamp);
    let terms = sources.as_ref().map(config::start_terms).unwrap_or_default();
    let lineage = terms.state.as_deref().and_then(peek);
    let loaded = sources
        .map_err(Error::from)
        .and_then(|sources| load_sources(&sources, None, lineage.as_ref(), &mut stamp));
    let Err(error) = loaded else { return loaded };
    let (lineage, state) = match (last_good, terms.start) {
        (Some(state), _) => (peek(state), Some(state)),
        (None, StartMode::LastGood) => (lineage, terms.state.as_deref()),
        (None, StartMode::Refuse) => (None, None),
    };
    let Some(state) = state else { return Err(error) };
    let broken = chain(&error);
    let Some((served, content)) = lineage.as_ref().and_then(Lineage::kept_head) else {
        return Err(Error::NoLastGood { broken, state: state.to_owned() });
    };
    match load_kept(directory, content, None, &mut stamp) {
        Ok(kept) => {
            let why = broken.lines().next().unwrap_or_default().to_owned();
            Ok(LoadedDirectory {
                passed_over: Some(PassedOver::Broken { served, why }),
                known: lineage.as_ref().and_then(Lineage::head).map(|head| head.generation.clone()),
                refused: Some(broken),
                ..kept
            })
        }
        Err(why) => Err(Error::LastGood { broken, served, why: Box::new(why) }),
    }
}

/// Reads the generations of a state directory that another process may own. `None`: there are none that can be used; the
/// process that takes the directory says why.
fn peek(state: &Path) -> Option<Lineage> {
    let saved = Store::<SavedLineage>::peek(state).ok().flatten()?;
    Some(Lineage::adopt("", Some(saved), Moment::default()))
}

/// Loads a directory while another configuration is in force. A database that cannot be used then leaves the one
/// before in use, and everything else is loaded. What the directory holds may be passed over, as `lineage` judges.
/// `stamp` becomes that of all files that were read or named, whether they can be served or not.
///
/// # Errors
///
/// When anything else in it is wrong.
pub(super) fn load_over(
    directory: &Path,
    before: Option<&LocationsInForce>,
    lineage: Option<&Lineage>,
    stamp: &mut Stamp,
) -> Result<LoadedDirectory, Error> {
    *stamp = Stamp::of_directory(directory);
    let sources = configuration::read_stamped(directory, stamp)?;
    load_sources(&sources, before, lineage, stamp)
}

/// Loads what was read of a directory, or what its generations put in its place.
fn load_sources(
    sources: &SourceFiles,
    before: Option<&LocationsInForce>,
    lineage: Option<&Lineage>,
    stamp: &mut Stamp,
) -> Result<LoadedDirectory, Error> {
    let compiled = config::compile(sources).map_err(Error::Problems)?;
    let files = digests(sources);
    let arrival = arrival(sources, &compiled.read, &files);
    let passed_over = lineage.and_then(|lineage| lineage.passes_over(&arrival));
    let loaded = match (&passed_over, lineage.and_then(Lineage::kept_head)) {
        (Some(_), Some((served, content))) => load_kept(&sources.directory, content, before, stamp)
            .map_err(|error| Error::Kept(served, Box::new(error)))?,
        (Some(_) | None, _) => assemble(compiled, files, before, stamp)?,
    };
    let known = lineage.and_then(Lineage::head).map(|head| head.generation.clone());
    Ok(LoadedDirectory { arrival: Some(arrival), passed_over, known, ..loaded })
}

/// Loads a content that is kept, in place of what the directory holds. `stamp` gets the files that it names.
///
/// # Errors
///
/// When it cannot be used, or what it names outside the directory.
pub(super) fn load_kept(
    directory: &Path,
    content: &ConfigContent,
    before: Option<&LocationsInForce>,
    stamp: &mut Stamp,
) -> Result<LoadedDirectory, Error> {
    let sources = content.sources(directory);
    let compiled = config::compile(&sources).map_err(Error::Problems)?;
    assemble(compiled, digests(&sources), before, stamp)
}

/// What a directory holds while something else is in force.
pub(super) struct HeldDirectory {
    /// `None`: it cannot be used.
    pub digest: Option<String>,
    /// The state directory that it names; `None`: none, or it cannot be read.
    pub state: Option<PathBuf>,
}

/// Looks at what a directory holds, without loading it.
pub(super) fn held(directory: &Path) -> HeldDirectory {
    let Ok(sources) = configuration::read(directory) else {
        return HeldDirectory { digest: None, state: None };
    };
    let compiled = config::compile(&sources).ok();
    let digest = compiled.map(|compiled| arrival(&sources, &compiled.read, &digests(&sources)).digest);
    HeldDirectory { digest, state: config::start_terms(&sources).state }
}

/// Returns what a directory holds that was compiled of these of its files. `digests` has one for each file.
fn arrival(sources: &SourceFiles, read: &BTreeSet<usize>, digests: &[FileDigest]) -> DirectoryContent {
    let file = |index: &usize| {
        let (SourceFile { octets, .. }, FileDigest { name, sha256 }) =
            (&sources.files[*index], &digests[*index]);
        ContentFile { name: name.clone(), sha256: sha256.clone(), octets: Arc::clone(octets) }
    };
    let content = ConfigContent::new(read.iter().map(file).collect());
    let digest = sha256(content.listing().as_bytes());
    DirectoryContent { content, digest, checkout: git::checkout(&sources.directory) }
}

/// Reads everything that a compiled configuration names. `digests` are those of its files.
fn assemble(
    compiled: Compiled,
    digests: Vec<FileDigest>,
    before: Option<&LocationsInForce>,
    stamp: &mut Stamp,
) -> Result<LoadedDirectory, Error> {
    files(&compiled.config.server).for_each(|file| stamp.add(file));
    let (access, mut open) = secrets::of_access(&compiled.config.server.access).map_err(Error::Problems)?;
    let (tls, exposed) = secrets::of_listen(&compiled.config.server.listen).map_err(Error::Problems)?;
    open.extend(exposed);
    let (cookies, exposed) =
        secrets::of_cookies(compiled.config.server.cookies.as_ref()).map_err(Error::Problems)?;
    open.extend(exposed);
    let (tsig_keys, exposed) =
        secrets::of_tsig(&compiled.config.server.tsig_keys).map_err(Error::Problems)?;
    open.extend(exposed);
    let locations = locations::load(&compiled.config, before)?;
    let refused_database = locations.refused.as_ref().map(|error| chain(error));
    let built_at = locations.sources.origin.as_ref().map(|database| database.built_at);
    let base = Base::build(Arc::new(compiled.config), locations.table);
    let base = base.of_database(built_at, refused_database.clone()).with_cookies(cookies);
    let base = base.with_tsig_keys(tsig_keys);
    let warnings = compiled.warnings.list.iter().chain(&open).map(ToString::to_string);
    let warnings = warnings.chain(base.warnings()).collect();
    let base = Arc::new(base);
    Ok(LoadedDirectory {
        warnings,
        locations: LocationsInForce { base: Arc::clone(&base), sources: locations.sources },
        refused_database,
        access: Arc::new(access),
        tls: tls.map(Arc::new),
        base,
        files: digests,
        stamp: stamp.clone(),
        arrival: None,
        passed_over: None,
        known: None,
        refused: None,
    })
}

/// Returns the digest of networks, whatever their order; `None` when there are none.
fn networks_sha256(networks: &[(Prefix, Location)]) -> Option<String> {
    let line = |(network, location): &(Prefix, Location)| format!("{network} {location:?}\n");
    let mut lines: Vec<String> = networks.iter().map(line).collect();
    lines.sort();
    (!lines.is_empty()).then(|| sha256(lines.concat().as_bytes()))
}

/// Returns whether a file is not the instance's own.
fn is_shared(file: &FileDigest) -> bool {
    !SERVER_FILES.contains(&file.name.as_str())
}

/// Returns one digest of all files but the instance's own.
fn digest(files: &[FileDigest]) -> String {
    let shared = files.iter().filter(|file| is_shared(file));
    let lines = shared.map(|file| format!("{} {}\n", file.sha256, file.name));
    sha256(lines.collect::<String>().as_bytes())
}

/// Returns the digests of all files, in their order, which is that of their names.
fn digests(sources: &SourceFiles) -> Vec<FileDigest> {
    let digest = |file: &SourceFile| FileDigest { name: file.name.clone(), sha256: sha256(&file.octets) };
    sources.files.iter().map(digest).collect()
}

/// Returns the location of a client, by the databases and networks of the configuration.
///
/// # Errors
///
/// When a database cannot be read (any more).
pub fn locate(geo: &Geo, client: IpAddr) -> Result<Located, Error> {
    Ok(ReadDatabases::read(geo)?.parse()?.sources(geo).locate(client))
}

/// Returns the paths whose change asks for a reload.
pub fn places(directory: &Path, server: &Server) -> watch::WatchedPaths {
    watch::WatchedPaths { directory: directory.to_owned(), files: files(server).cloned().collect() }
}

/// Returns the files that a configuration names and that are no part of it: secrets, keys, databases.
pub(super) fn named(server: &Server) -> impl Iterator<Item = &PathBuf> {
    let webhooks = server.webhooks.iter().filter_map(|webhook| webhook.secret.as_ref());
    let secrets = webhooks.chain(server.peers.iter().map(|peers| &peers.secret));
    files(server).chain(secrets.filter_map(Secret::file))
}

fn files(server: &Server) -> impl Iterator<Item = &PathBuf> {
    let database = server.geo.database.as_ref().and_then(DatabaseSource::file);
    let cookies = server.cookies.iter().flat_map(CookieSources::files);
    let keys = server.tsig_keys.iter().filter_map(|key| key.secret.file());
    database
        .into_iter()
        .chain(&server.geo.asn)
        .chain(server.access.files())
        .chain(server.listen.files())
        .chain(cookies)
        .chain(keys)
}
