//! The databases of a configuration, and the table that is compiled from them.
//!
//! A database that cannot be used blocks no other change of a running server. What was read before stays in use then:
//! the compiled table, where regions, groups and networks are what they were; otherwise the file that was read, which
//! is held open and has its bytes still after it was replaced or removed. Only a file that was written over is lost.

use std::sync::Arc;
use std::time::Duration;

use crate::admin::DatabaseOrigin;
use crate::config::{Config, DatabaseSource, Geo};
use crate::files::database::{self, HeldFile};
use crate::files::sha256;
use crate::geo::{self, Cohort, Database, Table, TableSources};
use crate::moment::Moment;
use crate::snapshot::Base;

/// Why the locations of clients cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` in server.yaml")]
    Read(&'static str, #[source] database::Error),
    #[error("`{0}` in server.yaml: `{1}` cannot be used")]
    Database(&'static str, DatabaseSource, #[source] geo::Error),
    #[error("a database was written over while it was compared")]
    WrittenOver,
    #[error("the database cannot be compared")]
    Compared(#[source] geo::Error),
}

/// A table, and what it was compiled from.
pub(super) struct LoadedLocations {
    pub(super) table: Table,
    pub(super) sources: Arc<LocationFiles>,
    /// Why the databases that are configured are not the ones in use.
    pub(super) refused: Option<Error>,
}

/// The files that a table was compiled from.
#[derive(Debug)]
pub struct LocationFiles {
    /// The Country or City database, when there is one.
    pub(super) origin: Option<DatabaseOrigin>,
    /// The ASN database, when there is one.
    pub(super) asn_origin: Option<DatabaseOrigin>,
    place: Option<HeldDatabase>,
    asn: Option<HeldDatabase>,
}

/// Locations in force.
#[derive(Clone, Debug)]
pub struct LocationsInForce {
    pub(super) base: Arc<Base>,
    pub(super) sources: Arc<LocationFiles>,
}

/// Reads the databases of a configuration; when that fails, returns what is in force for `config`.
///
/// # Errors
///
/// When a database cannot be used and nothing is in force, or no more than a table for other regions.
pub(super) fn load(config: &Config, before: Option<&LocationsInForce>) -> Result<LoadedLocations, Error> {
    let anew = ReadDatabases::read(&config.server.geo).and_then(|read| {
        let digests = read.digests();
        let databases = read.parse()?;
        Ok((databases.compile(config)?, Arc::new(databases.into_files(digests))))
    });
    match (anew, before) {
        (Ok((table, sources)), _) => Ok(LoadedLocations { table, sources, refused: None }),
        (Err(error), None) => Err(error),
        (Err(error), Some(before)) => match before.table(config) {
            Some(table) => {
                Ok(LoadedLocations { table, sources: Arc::clone(&before.sources), refused: Some(error) })
            }
            None => Err(error),
        },
    }
}

impl LocationsInForce {
    /// Returns where the databases were read from, and the SHA-256 of each.
    pub fn databases(&self) -> impl Iterator<Item = (&DatabaseSource, &str)> {
        let LocationFiles { origin, asn_origin, .. } = &*self.sources;
        origin.iter().chain(asn_origin).map(|origin| (&origin.source, origin.sha256.as_str()))
    }

    /// Counts the clients of an earlier table and this one together, in the countries that this one's sources say.
    ///
    /// # Errors
    ///
    /// When the database is gone or turns out to be damaged.
    pub fn census(&self, before: &Self) -> Result<Vec<Cohort>, Error> {
        let databases = Databases::read_again(&self.sources).ok_or(Error::WrittenOver)?;
        let sources = databases.sources(&self.base.config.server.geo);
        Cohort::census([&before.base.table, &self.base.table], sources).map_err(Error::Compared)
    }

    /// Returns the table of what was read before for another configuration; `None`: the file was written over.
    fn table(&self, config: &Config) -> Option<Table> {
        let then = &self.base.config;
        let places =
            |config: &Config| config.regions.iter().map(|(_, region)| region.location).collect::<Vec<_>>();
        let is_same = places(config) == places(then)
            && config.groups == then.groups
            && config.spreads == then.spreads
            && config.server.geo.networks == then.server.geo.networks;
        if is_same {
            return Some(self.base.table.clone());
        }
        Databases::read_again(&self.sources)?.compile(config).ok()
    }
}

/// The databases that a configuration names, in memory.
pub(super) struct Databases {
    place: Option<NamedDatabase>,
    asn: Option<NamedDatabase>,
}

/// A database and where it came from.
struct NamedDatabase {
    database: Database,
    held: HeldDatabase,
}

/// Where a database was read from.
#[derive(Clone, Debug)]
struct HeldDatabase {
    /// `None` when it is in the program.
    file: Option<Arc<HeldFile>>,
    source: DatabaseSource,
    setting: &'static str,
}

/// The bytes of the databases that a configuration names.
pub(super) struct ReadDatabases {
    place: Option<ReadDatabase>,
    asn: Option<ReadDatabase>,
}

/// The bytes of a database, and where they came from.
struct ReadDatabase {
    bytes: Vec<u8>,
    held: HeldDatabase,
}

impl ReadDatabases {
    pub(super) fn read(geo: &Geo) -> Result<Self, Error> {
        let read = |source: Option<DatabaseSource>, setting| {
            source.map(|source| ReadDatabase::read(source, setting)).transpose()
        };
        let asn = geo.asn.clone().map(DatabaseSource::File);
        Ok(Self { place: read(geo.database.clone(), "geo.database")?, asn: read(asn, "geo.asn")? })
    }

    /// Returns the SHA-256 of each, the ASN database's last.
    fn digests(&self) -> [Option<String>; 2] {
        [&self.place, &self.asn].map(|read| read.as_ref().map(|read| sha256(&read.bytes)))
    }

    pub(super) fn parse(self) -> Result<Databases, Error> {
        let [place, asn] = [self.place, self.asn].map(|read| read.map(ReadDatabase::parse).transpose());
        Ok(Databases { place: place?, asn: asn? })
    }
}

impl ReadDatabase {
    fn read(source: DatabaseSource, setting: &'static str) -> Result<Self, Error> {
        let (bytes, file) = match &source {
            DatabaseSource::Shipped => (database::shipped(), None),
            DatabaseSource::File(path) => {
                let (bytes, file) = database::read(path).map_err(|error| Error::Read(setting, error))?;
                (bytes, Some(Arc::new(file)))
            }
        };
        Ok(Self { bytes, held: HeldDatabase { file, source, setting } })
    }

    fn parse(self) -> Result<NamedDatabase, Error> {
        let Self { bytes, held } = self;
        match Database::parse(bytes) {
            Ok(database) => Ok(NamedDatabase { database, held }),
            Err(error) => Err(Error::Database(held.setting, held.source, error)),
        }
    }
}

impl HeldDatabase {
    /// Returns the bytes that were read; `None`: the file was written over.
    fn read_again(&self) -> Option<Vec<u8>> {
        match &self.file {
            Some(file) => file.read_again(),
            None => Some(database::shipped()),
        }
    }
}

impl Databases {
    /// Reads files again that are held; `None` when the bytes of one are gone.
    fn read_again(files: &LocationFiles) -> Option<Self> {
        let read = |held: &Option<HeldDatabase>| match held {
            None => Some(None),
            Some(held) => {
                let database = Database::parse(held.read_again()?).ok()?;
                Some(Some(NamedDatabase { database, held: held.clone() }))
            }
        };
        Some(Self { place: read(&files.place)?, asn: read(&files.asn)? })
    }

    pub(super) fn sources<'a>(&'a self, geo: &'a Geo) -> TableSources<'a> {
        TableSources {
            database: self.place.as_ref().map(|named| &named.database),
            asn: self.asn.as_ref().map(|named| &named.database),
            networks: &geo.networks,
        }
    }

    fn compile(&self, config: &Config) -> Result<Table, Error> {
        let sources = self.sources(&config.server.geo);
        let compile = |sources| Table::compile(sources, &config.distinctions());
        compile(sources).map_err(|error| {
            // The one at fault is the one without which the table compiles.
            let is_asn = compile(TableSources { asn: None, ..sources }).is_ok();
            let at_fault = if is_asn { &self.asn } else { &self.place };
            let held = &at_fault.as_ref().expect("only databases can be at fault").held;
            Error::Database(held.setting, held.source.clone(), error)
        })
    }

    /// Drops what is in memory, and keeps the files with the digests of what was read.
    fn into_files(self, [place, asn]: [Option<String>; 2]) -> LocationFiles {
        let origin = |named: &Option<NamedDatabase>, sha256| Some(named.as_ref()?.origin(sha256?));
        LocationFiles {
            origin: origin(&self.place, place),
            asn_origin: origin(&self.asn, asn),
            place: self.place.map(|named| named.held),
            asn: self.asn.map(|named| named.held),
        }
    }
}

impl NamedDatabase {
    fn origin(&self, sha256: String) -> DatabaseOrigin {
        let built_at = Moment::default().plus(Duration::from_secs(self.database.build_epoch()));
        let (source, kind) = (self.held.source.clone(), self.database.kind().to_owned());
        DatabaseOrigin { source, kind, built_at, sha256 }
    }
}
