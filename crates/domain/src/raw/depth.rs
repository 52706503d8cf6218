//! How deep JSON nests, before any parser recurses into it.

use memchr::memchr2_iter;

/// Whether objects and arrays stand more than `limit` within each other. The text need not be valid JSON.
pub fn deeper_than(text: &str, limit: usize) -> bool {
    let bytes = text.as_bytes();
    // Brackets within strings count here too: a bound from above that most texts pass.
    if memchr2_iter(b'{', b'[', bytes).nth(limit).is_none() {
        return false;
    }
    let (mut depth, mut i) = (0usize, 0);
    while i < bytes.len() {
        match bytes[i] {
            b'"' => i = end_of_string(bytes, i + 1),
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        i += 1;
    }
    false
}

/// The index of the quote that ends the string whose first character stands at `i`.
fn end_of_string(bytes: &[u8], mut i: usize) -> usize {
    while i < bytes.len() && bytes[i] != b'"' {
        i += if bytes[i] == b'\\' { 2 } else { 1 };
    }
    i
}

/// Whether the JSON text has half of a surrogate pair in an escape: valid by the grammar, but not text.
pub(super) fn has_lone_surrogate(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut i = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[i.min(bytes.len())..]) {
        let at = i + found;
        i = at + 2;
        if bytes.get(at + 1) != Some(&b'u') {
            continue;
        }
        match escaped_unit(bytes, at) {
            Some(0xD800..=0xDBFF) if matches!(escaped_unit(bytes, at + 6), Some(0xDC00..=0xDFFF)) => i = at + 12,
            Some(0xD800..=0xDFFF) => return true,
            _ => {}
        }
    }
    false
}

/// The code unit of the `\uXXXX` that stands at `at`, if one does.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let hex = std::str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u32::from_str_radix(hex, 16).ok()
}
