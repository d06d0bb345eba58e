//! What a secondary is given, and why it is not.

/// What a secondary is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// The whole zone, as it was asked for.
    Whole,
    /// The whole zone, for the differences that were asked for are not known.
    WholeInstead,
    /// Differences.
    Differences,
    /// The SOA record alone: there is nothing newer, or more than a datagram takes.
    Serial,
}

impl TransferKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Whole, Self::WholeInstead, Self::Differences, Self::Serial];

    /// Returns its word in metrics and the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "axfr",
            Self::WholeInstead => "axfr_for_ixfr",
            Self::Differences => "ixfr",
            Self::Serial => "serial",
        }
    }
}

/// Why a transfer, or a signed request, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferRefusal {
    /// The zone is not given to this name server, or not without another key.
    NotPermitted,
    /// No zone of this server has the name.
    NoZone,
    /// A whole zone was asked for in a datagram.
    OverUdp,
    /// The request does not follow the format.
    Malformed,
    /// The key is not known.
    BadKey,
    /// The signature is not that of the request.
    BadSignature,
    /// The clocks differ by too much.
    BadTime,
}

impl TransferRefusal {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::NotPermitted,
        Self::NoZone,
        Self::OverUdp,
        Self::Malformed,
        Self::BadKey,
        Self::BadSignature,
        Self::BadTime,
    ];

    /// Returns its word in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPermitted => "not_permitted",
            Self::NoZone => "no_zone",
            Self::OverUdp => "over_udp",
            Self::Malformed => "malformed",
            Self::BadKey => "bad_key",
            Self::BadSignature => "bad_signature",
            Self::BadTime => "bad_time",
        }
    }

    /// Returns it as the end of a sentence, with the way out.
    pub fn text(self) -> &'static str {
        match self {
            Self::NotPermitted => {
                "`transfer` of the zone has no entry of `clients` for this address and key (REFUSED)"
            }
            Self::NoZone => "no zone here has the name (NOTAUTH)",
            Self::OverUdp => "a whole zone is given over TCP only (REFUSED)",
            Self::Malformed => "the request is malformed (FORMERR)",
            Self::BadKey => "its key is not in `tsig_keys`, or has another algorithm there (NOTAUTH, BADKEY)",
            Self::BadSignature => "its signature is wrong: the secret is another one there (NOTAUTH, BADSIG)",
            Self::BadTime => "the clocks differ by more than 5 minutes (NOTAUTH, BADTIME)",
        }
    }
}
