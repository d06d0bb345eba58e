//! Records in presentation format (RFC 1035, section 5.1; RFC 3597; RFC 9460, section 2.1).
//!
//! Texts become wire format here: `types` lists the fields of each type, `fields` writes them, and what is more
//! than a number, a name or a string has a file of its own. hickory-proto then reads the wire format into its
//! typed RDATA, where it can. Its own text parsers are not used: in 0.26.3 they take `\DDD` for octal, know no
//! DNAME and no `\#`, lose quoted strings inside of parentheses, and cannot say in which line a mistake is.

mod bitmap;
mod fields;
mod gateway;
mod host_identity;
mod lexer;
mod location;
mod mnemonics;
mod name;
mod octet_groups;
mod prefixes;
mod rdata;
mod svcb;
mod types;
mod writer;

pub use lexer::{MasterLine, MasterLines, Token, after_mark, quote, words};
pub use mnemonics::{number, seconds};
pub use name::{parse as parse_name, parse_relative as parse_relative_name};
pub use rdata::{parse, wire_length};
pub use types::{made_by_server, names as type_names, parse as parse_type, to_text as type_text};
pub use writer::RecordTarget;
