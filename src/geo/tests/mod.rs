//! Tests of the module as a whole, with databases that the maker of the shipped one writes.

mod foreign;
mod laws;
mod well_known;
