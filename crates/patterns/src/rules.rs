//! The rules of grouping that can be turned, so that each can be measured. Everything uses the default.

/// Which rules hold, and how many words open a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Different words that open a position.
    pub words: u8,
    /// The same for the first word of a line.
    pub head_words: u8,
    /// The same for the word after `user`, `host` and their like.
    pub slot_words: u8,
    /// Words that look like identifiers are open.
    pub identifiers: bool,
    /// The word after `=`, and values of `key:value` pairs, are open.
    pub assigned: bool,
    /// A number and its unit are one.
    pub units: bool,
    /// Runs of variables are one.
    pub lists: bool,
    /// `key=` before another key has an empty value.
    pub empty_values: bool,
    /// `name:80` may be one value.
    pub other_readings: bool,
    /// `word-<n>` keeps its word.
    pub numbered_words: bool,
    /// Different words in upper case that open a position: they mostly name states. Zero: none do.
    pub constant_words: u8,
    /// The last word is as others are after `from` and its like, alone in brackets, and where it is an identifier.
    pub endings: bool,
    /// A quoted text of several words is one value.
    pub phrases: bool,
    /// `wheel,staff` is one value.
    pub word_lists: bool,
    /// A name of one of many stands after `eventType:` and its like.
    pub fields: bool,
    /// Words of state are never values.
    pub states: bool,
    /// Names of days and months beside numbers are dates.
    pub dates: bool,
    /// Words struck from the lists of units, of state, of small words and of those before a name: to measure the
    /// lists without what lines at hand may have taught them. In lower case.
    pub without: &'static [&'static str],
}

impl Default for Rules {
    fn default() -> Self {
        Rules {
            words: 3,
            head_words: 6,
            slot_words: 2,
            identifiers: true,
            assigned: true,
            units: true,
            lists: true,
            empty_values: true,
            other_readings: true,
            numbered_words: true,
            constant_words: 4,
            endings: true,
            phrases: true,
            word_lists: true,
            fields: true,
            states: true,
            dates: true,
            without: &[],
        }
    }
}

impl Rules {
    /// The default with one rule set by its name: `words=2`, `units=off`. `None` for what is not a rule.
    pub fn with(mut self, setting: &str) -> Option<Self> {
        let (name, value) = setting.split_once('=')?;
        let number = || value.parse().ok();
        let on = || matches!(value, "on" | "off").then_some(value == "on");
        match name {
            "words" => self.words = number()?,
            "head_words" => self.head_words = number()?,
            "slot_words" => self.slot_words = number()?,
            "identifiers" => self.identifiers = on()?,
            "assigned" => self.assigned = on()?,
            "units" => self.units = on()?,
            "lists" => self.lists = on()?,
            "empty_values" => self.empty_values = on()?,
            "other_readings" => self.other_readings = on()?,
            "numbered_words" => self.numbered_words = on()?,
            "constant_words" => self.constant_words = number()?,
            "endings" => self.endings = on()?,
            "phrases" => self.phrases = on()?,
            "word_lists" => self.word_lists = on()?,
            "fields" => self.fields = on()?,
            "states" => self.states = on()?,
            "dates" => self.dates = on()?,
            _ => return None,
        }
        Some(self)
    }
}
