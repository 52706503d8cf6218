//! A batch of questions brought to its end: limits, the form that the server understands, tries again, one repair.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use whittle_domain::prompt::{Fault, Form, Prompter, Question, Verdict};

use super::ModelSettings;
use super::budget::{Budget, Denied, Reservation, Usage};
use super::client::{Endpoint, Reply};
use super::dialect::Dialect;
use super::metrics::ModelMetrics;

/// Longest wait within a batch, for the minute's calls or because the server asks for it.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Times that a server may teach something new within one request.
const MAX_LESSONS: usize = 6;
/// Tokens of an answer around what it says of each pattern.
const ANSWER_FRAME: u64 = 64;

/// Asks. Shared by all calls in flight.
pub(super) struct Asker {
    pub endpoint: Endpoint,
    pub model: String,
    pub prompter: Prompter,
    pub budget: Arc<Budget>,
    pub settings: ModelSettings,
    pub metrics: ModelMetrics,
    pub dialect: Mutex<Dialect>,
    /// Milliseconds since 1970.
    pub clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

/// Why a batch has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The budget is spent, or cannot be written.
    OverBudget(String),
    /// The server asks for a pause.
    Later(Duration),
    /// The server refuses the key.
    Key(u16),
    /// The server does not answer usably.
    Failed(String),
}

/// What became of a question.
pub(super) type Answered = Result<Verdict, Fault>;

impl Asker {
    /// The verdicts of questions, in their order; a faulty answer is asked for once more.
    pub(super) async fn ask(self: &Arc<Self>, questions: &[Question]) -> Result<Vec<Answered>, Stop> {
        let text = self.request(questions, None).await?;
        let checked = self.prompter.check(&text, questions);
        let (mut verdicts, fault) = match checked {
            Ok(verdicts) => {
                let fault = verdicts.iter().find_map(|v| v.as_ref().err().cloned());
                (verdicts, fault)
            }
            Err(fault) => (vec![Err(fault.clone()); questions.len()], Some(fault)),
        };
        let Some(fault) = fault else { return Ok(verdicts) };
        let again: Vec<usize> = (0..questions.len()).filter(|i| verdicts[*i].is_err()).collect();
        let asked: Vec<Question> = again.iter().map(|i| questions[*i].clone()).collect();
        tracing::debug!(%fault, "the model's answer is refused; asked once more");
        // What the first answer gave stays, whatever becomes of the repair.
        let Ok(text) = self.request(&asked, Some(&fault.to_string())).await else { return Ok(verdicts) };
        if let Ok(repaired) = self.prompter.check(&text, &asked) {
            for (index, verdict) in again.into_iter().zip(repaired) {
                verdicts[index] = verdict.map(|v| Verdict { checks: (v.checks.0.saturating_sub(1), v.checks.1), ..v });
            }
        }
        Ok(verdicts)
    }

    /// The form in which the server is asked now.
    pub(super) fn form(&self) -> Form {
        self.dialect().form
    }

    fn dialect(&self) -> Dialect {
        *self.dialect.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One answer's text, over as many requests as that takes.
    async fn request(self: &Arc<Self>, questions: &[Question], fault: Option<&str>) -> Result<String, Stop> {
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(self.settings.retries as usize)
            .with_jitter()
            .build();
        let mut lessons = 0;
        loop {
            let dialect = self.dialect();
            let (why, pause) = match self.send(questions, fault, dialect).await? {
                Reply::Answer { text, .. } => return Ok(text),
                Reply::Refused { status: status @ (401 | 403), .. } => return Err(Stop::Key(status)),
                Reply::Refused { status, body, retry_after } => {
                    if let Some(learned) = dialect.after(status, &body).filter(|_| lessons < MAX_LESSONS) {
                        lessons += 1;
                        self.learn(dialect, learned);
                        continue;
                    }
                    // A quota that is used up does not come back within seconds.
                    let passes =
                        matches!(status, 408 | 409 | 425 | 429 | 500..) && !body.contains("insufficient_quota");
                    if !passes {
                        return Err(Stop::Failed(format!("the server answered {status}")));
                    }
                    (format!("the server answered {status}"), retry_after)
                }
                Reply::Broken { why, again: false } => return Err(Stop::Failed(why)),
                Reply::NotSent(why) | Reply::Broken { why, .. } => (why, None),
            };
            match (waits.next(), pause) {
                (_, Some(pause)) if pause > LONGEST_WAIT => return Err(Stop::Later(pause)),
                (None, _) => return Err(Stop::Failed(why)),
                (Some(wait), pause) => tokio::time::sleep(wait.max(pause.unwrap_or_default())).await,
            }
        }
    }

    fn learn(&self, from: Dialect, to: Dialect) {
        let mut dialect = self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        // Another call may have learned something meanwhile.
        if *dialect == from {
            tracing::info!(?to, "the model's server takes requests otherwise");
            *dialect = to;
        }
    }

    /// One request within the limits, and what it cost.
    async fn send(
        self: &Arc<Self>,
        questions: &[Question],
        fault: Option<&str>,
        dialect: Dialect,
    ) -> Result<Reply, Stop> {
        let prompt = self.prompter.prompt(questions, dialect.form, fault);
        let answer = u64::from(self.settings.answer_tokens) * questions.len() as u64 + ANSWER_FRAME;
        let body = dialect.body(&self.model, &prompt, answer);
        let reservation = self.reserve(prompt.len(), answer).await?;
        let reply = self.endpoint.post(&body, |seconds| self.metrics.seconds.observe(seconds)).await;
        let used = match &reply {
            Reply::Answer { usage, .. } => {
                self.metrics.answered.inc();
                *usage
            }
            // Nothing was worked on, so nothing is charged.
            Reply::NotSent(_) | Reply::Refused { status: 400..=499, .. } => {
                self.metrics.refused.inc();
                Some(Usage::default())
            }
            // Whether that is charged nobody knows: the reservation stays.
            Reply::Refused { .. } | Reply::Broken { .. } => {
                self.metrics.failed.inc();
                None
            }
        };
        if let Some(used) = used {
            self.metrics.tokens_sent.inc_by(used.sent);
            self.metrics.tokens_received.inc_by(used.received);
            let asker = self.clone();
            blocking(move || asker.budget.settle((asker.clock)(), reservation, used)).await;
        }
        Ok(reply)
    }

    async fn reserve(self: &Arc<Self>, bytes: usize, answer: u64) -> Result<Reservation, Stop> {
        loop {
            let asker = self.clone();
            let now = (self.clock)();
            let Some(reserved) = blocking(move || asker.budget.reserve(now, bytes, answer)).await else {
                return Err(Stop::Failed("the program is ending".to_owned()));
            };
            match reserved {
                Ok(reservation) => return Ok(reservation),
                // At most a minute: the calls of the last one are all that is counted.
                Err(Denied::Minute(until)) => {
                    let wait = Duration::from_millis((until - now).max(1) as u64).min(LONGEST_WAIT);
                    tokio::time::sleep(wait).await;
                }
                Err(Denied::Tokens) => return Err(Stop::OverBudget("the tokens of today are used up".into())),
                Err(Denied::Money) => return Err(Stop::OverBudget("the money of today is used up".into())),
                Err(Denied::Disk(error)) => return Err(Stop::OverBudget(error.to_string())),
            }
        }
    }
}

/// Runs what waits for the disk; none when the runtime is ending.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
