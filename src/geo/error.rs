//! Mistakes in databases.

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file is empty")]
    Empty,
    #[error("the file is compressed; unpack it first")]
    Compressed,
    #[error("not a database in MaxMind's format, or cut short")]
    Foreign(#[source] maxminddb::MaxMindDbError),
    #[error("the file has {bytes} bytes; at most {MAX_DATABASE_BYTES} are read")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
    #[error("the search tree is damaged: node {node} is reached twice")]
    Tangled { node: usize },
    #[error("the database is damaged")]
    Damaged(#[source] maxminddb::MaxMindDbError),
    #[error("`{field}` is {found} and not {expected}: the layout is not one that is read")]
    Field {
        /// The keys that lead to it, with dots between them.
        field: String,
        expected: &'static str,
        found: String,
    },
    #[error(
        "no record of the database (type `{kind}`) names a country or a place; it must be a Country or City database"
    )]
    NoCountries {
        /// The type that the database states.
        kind: String,
    },
    #[error(
        "no record of the database (type `{kind}`) names an autonomous system; it must be an ASN database"
    )]
    NoAsns {
        /// The type that the database states.
        kind: String,
    },
}

/// The largest file that is read, since it is read whole: twice the largest that MaxMind sells
/// (GeoIP2 Enterprise, about 500 MB).
pub const MAX_DATABASE_BYTES: usize = 1 << 30;
