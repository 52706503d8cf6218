//! Reads one row group for a scan: the rows that match for certain, and those that their text decides.

use std::io;
use std::sync::Arc;

use whittle_domain::Level;

use super::columns::{GroupColumns, TextColumn};
use super::judge::{ANY_WORDS, Judged};
use super::scan::{Arrived, JudgedFiles, Range, Rest, Scan, Work, contains};
use super::search::{SearchError, matching};
use super::sink::{Place, Row, Sink, Times};
use super::verdict::Verdict;
use crate::file::dictionary::Series;
use crate::file::read::damaged;
use crate::file::schema::Column;

impl Scan<'_> {
    /// Gives the sink the rows of a row group.
    pub(super) fn group(
        &self,
        work: &Work,
        range: Range,
        judged: &mut JudgedFiles,
        sink: &mut dyn Sink,
    ) -> Result<(), SearchError> {
        let file = self.file(work.file);
        let columns = GroupColumns::new(file, work.group);
        let any_words = self.judged(work.file, ANY_WORDS, judged);
        let matched = match work.maybe {
            true => self.matched(work, &columns, &any_words, judged)?,
            false => Arc::default(),
        };
        let certain = match &work.rest {
            Rest::None => Vec::new(),
            _ => self.certain(work, &columns, &any_words)?,
        };
        if matched.is_empty() && certain.is_empty() {
            return Ok(());
        }
        sink.enter(&file.index.dictionary);
        let mut give = Give::new(self, work, &columns, range, sink)?;
        // Both rise and have no row in common; rows go out in rising order, as the pages of their texts stand.
        let (mut certain, mut matched) = (certain.into_iter().peekable(), matched.iter().copied().peekable());
        while let Some(row) = match (certain.peek(), matched.peek()) {
            (Some(a), Some(b)) if b < a => matched.next(),
            (Some(_), _) => certain.next(),
            (None, _) => matched.next(),
        } {
            give.row(row)?;
        }
        Ok(())
    }

    /// The rows that match whatever their text is, and that are not counted yet.
    fn certain(&self, work: &Work, columns: &GroupColumns<'_>, judged: &Judged) -> io::Result<Vec<u32>> {
        let rows = 0..columns.rows() as u32;
        let verdicts = verdicts(judged, columns)?;
        let is_certain = |&row: &u32| verdicts.as_ref().is_none_or(|v| v[row as usize] == Verdict::Yes);
        let Rest::Cut(cut) = &work.rest else { return Ok(rows.filter(is_certain).collect()) };
        let times = columns.times()?;
        let is_left = |&row: &u32| cut.iter().any(|cut| (cut.0..=cut.1).contains(&times[row as usize]));
        Ok(rows.filter(|row| is_left(row) && is_certain(row)).collect())
    }

    /// The rows that their text lets through, whatever their time and arrival.
    fn matched(
        &self,
        work: &Work,
        columns: &GroupColumns<'_>,
        any_words: &Judged,
        judged: &mut JudgedFiles,
    ) -> Result<Arc<Vec<u32>>, SearchError> {
        let signature = self.signature.clone();
        let key = (self.snapshot.files[work.file].entry.id, work.group as u32, signature);
        if let Some(rows) = self.caches.matches.get(&key) {
            return Ok(rows);
        }
        let words = self.words_of(work)?;
        let here = self.judged(work.file, words, judged);
        let undecided = |(before, now): (&Verdict, &Verdict)| *before == Verdict::Maybe && *now != Verdict::No;
        let rows = match any_words.series.iter().zip(&here.series).any(undecided) {
            false => Vec::new(),
            true => self.search(columns, any_words, &here)?,
        };
        let rows = Arc::new(rows);
        self.caches.matches.put(key, rows.clone(), rows.len() * size_of::<u32>());
        Ok(rows)
    }

    /// The words of the query (a bit each) that may touch a variable in a row group.
    fn words_of(&self, work: &Work) -> io::Result<u64> {
        let mut bits = 0;
        for (at, word) in self.judge.conditions.words.iter().enumerate() {
            if self.file(work.file).may_hold(work.group, word.hash)? {
                bits |= 1 << at;
            }
        }
        Ok(bits)
    }

    fn search(&self, columns: &GroupColumns<'_>, any_words: &Judged, here: &Judged) -> Result<Vec<u32>, SearchError> {
        let before = verdicts(any_words, columns)?;
        let now = verdicts(here, columns)?;
        let of =
            |verdicts: &Option<Vec<Verdict>>, row: u32| verdicts.as_ref().map_or(Verdict::Yes, |v| v[row as usize]);
        let left = (0..columns.rows() as u32).filter(|&row| of(&before, row) == Verdict::Maybe);
        let (known, open): (Vec<u32>, Vec<u32>) =
            left.filter(|&row| of(&now, row) != Verdict::No).partition(|&row| of(&now, row) == Verdict::Yes);
        let mut rows = matching(&self.judge, columns, &open, self.meter)?;
        if !known.is_empty() {
            rows.extend(known);
            rows.sort_unstable();
        }
        Ok(rows)
    }
}

/// The verdict on each row; `None` when all rows match.
fn verdicts(judged: &Judged, columns: &GroupColumns<'_>) -> io::Result<Option<Vec<Verdict>>> {
    if let Some(mixed) = &judged.mixed {
        let (forms, sources, levels) = (columns.forms()?, columns.sources()?, columns.levels()?);
        let of = |row: usize| {
            let series = Series { form: forms[row], source: sources[row], level: level(levels[row]) };
            mixed.get(&series).copied().ok_or_else(|| damaged("the index"))
        };
        return (0..columns.rows()).map(of).collect::<io::Result<_>>().map(Some);
    }
    if judged.by_level_alone() && judged.all_levels() {
        return Ok(None);
    }
    let mut verdicts = vec![Verdict::Yes; columns.rows()];
    if !judged.all_forms {
        let forms = columns.forms()?;
        verdicts.iter_mut().zip(forms).for_each(|(verdict, &form)| *verdict = judged.forms[form as usize]);
    }
    if !judged.all_sources {
        let sources = columns.sources()?;
        let drop = |(verdict, &source): (&mut Verdict, &u32)| {
            if !judged.sources[source as usize] {
                *verdict = Verdict::No;
            }
        };
        verdicts.iter_mut().zip(sources).for_each(drop);
    }
    if !judged.all_levels() {
        let levels = columns.levels()?;
        let drop = |(verdict, &of_row): (&mut Verdict, &u32)| {
            if !judged.levels.contains(level(of_row)) {
                *verdict = Verdict::No;
            }
        };
        verdicts.iter_mut().zip(levels).for_each(drop);
    }
    Ok(Some(verdicts))
}

fn level(number: u32) -> Level {
    Level::ALL[number as usize & 3]
}

/// Gives rows of one row group to a sink, with what it asks for.
struct Give<'g> {
    sink: &'g mut dyn Sink,
    place: Place,
    range: Range,
    times: Option<&'g [i64]>,
    forms: Option<&'g [u32]>,
    sources: Option<&'g [u32]>,
    levels: Option<&'g [u32]>,
    identity: Option<(&'g [u32], &'g [i64])>,
    until: Option<&'g crate::Positions>,
    contexts: Option<TextColumn<'g>>,
}

impl<'g> Give<'g> {
    fn new(
        scan: &'g Scan<'_>,
        work: &Work,
        columns: &'g GroupColumns<'_>,
        range: Range,
        sink: &'g mut dyn Sink,
    ) -> io::Result<Self> {
        let needs = sink.needs();
        let is_part = work.arrived == Arrived::Part;
        let by_time =
            needs.time || sink.times() != Times::None || !contains(range, columns.file.group(work.group).seen);
        let identity = needs.identity || is_part;
        Ok(Give {
            sink,
            place: Place { unit: scan.unit(work.file), part: work.group as u32, row: 0 },
            range,
            times: by_time.then(|| columns.times()).transpose()?,
            forms: needs.form.then(|| columns.forms()).transpose()?,
            sources: needs.source.then(|| columns.sources()).transpose()?,
            levels: needs.level.then(|| columns.levels()).transpose()?,
            identity: identity
                .then(|| Ok((columns.partitions()?, columns.offsets()?)))
                .transpose()
                .map_err(|e: io::Error| e)?,
            until: if is_part { scan.until } else { None },
            contexts: needs.context.then(|| TextColumn::new(columns.file, columns.group, Column::Context)),
        })
    }

    #[inline]
    fn row(&mut self, row: u32) -> io::Result<()> {
        let at = row as usize;
        let timestamp = self.times.map_or(0, |times| times[at]);
        if self.times.is_some() && !(self.range.0..=self.range.1).contains(&timestamp) {
            return Ok(());
        }
        let (partition, offset) = self.identity.map_or((0, 0), |(p, o)| (p[at], o[at] as u64));
        if self.until.is_some_and(|until| offset >= until.get(&partition).copied().unwrap_or(0)) {
            return Ok(());
        }
        let context = match &mut self.contexts {
            Some(contexts) => contexts.text(row)?,
            None => "",
        };
        self.sink.row(&Row {
            place: Place { row, ..self.place },
            timestamp,
            partition,
            offset,
            form: self.forms.map_or(0, |forms| forms[at]),
            source: self.sources.map_or(0, |sources| sources[at]),
            level: self.levels.map_or(Level::default(), |levels| level(levels[at])),
            context,
        });
        Ok(())
    }
}
