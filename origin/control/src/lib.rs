//! Shows, stream keys, tickets and sessions: the REST API and the rows behind it.
