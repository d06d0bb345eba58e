//! Bases from a few lines of YAML, for the tests of snapshots and of what builds on them.

use std::sync::Arc;

use super::Base;
use crate::config::{self, SourceFile, SourceFiles};
use crate::geo::{self, Table};

const SERVER: &str = "name: ns1\nlisten: { dns: ['127.0.0.1:5300'] }\n";

/// Builds the base of a `regions.yaml` and of the zone `example.com`, without any database.
pub fn base(regions: &str, zone: &str) -> Base {
    let files = [("server.yaml", SERVER), ("regions.yaml", regions), ("example.com.yaml", zone)];
    let files = files.map(|(name, text)| SourceFile::new(name, text));
    let compiled = config::compile(&SourceFiles::new("zones", files.to_vec()));
    let config = compiled.unwrap_or_else(|problems| panic!("{problems}")).config;
    let sources = geo::TableSources { database: None, asn: None, networks: &[] };
    let table = Table::compile(sources, &config.regions, &config.groups).expect("no database");
    Base::build(Arc::new(config), table)
}
