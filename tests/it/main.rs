//! The product as an operator meets it: its real binary, over loopback, from a folder of YAML.
//!
//! `server` runs it, `home` is the folder, `region` the services that its canaries poll, `ask` a small
//! `dig`. Everything waits for what should happen, up to a deadline, and no longer than it takes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../support/mod.rs"]
mod support;

mod ask;
mod home;
mod intents;
mod region;
mod run;
mod server;

mod access;
mod answers;
mod authorities;
mod availability;
mod backup;
mod browser;
mod clock;
mod commands;
mod confined;
mod connections;
mod datagrams;
mod demo;
mod docs;
mod drain_status;
mod drill;
mod encrypted;
mod events;
mod failover;
mod floods;
mod generations;
mod lookups;
mod manners;
mod packets;
mod pages;
mod pair;
mod peers;
mod plan;
mod reload;
mod replace;
mod restart;
mod rollout;
mod startup;
mod state;
mod steering;
mod transfer;
mod watch;
mod whatif;
