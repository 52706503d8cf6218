//! `whittle send`: files and pipes to an ingestion service.
