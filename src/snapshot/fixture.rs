//! Bases from a few lines of YAML, for the tests of snapshots and of what builds on them.

use std::sync::Arc;

use super::Base;
use crate::config::{self, SourceFile, SourceFiles};
use crate::geo::{Table, TableSources};

const SERVER: &str = "name: ns1\nlisten: { dns: ['127.0.0.1:5300'] }\n";

/// Builds the base of a `regions.yaml` and of the zone `example.com`, without any database.
pub fn base(regions: &str, zone: &str) -> Base {
    located("", regions, zone)
}

/// Builds it with clients that `geo`, a setting of `server.yaml`, locates.
pub fn located(geo: &str, regions: &str, zone: &str) -> Base {
    let server = &format!("{SERVER}{geo}");
    let files = [("server.yaml", server.as_str()), ("regions.yaml", regions), ("example.com.yaml", zone)];
    let files = files.map(|(name, text)| SourceFile::new(name, text));
    let compiled = config::compile(&SourceFiles::new("zones", files.to_vec()));
    let config = compiled.unwrap_or_else(|problems| panic!("{problems}")).config;
    let sources = TableSources { database: None, asn: None, networks: &config.server.geo.networks };
    let table = Table::compile(sources, &config.distinctions()).expect("no database");
    Base::build(Arc::new(config), table)
}
