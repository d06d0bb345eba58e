//! Meridian: an authoritative GeoDNS server with health-driven answers.
//!
//! # The program on one page
//!
//! YAML becomes a [`config::Config`]; a MaxMind database becomes a flat table of client classes
//! ([`geo`]); canaries ([`probe`]) report observations to the health board ([`health`]). One writer
//! ([`control`]) takes all of these in as events and publishes numbered, immutable snapshots
//! ([`snapshot`]), in which every decision ([`steering`]) has been made ahead. One engine
//! ([`engine`]) turns the bytes of a query and a snapshot into the bytes of a reply; every transport
//! ([`serve`]) only carries bytes to it.
//!
//! # Layers, and the order in which to read
//!
//! Each layer imports only from those above it; a test reads the imports and holds this.
//!
//! | layer | modules |
//! |---|---|
//! | words | [`suggest`], [`moment`], [`units`], [`severity`], [`family`], [`ids`], [`share`], [`zone`], [`client`], [`canary`], [`region`] |
//! | core | [`wire`], [`geo`], [`health`], [`intent`], [`steering`], [`answer`] |
//! | assembly | [`config`], [`snapshot`], [`engine`], [`event`], [`load`], [`forecast`], [`inspect`], [`availability`], [`alarm`], [`control`] |
//! | edges | [`metrics`], [`probe`], [`serve`], [`files`], [`webhook`], [`admin`] |
//! | shell | [`terminal`], [`daemon`], [`demo`], [`simulate`], [`cli`] |

// The pages are read with private items: `cargo doc --document-private-items`.
#![allow(rustdoc::private_intra_doc_links)]

pub mod admin;
pub mod alarm;
pub mod answer;
pub mod availability;
pub mod canary;
pub mod cli;
pub mod client;
pub mod config;
pub mod control;
pub mod daemon;
pub mod demo;
pub mod engine;
pub mod event;
pub mod family;
pub mod files;
pub mod forecast;
pub mod geo;
pub mod health;
pub mod ids;
pub mod inspect;
pub mod intent;
pub mod load;
pub mod metrics;
pub mod moment;
pub mod probe;
pub mod region;
pub mod serve;
pub mod severity;
pub mod share;
pub mod simulate;
pub mod snapshot;
pub mod steering;
pub mod suggest;
pub mod terminal;
pub mod units;
pub mod webhook;
pub mod wire;
pub mod zone;
