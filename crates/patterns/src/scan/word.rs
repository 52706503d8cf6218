//! Which part of a word is a variable, by the look of the word alone.
//!
//! Called only for words that hold a digit, a slash, a backslash or an inner
//! dot. The answer depends on the word and the bytes beside it, never on what
//! was seen before, so that a line always has the same form.

use super::bitmap::is_separator;

/// A stretch of bytes: first, and one past the last.
pub type Stretch = (usize, usize);

/// The variable in the word `start..end` of `text`, if there is one. It may begin before the word
/// (but not before `floor`) and end after it.
pub fn variable(text: &[u8], start: usize, end: usize, floor: usize) -> Option<Stretch> {
    let word = &text[start..end];
    if word[0].is_ascii_digit() && text.get(end) != Some(&b':') && (start == 0 || text[start - 1] != b':') {
        // Most variables: the word as a whole, whatever else it is.
        return Some((start, start + trimmed(word).len()));
    }
    match word[0] {
        b'/' => {
            if let Some(found) = path_or_url(text, start, end, floor) {
                return Some(found);
            }
        }
        b'\\' => {
            if let Some(found) = windows_path(text, start, end, floor) {
                return Some(found);
            }
        }
        _ => {}
    }
    if let Some(found) = colon_groups(text, start, end, floor) {
        return Some(found);
    }
    if is_host(trimmed(word)) || is_uuid(trimmed(word)) {
        return Some((start, start + trimmed(word).len()));
    }
    let from = digits_in(word)?;
    let (mut from, to) = (start + from, start + trimmed(word).len());
    if from == start && from > 0 && text[from - 1] == b':' {
        from = host_before(text, from, to).unwrap_or(from);
    }
    (from < to).then_some((from, to))
}

/// The word without the dots at its end: they belong to the sentence.
pub fn trimmed(word: &[u8]) -> &[u8] {
    let mut end = word.len();
    while end > 0 && word[end - 1] == b'.' {
        end -= 1;
    }
    &word[..end]
}

/// Where in the word a variable begins that runs to its end: a run of letters and digits that starts with a
/// digit (its sign included), six or more hex digits of both kinds, three or more digits after letters, `v1`.
fn digits_in(word: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < word.len() {
        if !is_run(word[at]) {
            at += 1;
            continue;
        }
        let mut end = at;
        while end < word.len() && is_run(word[end]) {
            end += 1;
        }
        if word[at].is_ascii_digit() {
            let signed = at > 0 && matches!(word[at - 1], b'-' | b'+') && (at == 1 || word[at - 2] == b'_');
            return Some(if signed { at - 1 } else { at });
        }
        if let Some(inside) = digits_in_run(&word[at..end]) {
            return Some(at + inside);
        }
        at = end;
    }
    None
}

/// The same for one run of letters and digits that starts with a letter.
fn digits_in_run(run: &[u8]) -> Option<usize> {
    let first = run.iter().position(u8::is_ascii_digit)?;
    if run.len() >= 6 && run.iter().all(u8::is_ascii_hexdigit) {
        return Some(0);
    }
    if first == 1 && matches!(run[0], b'v' | b'V') && run[1..].iter().all(u8::is_ascii_digit) {
        return Some(0);
    }
    let mut count = 0;
    for (at, byte) in run.iter().enumerate().skip(first) {
        count = if byte.is_ascii_digit() { count + 1 } else { 0 };
        if count == 3 {
            return Some(at - 2);
        }
    }
    None
}

fn is_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// `scheme://…` (the scheme stays), `/a/path`, `C:/a/path`.
fn path_or_url(text: &[u8], start: usize, end: usize, floor: usize) -> Option<Stretch> {
    let before = start.checked_sub(1).filter(|&at| at >= floor && text[at] == b':');
    if text[start..].starts_with(b"//") && before.is_some_and(|at| at > 0 && text[at - 1].is_ascii_alphanumeric()) {
        let to = url_end(text, start + 2);
        return (to > start + 2).then_some((start + 2, to));
    }
    let second = *text.get(start + 1).filter(|_| end > start + 1)?;
    if !is_run(second) && !matches!(second, b'.' | b'_' | b'~' | b'-' | b'$' | b'%' | b'@') {
        return None;
    }
    let from = drive(text, start, floor).unwrap_or(start);
    Some((from, path_end(text, end)))
}

fn url_end(text: &[u8], from: usize) -> usize {
    let mut end = from;
    while end < text.len() && text[end] > b' ' && !b"\"'<>()[]{}|`".contains(&text[end]) {
        end += 1;
    }
    while end > from && matches!(text[end - 1], b'.' | b',' | b';' | b':' | b'!' | b'?') {
        end -= 1;
    }
    end
}

/// A path goes on after `:`, `=` and their like when a name follows at once.
fn path_end(text: &[u8], mut end: usize) -> usize {
    while end + 1 < text.len() && b":=#&?!".contains(&text[end]) && (is_run(text[end + 1]) || text[end + 1] == b'/') {
        end += 1;
        while end < text.len() && !is_separator(text[end]) {
            end += 1;
        }
    }
    while text[end - 1] == b'.' {
        end -= 1;
    }
    end
}

/// `C:` before `start`, a letter that stands alone.
fn drive(text: &[u8], start: usize, floor: usize) -> Option<usize> {
    let letter = start.checked_sub(2).filter(|&at| at >= floor)?;
    let alone = letter == floor || is_separator(text[letter - 1]) || text[letter - 1] == b'/';
    (text[start - 1] == b':' && text[letter].is_ascii_alphabetic() && alone).then_some(letter)
}

/// `C:\…` and `\\server\share`.
fn windows_path(text: &[u8], start: usize, end: usize, floor: usize) -> Option<Stretch> {
    if end - start < 2 {
        return None;
    }
    let from = drive(text, start, floor).or_else(|| text[start..].starts_with(b"\\\\").then_some(start))?;
    Some((from, path_end(text, end)))
}

/// Groups of up to four hex digits with colons between: IPv6, MAC, a time. At least two colons.
fn colon_groups(text: &[u8], start: usize, end: usize, floor: usize) -> Option<Stretch> {
    let beside = text.get(end) == Some(&b':') || (start > floor && text[start - 1] == b':');
    if !beside || end - start > 4 || !text[start..end].iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let part = |byte: u8| byte.is_ascii_hexdigit() || byte == b':';
    let mut from = start;
    while from > floor && part(text[from - 1]) {
        from -= 1;
    }
    let mut to = end;
    while to < text.len() && part(text[to]) && to - from < 64 {
        to += 1;
    }
    let whole = |at: usize| is_separator(at.checked_sub(1).map_or(b' ', |before| text[before]));
    if !whole(from) || text.get(to).is_some_and(|&next| !is_separator(next) && !matches!(next, b'/' | b'%' | b'.')) {
        return None;
    }
    // A colon at the end is the sentence's.
    if to - from > 1 && text[to - 1] == b':' && text[to - 2] != b':' {
        to -= 1;
    }
    let run = &text[from..to];
    let colons = run.iter().filter(|&&byte| byte == b':').count();
    let short = run.split(|&byte| byte == b':').all(|group| group.len() <= 4);
    if colons < 2 || !short || run[0] == b':' && !run.starts_with(b"::") {
        return None;
    }
    while to < text.len() && !is_separator(text[to]) {
        to += 1;
    }
    Some((from, from + trimmed(&text[from..to]).len()))
}

/// `8-4-4-4-12` hex digits: may start with a letter and then hold no digit for a while.
fn is_uuid(word: &[u8]) -> bool {
    word.len() == 36
        && word.iter().enumerate().all(|(at, &byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Endings of host names, with those that are kept for examples (RFC 2606). Two letters count only after two labels or more,
/// since files end that way too.
const ENDINGS: [&[u8]; 16] = [
    b"com",
    b"net",
    b"org",
    b"edu",
    b"gov",
    b"mil",
    b"info",
    b"biz",
    b"local",
    b"internal",
    b"lan",
    b"arpa",
    b"corp",
    b"localdomain",
    b"example",
    b"invalid",
];
const COUNTRIES: &[u8] =
    b"ae ar at au be bg br by ca ch ci cl cn co cz de dk ee es eu fi fr gr hk hr hu ie il in ir it jp kr kz \
lt lu lv ma me mx my nl nz pe ph pk pt ro ru rs sa se sg si sk th tr tv tw ua uk us uz vn za";
/// First words of package names, which are host names turned round.
const PACKAGES: [&[u8]; 9] = [b"com", b"org", b"net", b"java", b"javax", b"edu", b"io", b"gov", b"sun"];

/// A host name by its ending, or an e-mail address, which may have any ending of letters.
fn is_host(word: &[u8]) -> bool {
    let Some(dot) = word.iter().rposition(|&byte| byte == b'.') else { return false };
    let (head, ending) = (&word[..dot], &word[dot + 1..]);
    if head.is_empty()
        || !word.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@' | b'+' | b'*'))
    {
        return false;
    }
    let dots = head.iter().filter(|&&byte| byte == b'.').count();
    let first = head.split(|&byte| byte == b'.').next().unwrap_or(head);
    if PACKAGES.contains(&first) {
        return false;
    }
    let mail = head.iter().position(|&byte| byte == b'@').is_some_and(|at| at > 0 && at + 1 < head.len());
    if mail && ending.len() >= 2 && ending.iter().all(u8::is_ascii_alphabetic) {
        return true;
    }
    let country =
        ending.len() == 2 && dots > 0 && COUNTRIES.split(|&b| b == b' ').any(|c| c.eq_ignore_ascii_case(ending));
    country || ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending))
}

/// Endings of source files: what follows their colon is a line, not a port.
const SOURCES: [&[u8]; 18] = [
    b"c", b"cc", b"cpp", b"h", b"hpp", b"java", b"py", b"rs", b"go", b"js", b"ts", b"rb", b"php", b"scala", b"kt",
    b"cs", b"m", b"pl",
];

/// The host before `:port`: a name with a dash, a dot or a digit in it. What was found in that name becomes part of it.
fn host_before(text: &[u8], port: usize, end: usize) -> Option<usize> {
    if !(2..=5).contains(&(end - port)) || !text[port..end].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut from = port - 1;
    while from > 0 && !is_separator(text[from - 1]) {
        from -= 1;
    }
    let name = &text[from..port - 1];
    let host = name.first().is_some_and(u8::is_ascii_alphanumeric)
        && name.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'@'))
        && name.iter().any(|&b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
    let ending = name.rsplit(|&byte| byte == b'.').next().unwrap_or(name);
    let source = ending.len() < name.len() && SOURCES.contains(&ending);
    (host && !source).then_some(from)
}
