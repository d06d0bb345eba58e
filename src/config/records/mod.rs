//! Records in presentation format (RFC 1035, section 5.1; RFC 3597; RFC 9460, section 2.1).
//!
//! Texts become wire format here, field by field, and hickory-proto reads that into its typed RDATA,
//! so that what is served has been through the same validation as what comes from a network. Its own
//! text parsers are not used: in 0.26.3 they take `\DDD` for octal, know no DNAME and no `\#`, lose
//! quoted strings inside of parentheses, and cannot say in which line a mistake is.

mod lexer;
mod name;
mod rdata;
mod svcb;
mod types;

pub use lexer::{MasterLine, MasterLines, Token, quote, words};
pub use name::parse as parse_name;
pub use rdata::{RecordTarget, parse};
pub use types::{is_made_by_server, names as type_names, parse as parse_type, to_text as type_text};
