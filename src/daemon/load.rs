//! Loads a configuration directory with everything that it names, or reports everything that is wrong with it.
//!
//! Loading happens aside: nothing that is being served changes before all of it has succeeded.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::secrets::{self, WebhookSecretError};
use crate::admin::{self, access::AccessPolicy};
use crate::config::{self, Config, Geo, Problems, Server};
use crate::files::stamp::Stamp;
use crate::files::{configuration, database, watch};
use crate::geo::{self, Database, Located, Table, TableSources};
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
    /// The Country or City database, when there is one.
    pub database: Option<admin::DatabaseOrigin>,
    /// Its files right before they were read.
    pub stamp: Stamp,
}

impl LoadedDirectory {
    /// Returns the facts that `/status` shows.
    pub fn facts(&self, directory: &Path, now: Moment) -> admin::ConfigOrigin {
        admin::ConfigOrigin {
            directory: directory.to_owned(),
            loaded_at: now,
            database: self.database.clone(),
            failed: None,
        }
    }

    /// Returns when the database was built, in seconds since the Unix epoch; zero when there is none.
    pub fn built_at_seconds(&self) -> u64 {
        self.database.as_ref().map_or(0, |database| database.built_at.0 / 1000)
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
    #[error("`{0}` in server.yaml")]
    Read(&'static str, #[source] database::Error),
    /// The secret of a webhook cannot be used.
    #[error(transparent)]
    Secret(#[from] WebhookSecretError),
    #[error("`{0}` in server.yaml: `{path}` cannot be used", path = .1.display())]
    Database(&'static str, PathBuf, #[source] geo::Error),
}

/// Loads a directory. It blocks, for seconds when the database is large.
///
/// # Errors
///
/// When anything in it is wrong; all mistakes in its texts are reported at once.
pub fn load(directory: &Path) -> Result<LoadedDirectory, Error> {
    let stamp = Stamp::of_directory(directory);
    let sources = configuration::read(directory)?;
    let compiled = config::compile(&sources).map_err(Error::Problems)?;
    let stamp = stamp.and_files(files(&compiled.config.server));
    let (access, mut open) = secrets::of_access(&compiled.config.server.access).map_err(Error::Problems)?;
    let (tls, exposed) = secrets::of_listen(&compiled.config.server.listen).map_err(Error::Problems)?;
    open.extend(exposed);
    let databases = Databases::read(&compiled.config.server.geo)?;
    let table = databases.compile(&compiled.config)?;
    let database = databases.facts();
    let base = Base::build(Arc::new(compiled.config), table);
    let base = base.of_database(database.as_ref().map(|database| database.built_at));
    let warnings = compiled.warnings.list.iter().chain(&open).map(ToString::to_string);
    Ok(LoadedDirectory {
        warnings: warnings.chain(base.without_region()).collect(),
        database,
        access: Arc::new(access),
        tls: tls.map(Arc::new),
        base: Arc::new(base),
        stamp,
    })
}

/// Returns the location of a client, by the databases and networks of the configuration.
///
/// # Errors
///
/// When a database cannot be read (any more).
pub fn locate(geo: &Geo, client: IpAddr) -> Result<Located, Error> {
    Ok(Databases::read(geo)?.sources(geo).locate(client))
}

/// Returns the paths whose change asks for a reload.
pub fn places(directory: &Path, server: &Server) -> watch::WatchedPaths {
    watch::WatchedPaths { directory: directory.to_owned(), files: files(server).cloned().collect() }
}

/// Returns the stamp of everything that a load would read.
pub fn stamp(directory: &Path, server: &Server) -> Stamp {
    Stamp::of_directory(directory).and_files(files(server))
}

fn files(server: &Server) -> impl Iterator<Item = &PathBuf> {
    [&server.geo.database, &server.geo.asn]
        .into_iter()
        .flatten()
        .chain(server.access.files())
        .chain(server.listen.files())
}

/// The databases that a configuration names, in memory.
struct Databases {
    place: Option<NamedDatabase>,
    asn: Option<NamedDatabase>,
}

/// A database and where it came from.
struct NamedDatabase {
    database: Database,
    path: PathBuf,
    setting: &'static str,
}

impl Databases {
    fn read(geo: &Geo) -> Result<Self, Error> {
        let open = |path: &Option<PathBuf>, setting| {
            path.as_deref().map(|path| NamedDatabase::read(path, setting)).transpose()
        };
        Ok(Self { place: open(&geo.database, "geo.database")?, asn: open(&geo.asn, "geo.asn")? })
    }

    fn sources<'a>(&'a self, geo: &'a Geo) -> TableSources<'a> {
        TableSources {
            database: self.place.as_ref().map(|named| &named.database),
            asn: self.asn.as_ref().map(|named| &named.database),
            networks: &geo.networks,
        }
    }

    fn compile(&self, config: &Config) -> Result<Table, Error> {
        let sources = self.sources(&config.server.geo);
        let compile = |sources| Table::compile(sources, &config.regions, &config.groups);
        compile(sources).map_err(|error| {
            // The one at fault is the one without which the table compiles.
            let is_asn = compile(TableSources { asn: None, ..sources }).is_ok();
            let at_fault = if is_asn { &self.asn } else { &self.place };
            at_fault.as_ref().expect("only databases can be at fault").unusable(error)
        })
    }

    fn facts(&self) -> Option<admin::DatabaseOrigin> {
        let NamedDatabase { database, path, .. } = self.place.as_ref()?;
        let built_at = Moment::default().plus(Duration::from_secs(database.build_epoch()));
        Some(admin::DatabaseOrigin { path: path.clone(), kind: database.kind().to_owned(), built_at })
    }
}

impl NamedDatabase {
    fn read(path: &Path, setting: &'static str) -> Result<Self, Error> {
        let bytes = database::read(path).map_err(|error| Error::Read(setting, error))?;
        let path = path.to_owned();
        match Database::parse(bytes) {
            Ok(database) => Ok(Self { database, path, setting }),
            Err(error) => Err(Error::Database(setting, path, error)),
        }
    }

    fn unusable(&self, error: geo::Error) -> Error {
        Error::Database(self.setting, self.path.clone(), error)
    }
}
