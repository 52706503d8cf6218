//! `whittle demo`: a seeded stream of believable services with incidents in it.
