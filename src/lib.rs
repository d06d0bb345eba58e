//! Meridian: an authoritative GeoDNS server with health-driven answers.
//!
//! # The program on one page
//!
//! YAML becomes a [`config::Config`]; a MaxMind database becomes a flat table of client classes
//! ([`geo`]); canaries ([`probe`]) report observations to the health board ([`health`]). One writer
//! ([`control`]) takes all of these in as inputs and publishes numbered, immutable snapshots
//! ([`snapshot`]), in which every decision ([`steering`]) has been made ahead. One engine
//! ([`engine`]) turns the bytes of a query and a snapshot into the bytes of a reply; every transport
//! ([`serve`]) only carries bytes, and sends fewer replies to a flood.
//!
//! # Layers, and the order in which to read
//!
//! Each module imports only from those before it; a test reads the imports and holds this. Words and core do no
//! I/O, read no clock and log nothing: time and bytes are arguments.
//!
//! | layer | modules |
//! |---|---|
//! | words | [`suggest`], [`moment`], [`units`], [`severity`], [`family`], [`ids`], [`share`], [`zone`], [`client`], [`canary`], [`region`] |
//! | core | [`wire`], [`geo`], [`health`], [`intent`], [`steering`], [`answer`] |
//! | assembly | [`config`], [`generation`], [`snapshot`], [`engine`], [`transfer`], [`event`], [`load`], [`forecast`], [`inspect`], [`availability`], [`alarm`], [`control`] |
//! | edges | [`docs`], [`metrics`], [`probe`], [`outbound`], [`serve`], [`files`], [`webhook`], [`peers`], [`admin`] |
//! | shell | [`terminal`], [`daemon`], [`demo`], [`simulate`], [`cli`] |
//!
//! Words: [`suggest`] finds the nearest known name for a misspelt one; [`moment`] is time as rules use it, and its RFC
//! 3339 text; [`units`] are durations, percentages and counts with one text form each; [`severity`] is info, warning
//! or critical; [`family`] is IPv4 or IPv6; [`ids`] are the numbers of things in a configuration; [`share`] decides
//! which clients belong to a share of them; [`zone`] holds owner names and RRsets; [`client`] is a client's location,
//! groups and residency unions; [`canary`] is a check, its thresholds, results and signals; [`region`] holds regions,
//! zones, addresses, how many of these must be up (`min_healthy`), and [`region::Target`].
//!
//! Core: [`wire`] reads queries and writes replies, and judges cookies and signatures; [`geo`] maps an address to its class and scope; [`health`] turns
//! observations into one status of each address, zone and region, with recovery, suppression and outliers; [`intent`]
//! holds operators' actions, requests, schedules, precedence, and how clients return when one ends; [`steering`]
//! applies residency, order, share and fail-open, and divides the clients of full regions; [`answer`] packs RRsets and
//! finds names.
//!
//! Assembly: [`config`] compiles YAML or reports every problem; [`generation`] numbers what was in force, and never
//! goes back; [`snapshot`] decides everything ahead; [`engine`] answers bytes with bytes, and leaves out what a reply
//! has no room for; [`transfer`] numbers zones for plain secondaries, and gives them away; [`event`] has one constructor
//! for each thing that happens; [`load`] learns demand and says when, and how fast, [`steering`] divides it; [`forecast`] predicts where clients go and which safety rules break;
//! [`inspect`] explains, proves, asks what-if and draws the atlas; [`availability`] measures and calculates uptime;
//! [`alarm`] raises and clears conditions, evaluates alarm rules and groups incidents; [`control`] is the state
//! machine that decides, takes or refuses what operators ask, drains and drills.
//!
//! Edges: [`docs`] has the pages of the documentation; [`metrics`] counts for Prometheus; [`probe`] schedules and runs
//! canaries; [`outbound`] makes the other requests; [`serve`] has UDP, TCP and TLS, and limits replies; [`files`]
//! reads the bytes of configuration, databases and secrets, and keeps state and the event log; [`webhook`] delivers events;
//! [`peers`] has the streams between instances; [`admin`] has the HTTP API with its types, access control, the page,
//! the map and the live stream.
//!
//! Shell: [`terminal`] knows its colours and its size; [`daemon`] wires everything to the real clock, and reloads: what a
//! refused configuration leaves in force, and which tokens end at once; [`demo`] is a world on loopback; [`simulate`] plays scenarios to the same code on a written clock; [`cli`] has one command a
//! file.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | region | a place that serves the API: coordinates, jurisdiction, capacity, availability zones |
//! | availability zone (AZ) | a part of a region with its own addresses, which can be evacuated alone |
//! | address | one IPv4 or IPv6 address of an AZ; what an answer contains |
//! | target | `region`, `region/zone` or `region/zone/address`, as operators and scripts name them |
//! | canary | a check that is run against every address of a region, or once against the region |
//! | probe, observation | one run of a canary; its result |
//! | observer, peer | an instance that probes, and judges with others; another one, as an instance calls it |
//! | fact, quorum | what one observer sees by one canary; how many observers must see something down |
//! | status | what is known of an AZ or region and family: phase, since, up/total/needed, share, suppression |
//! | share | the part of its clients that a region takes now |
//! | suppression | why a failover that the counts ask for does not happen, or not whole: blindness, correlated failure, overload, no region that is well, the limits of `safety` |
//! | event | something that happened: kind, severity, target, from, to, reason, evidence, author, snapshot, time |
//! | alarm, incident | a condition that stands until it clears; the conditions that belong to one cause, told as one |
//! | intent | what an operator asked for: an action with author, reason, expiry |
//! | override | a safety rule broken on purpose, named |
//! | group, residency rule | a named set of clients; the only jurisdictions or regions that a group may be sent to |
//! | audience | the clients of a name that one residency rule binds, or all of them |
//! | steered name | an owner name whose A, AAAA and HTTPS answers are chosen; every other name is static |
//! | pin | a name below a steered one that answers the addresses of one region or zone, whatever their health |
//! | service | what shares the machines of a region and has canaries of its own; it is watched and steered as a region, `tokyo:batch` |
//! | class | all clients for whom every decision is the same by construction; the geo table maps addresses to classes |
//! | client subnet (ECS), scope | RFC 7871's terms; what an answer says is in `Snapshot::steer`, what a short prefix gets in `snapshot::partition` |
//! | generation | the number of a configuration that was in force, with its content; a later one is greater |
//! | snapshot | the immutable, numbered result of compiling everything |
//! | transport | UDP, TCP: what brings bytes to the engine and takes bytes away |
//! | forecast | what the same code says would happen: dry runs, what-if, drills' pre-checks |

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
pub mod docs;
pub mod engine;
pub mod event;
pub mod family;
pub mod files;
pub mod forecast;
pub mod generation;
pub mod geo;
pub mod health;
pub mod ids;
pub mod inspect;
pub mod intent;
pub mod load;
pub mod metrics;
pub mod moment;
pub mod outbound;
pub mod peers;
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
pub mod transfer;
pub mod units;
pub mod webhook;
pub mod wire;
pub mod zone;
