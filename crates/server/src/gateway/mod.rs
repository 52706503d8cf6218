//! The WebSocket gateway: events from the pipeline to browsers, as they come.
