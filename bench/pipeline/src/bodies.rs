//! Requests made before anything is measured, so that a client costs a write and a read.

use whittle_testkit::{Connection, Corpus};

/// Words that stand in a few messages each, in a variable: what a person searches who knows an id.
pub const NEEDLES: [&str; 5] = ["nx71q8v0", "nx25k3bz", "nx90w6rt", "nx48d1hm", "nx63y7pc"];
/// Messages that have each of [`NEEDLES`].
pub const NEEDLE_TIMES: usize = 3;

/// Requests of a load, as bytes.
#[derive(Debug, Default)]
pub struct Bodies {
    /// Head and body of each.
    pub requests: Vec<Vec<u8>>,
    /// Records of all together.
    pub lines: usize,
    /// Bytes of all records as NDJSON.
    pub ndjson_bytes: usize,
}

impl Bodies {
    /// `lines` records of the corpus, `batch` a request.
    pub fn bulk(corpus: &mut Corpus, lines: usize, batch: usize) -> Bodies {
        let mut bodies = Bodies::default();
        let every = (lines / (NEEDLES.len() * NEEDLE_TIMES + 1)).max(1);
        let mut body = Vec::with_capacity(batch * 256);
        while bodies.lines < lines {
            body.clear();
            for _ in 0..batch.min(lines - bodies.lines) {
                bodies.lines += 1;
                let mut record = corpus.next_record();
                if bodies.lines.is_multiple_of(every) {
                    let needle = NEEDLES[bodies.lines / every % NEEDLES.len()];
                    record.message =
                        format!("Refund of 17.50 EUR issued for order {needle}, reference RF-{}", bodies.lines);
                }
                record.write_json(&mut body);
                body.push(b'\n');
            }
            bodies.ndjson_bytes += body.len();
            bodies.requests.push(ndjson_request(&body));
        }
        bodies
    }

    /// `count` requests with one record each.
    pub fn single(corpus: &mut Corpus, count: usize) -> Bodies {
        let mut bodies = Bodies::default();
        let mut body = Vec::new();
        for _ in 0..count {
            body.clear();
            corpus.next_record().write_json(&mut body);
            bodies.lines += 1;
            bodies.ndjson_bytes += body.len() + 1;
            bodies.requests.push(Connection::render("POST", "/ingest", &[("content-type", "application/json")], &body));
        }
        bodies
    }

    /// The records alone, of the requests from `first` on, up to `bytes`.
    pub fn ndjson(&self, first: usize, bytes: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes + (1 << 20));
        for request in self.requests.iter().skip(first) {
            let head = request.windows(4).position(|part| part == b"\r\n\r\n").map_or(0, |at| at + 4);
            out.extend_from_slice(&request[head..]);
            if out.len() >= bytes {
                break;
            }
        }
        out
    }
}

/// A request cut into a head that asks whether its body is wanted, and the body.
pub fn asking(request: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let head_end = request.windows(4).position(|part| part == b"\r\n\r\n").map_or(0, |at| at + 2);
    let head = [&request[..head_end], b"expect: 100-continue\r\n\r\n"].concat();
    (head, request[head_end + 2..].to_vec())
}

/// A request with NDJSON.
pub fn ndjson_request(body: &[u8]) -> Vec<u8> {
    Connection::render("POST", "/ingest", &[("content-type", "application/x-ndjson")], body)
}
