//! The bytes of DNS messages: questions, EDNS, client subnets, and the writer of replies.
