//! The words that the rules of grouping know: plain English and units, no name of any program.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::Rules;

/// Units after a number: sizes, times, rates, counts of bytes.
const UNITS: &str = "b kb mb gb tb pb kib mib gib tib bit bits byte bytes kbytes mbytes kbps mbps gbps bps \
s sec secs second seconds ms msec msecs millis millisecond milliseconds us usec microseconds ns nsec nanoseconds \
m min mins minute minutes h hr hrs hour hours d day days week weeks hz khz mhz ghz % percent pages k c f v w mv ma";

/// Words of state: two lines that differ in one say different things.
const STATES: &str = "start started starting stop stopped stopping fail failed failing failure fails success succeeded \
successful successfully ok error errors warning warn info debug fatal critical up down on off open opened opening close closed closing \
connect connected connecting disconnect disconnected disconnecting enable enabled enabling disable disabled disabling \
begin began beginning end ended ending finish finished finishing complete completed completing create created creating \
delete deleted deleting add added adding remove removed removing active inactive running ready pending waiting \
accept accepted accepting reject rejected refused denied allowed invalid valid unknown expired timeout lost found \
missing available unavailable alive dead busy idle paused resumed suspended registered unregistered registering \
loaded unloaded loading mounted unmounted joined left sent received sending receiving read write reading writing \
get set put post login logout locked unlocked aborted cancelled canceled killed exited terminated terminating \
first last new old min max minimum maximum total before after source destination src dst from to input output \
in out not no none yes allocated released acquire acquired release updated updating update passed increased decreased \
request response client server master worker";

/// Small words that hold a sentence together; they are never values.
const GLUE: &str = "a an the of in on at to for from by with without and or is are was were be been has have had will would \
can could cannot not no as than then that this which who when while if else because since until after before due into onto over \
under via per between during its it there here all any some only also already still yet more most";

/// Words whose next word names one of many.
const SLOTS: &str = "user username account host hostname node server client service session device interface module driver \
job task queue topic table database schema volume disk partition block container pod image process thread pid uid group role \
file directory path key name id method function command query domain zone region cluster instance worker peer broker address";

/// Small words before the one that something happened to, or by.
const BEFORE_NAMES: &str = "in at for from by via into";

/// Keys whose quoted text tells what happened.
const TOLD: &str = "msg message error err reason event log text description desc cause exception";

/// Longest word in the lists.
const LONGEST: usize = 16;

const UNIT: u8 = 1;
const STATE: u8 = 2;
const GLUED: u8 = 4;
const SLOT: u8 = 8;
const MONTH: u8 = 16;
const DAY: u8 = 32;
const BEFORE_NAME: u8 = 64;
const TELLS: u8 = 128;

/// All lists as one table, made when first asked.
static TABLE: LazyLock<HashMap<&'static [u8], u8>> = LazyLock::new(|| {
    let mut table: HashMap<&'static [u8], u8> = HashMap::new();
    let lists = [
        (UNITS, UNIT),
        (STATES, STATE),
        (GLUE, GLUED),
        (SLOTS, SLOT),
        (MONTHS, MONTH),
        (DAYS, DAY),
        (BEFORE_NAMES, BEFORE_NAME),
        (TOLD, TELLS),
    ];
    for (list, bit) in lists {
        for word in list.split_ascii_whitespace() {
            *table.entry(word.as_bytes()).or_default() |= bit;
        }
    }
    table
});

/// In which lists the word stands, in any case.
fn lists(word: &[u8], rules: &Rules) -> u8 {
    let mut lower = [0; LONGEST];
    let Some(lower) = lower.get_mut(..word.len()) else { return 0 };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    if rules.without.iter().any(|struck| struck.as_bytes() == lower) {
        return 0;
    }
    TABLE.get(&*lower).copied().unwrap_or(0)
}

/// Whether the word is a unit of what a number before it counts.
pub fn is_unit(word: &[u8], rules: &Rules) -> bool {
    lists(word, rules) & UNIT != 0
}

/// Whether the word is one of state.
pub fn is_state(word: &[u8], rules: &Rules) -> bool {
    lists(word, rules) & STATE != 0
}

/// Whether the word only holds the sentence together.
pub fn is_glue(word: &[u8], rules: &Rules) -> bool {
    lists(word, rules) & GLUED != 0
}

/// Whether a name follows the word.
pub fn is_slot(word: &[u8], rules: &Rules) -> bool {
    lists(word, rules) & SLOT != 0
}

/// Whether a name may follow the word at the end of a line.
pub fn is_before_name(word: &[u8]) -> bool {
    lists(word, &Rules::default()) & BEFORE_NAME != 0
}

/// Whether the quoted text of this key tells what happened.
pub fn is_told(word: &[u8]) -> bool {
    lists(word, &Rules::default()) & TELLS != 0
}

/// Values that are variables wherever they stand.
pub fn is_value(word: &[u8]) -> bool {
    matches!(
        word,
        b"true" | b"false" | b"null" | b"True" | b"False" | b"NULL" | b"TRUE" | b"FALSE" | b"nil" | b"n/a" | b"N/A"
    )
}

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec january february march april june july august september october november december";
const DAYS: &str = "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday";

/// A month's name.
pub fn is_month(word: &[u8]) -> bool {
    lists(word, &Rules::default()) & MONTH != 0
}

/// A day's name.
pub fn is_day(word: &[u8]) -> bool {
    lists(word, &Rules::default()) & DAY != 0
}
