//! What a variable is, by its text: for display and for typed columns. Not part of a form.

/// The kind of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A number with a fraction.
    Float,
    /// `0x…` or a run of hex digits of both kinds.
    Hex,
    /// `8-4-4-4-12` hex digits.
    Uuid,
    /// An IPv4 or IPv6 address, with or without a port, or a MAC.
    Address,
    /// A host name, with or without a port, or an e-mail address.
    Host,
    /// A date, a time, or both.
    Time,
    /// A number with its unit glued on: `10ms`, `4KB`, `7%`.
    Quantity,
    /// A path of Unix or Windows, or the rest of a URL.
    Path,
    /// Several values with commas, colons or `#` between.
    List,
    /// Anything else: an identifier with a number in it, a word, the rest of a record.
    Text,
}

impl Kind {
    /// The name in typed templates, as in `<int>`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Int => "int",
            Kind::Float => "float",
            Kind::Hex => "hex",
            Kind::Uuid => "uuid",
            Kind::Address => "addr",
            Kind::Host => "host",
            Kind::Time => "time",
            Kind::Quantity => "quantity",
            Kind::Path => "path",
            Kind::List => "list",
            Kind::Text => "text",
        }
    }

    /// All kinds, in the order of their codes.
    const ALL: [Kind; 11] = [
        Kind::Int,
        Kind::Float,
        Kind::Hex,
        Kind::Uuid,
        Kind::Address,
        Kind::Host,
        Kind::Time,
        Kind::Quantity,
        Kind::Path,
        Kind::List,
        Kind::Text,
    ];

    /// The kind of a stored code; an unknown one is text.
    pub(crate) fn from_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or(Kind::Text)
    }

    /// The kind of a value.
    pub fn of(value: &[u8]) -> Self {
        let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
        let unsigned = value.strip_prefix(b"-").or(value.strip_prefix(b"+")).unwrap_or(value);
        if !unsigned.is_empty() && unsigned.iter().all(u8::is_ascii_digit) {
            return Kind::Int;
        }
        if is_float(unsigned) {
            return Kind::Float;
        }
        if matches!(value, [b'/', _, ..] | [b'\\', ..] | [_, b':', b'/' | b'\\', ..]) {
            return if address(value.strip_prefix(b"/").unwrap_or(value)) { Kind::Address } else { Kind::Path };
        }
        if value.len() == 36
            && value
                .iter()
                .enumerate()
                .all(|(i, b)| if [8, 13, 18, 23].contains(&i) { *b == b'-' } else { b.is_ascii_hexdigit() })
        {
            return Kind::Uuid;
        }
        if value.starts_with(b"0x") || value.len() >= 6 && digits > 0 && value.iter().all(u8::is_ascii_hexdigit) {
            return Kind::Hex;
        }
        if address(value) {
            return Kind::Address;
        }
        if is_time(value) {
            return Kind::Time;
        }
        if is_quantity(unsigned) {
            return Kind::Quantity;
        }
        Self::of_words(value)
    }

    fn of_words(value: &[u8]) -> Self {
        let name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'@' | b':');
        if value.iter().any(|b| matches!(b, b',' | b'#')) && value.iter().all(|b| !b.is_ascii_whitespace()) {
            return Kind::List;
        }
        if value.contains(&b'/') && value.iter().all(|b| name(b) || b"/?=&%+~".contains(b)) {
            return Kind::Path;
        }
        if value.contains(&b'.') && value.iter().all(name) && value.iter().any(u8::is_ascii_alphabetic) {
            return Kind::Host;
        }
        Kind::Text
    }
}

fn is_float(value: &[u8]) -> bool {
    let mut parts = value.split(|&b| b == b'.');
    let (Some(whole), Some(fraction), None) = (parts.next(), parts.next(), parts.next()) else { return false };
    !whole.is_empty() && !fraction.is_empty() && whole.iter().chain(fraction).all(u8::is_ascii_digit)
}

fn address(value: &[u8]) -> bool {
    let (host, port) = match value.iter().rposition(|&b| b == b':') {
        Some(at) if value.iter().filter(|&&b| b == b':').count() == 1 => (&value[..at], &value[at + 1..]),
        _ => (value, &b"0"[..]),
    };
    let four = host.split(|&b| b == b'.').count() == 4;
    let octet = |part: &[u8]| (1..=3).contains(&part.len()) && part.iter().all(u8::is_ascii_digit);
    if four && host.split(|&b| b == b'.').all(octet) && port.iter().all(u8::is_ascii_digit) {
        return true;
    }
    let groups = value.split(|&b| b == b':').count();
    let hex = value.split(|&b| b == b':').all(|part| part.len() <= 4 && part.iter().all(u8::is_ascii_hexdigit));
    hex && groups >= 3 && (groups >= 5 || value.windows(2).any(|pair| pair == b"::"))
}

fn is_time(value: &[u8]) -> bool {
    let digit = |at: usize| value.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, set: &[u8]| value.get(at).is_some_and(|b| set.contains(b));
    let date = digit(0) && digit(3) && is(4, b"-/.") && digit(5) && is(7, b"-/.") && digit(8);
    let clock = digit(0) && digit(1) && is(2, b":") && digit(3) && digit(4) && (value.len() == 5 || is(5, b":"));
    let slashed = digit(0) && is(2, b"/-.") && is(5, b"/-.") && digit(6);
    date || clock || slashed
}

fn is_quantity(value: &[u8]) -> bool {
    let number = value.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let unit = &value[number..];
    number > 0
        && (1..=5).contains(&unit.len())
        && unit.iter().all(|b| b.is_ascii_alphabetic() || matches!(b, b'%' | b'/') || *b >= 0x80)
}
