//! Reading the history over `/recent`, page by page, until all is there.

use std::time::Duration;

use serde_json::Value;

use crate::error::{KitError, Result};
use crate::http::Connection;
use crate::wait;

/// Rows of a page: the most that the contract allows.
const PAGE: usize = 1_000;

/// The exact count of the rows that match.
///
/// # Errors
/// The answer is not 200, or has no count.
pub fn count(connection: &mut Connection, query: &str) -> Result<u64> {
    let path = format!("/recent?limit=0&{query}");
    let response = connection.get(&path).map_err(KitError::while_trying(&path))?;
    let count = response.header("x-total-count").and_then(|count| count.parse().ok());
    count.filter(|_| response.status == 200).ok_or_else(|| unexpected(&path, response.status, &response.text()))
}

/// Waits until `wanted` rows match, since rows are visible a moment after their acknowledgement.
///
/// # Errors
/// Fewer or more match when the time is over.
pub fn wait_for(connection: &mut Connection, query: &str, wanted: u64, limit: Duration) -> Result<()> {
    let mut last = Ok(0);
    let done = wait::until(&format!("{wanted} rows of /recent?{query}"), limit, || {
        last = count(connection, query);
        matches!(last, Ok(found) if found == wanted).then_some(())
    });
    done.map_err(|error| KitError(format!("{error}; last: {last:?}")))
}

/// All rows that match, newest first, as of the first page.
///
/// # Errors
/// An answer is not 200, or pages do not add up to the count.
pub fn all(connection: &mut Connection, query: &str) -> Result<Vec<Value>> {
    let mut rows: Vec<Value> = Vec::new();
    let mut until = String::new();
    loop {
        let path = format!("/recent?limit={PAGE}&offset={}&until={until}&{query}", rows.len());
        let response = connection.get(&path).map_err(KitError::while_trying(&path))?;
        let Value::Array(page) = response.json() else {
            return Err(unexpected(&path, response.status, &response.text()));
        };
        let total = response.header("x-total-count").and_then(|count| count.parse::<usize>().ok());
        until = response.header("x-until").unwrap_or_default().to_owned();
        let last = page.len() < PAGE;
        rows.extend(page);
        if last && total == Some(rows.len()) {
            return Ok(rows);
        }
        if last {
            return Err(KitError(format!("{path}: {} rows where the count is {total:?}", rows.len())));
        }
    }
}

fn unexpected(path: &str, status: u16, text: &str) -> KitError {
    let text: String = text.chars().take(500).collect();
    KitError(format!("{path} answered {status}: {text}"))
}
