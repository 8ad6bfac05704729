//! Where letters and text messages go out: at once, and again and again from the outbox.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use lychgate_signing::tokens::fingerprint;
use lychgate_store::{OutboxItem, StoreError};
use minijinja::Value;
use time::OffsetDateTime;
use tokio::{sync::Notify, task::JoinSet};
use tracing::Instrument as _;

use super::{
    AnyMailer, FileMailer, LogMailer, Message, SmtpMailer, compose,
    parcel::{Parcel, Trouble},
};
use crate::{
    gate::{Inner, Lychgate},
    measure,
    settings::{Mailbox, Settings},
    sms::Gateway,
};

/// Attempts after which a letter is given up.
pub const MOST_ATTEMPTS: i64 = 12;

/// Seconds after each attempt; the last one counts for all that follow.
const BACK_OFF: [i64; 6] = [10, 60, 300, 1_800, 7_200, 21_600];

/// Letters that are sent at a time.
const AT_ONCE: u32 = 8;

/// How often the outbox is looked at when nobody calls.
const INTERVAL: Duration = Duration::from_secs(5);

/// How long a mailer may take for a letter out of the outbox, at least.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long what was sent or given up is kept, and how often what is older is looked for; in seconds.
const KEPT: i64 = 30 * 86_400;
const PURGE_EVERY: i64 = 3_600;

/// The mailer and what belongs to it.
pub(crate) struct Desk {
    mailer: AnyMailer,
    gateway: Option<Gateway>,
    sender: Mailbox,
    /// Whether letters are sent before the reply.
    inline: bool,
    /// Whether the bodies of letters that were sent are kept, for the inbox of development.
    keeps: bool,
    timeout: Duration,
    settings_for_templates: Value,
    wake: Arc<Notify>,
    /// One at a time goes through the outbox.
    passing: tokio::sync::Mutex<()>,
    purged_at: AtomicI64,
}

impl Desk {
    /// The desk that the settings describe, with the application's own mailer if it has one.
    pub(crate) fn new(
        settings: &Settings,
        mailer: Option<AnyMailer>,
        gateway: Option<Gateway>,
    ) -> Result<Self, String> {
        let development = settings.text("environment") == "development";
        let sender = settings.mailbox("email_sender").or_else(|| settings.mailbox("mail.default_sender"));
        let sender = sender.cloned().unwrap_or(Mailbox { name: None, address: "no-reply@localhost".to_owned() });
        super::mime::address(&sender.address).map_err(|_| {
            format!("email_sender, mail.default_sender: the sender {:?} is not a mail address", sender.address)
        })?;
        let seconds = settings.duration("mail.timeout").map_or(10.0, |timeout| timeout.as_secs_f64());
        let timeout = Duration::from_secs_f64(seconds.clamp(0.01, 600.0));
        let mailer = match mailer {
            Some(mailer) => mailer,
            None => from_settings(settings, timeout, development)?,
        };
        Ok(Self {
            mailer,
            gateway,
            sender,
            inline: settings.text("delivery") == "inline",
            keeps: development,
            timeout,
            settings_for_templates: compose::settings_for_templates(settings),
            wake: Arc::new(Notify::new()),
            passing: tokio::sync::Mutex::new(()),
            purged_at: AtomicI64::new(i64::MIN),
        })
    }

    pub(super) fn sender(&self) -> &Mailbox {
        &self.sender
    }

    /// Who sends text messages, if anybody does.
    pub(crate) fn gateway(&self) -> Option<&Gateway> {
        self.gateway.as_ref()
    }

    pub(super) fn settings_for_templates(&self) -> Value {
        self.settings_for_templates.clone()
    }

    /// How long the outbox leaves a letter to the request that wrote it.
    pub(super) fn head_start(&self) -> time::Duration {
        let texts = self.gateway.as_ref().map_or(Duration::ZERO, |gateway| gateway.timeout);
        if self.inline { lease(self.timeout.max(texts)) } else { time::Duration::ZERO }
    }

    /// The longest that an attempt out of the outbox may take.
    fn patience(&self) -> Duration {
        self.timeout.max(PATIENCE)
    }

    /// The longest that a request waits for an attempt.
    fn patience_of_requests(&self, parcel: &Parcel) -> Duration {
        match (parcel, &self.gateway) {
            (Parcel::Text(_), Some(gateway)) => gateway.timeout,
            _ => self.timeout,
        }
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("inline", &self.inline).finish_non_exhaustive()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The worker sees that the gate is gone.
        self.wake.notify_one();
    }
}

fn from_settings(settings: &Settings, timeout: Duration, development: bool) -> Result<AnyMailer, String> {
    // Whoever tries things out has no mail server; the inbox of development shows what would have been sent.
    let unset = !settings.given("mail.backend") && !settings.given("mail.server");
    match settings.text("mail.backend").rsplit('.').next().unwrap_or_default() {
        "smtp" if unset && development => Ok(AnyMailer::new(LogMailer::new(true))),
        "smtp" => SmtpMailer::from_settings(settings, timeout).map(AnyMailer::new),
        "console" | "locmem" | "dummy" => Ok(AnyMailer::new(LogMailer::new(development))),
        "file" => match settings.text_opt("mail.file_path") {
            Some(folder) => Ok(AnyMailer::new(FileMailer::new(folder))),
            None => Err("mail.backend \"file\" needs mail.file_path, the folder of the mails".to_owned()),
        },
        other => {
            Err(format!("mail.backend {other:?} is none of \"smtp\", \"console\", \"file\", \"locmem\", \"dummy\""))
        }
    }
}

/// How long a claim lasts: longer than an attempt can take.
fn lease(patience: Duration) -> time::Duration {
    time::Duration::seconds_f64(patience.as_secs_f64() + 60.0)
}

fn next_due(attempts: i64, now: OffsetDateTime) -> OffsetDateTime {
    let at = usize::try_from(attempts.max(1) - 1).unwrap_or(0);
    let seconds = BACK_OFF.get(at).or(BACK_OFF.last()).copied().unwrap_or_default();
    now + time::Duration::seconds(seconds)
}

/// A part of the time that a letter waits beyond what it must: those that wait do not all come back at once, and not
/// often.
fn spread(id: &str, age: time::Duration) -> time::Duration {
    let longest = (age / 2_i32).clamp(time::Duration::MINUTE, time::Duration::HOUR);
    longest * i32::from(fingerprint(id).first().copied().unwrap_or_default()) / 255_i32
}

impl Lychgate {
    /// Sends what is due in the outbox, as the worker does by itself, and says how many letters were sent.
    ///
    /// # Errors
    ///
    /// If the database does not answer.
    #[doc(hidden)]
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let _alone = self.desk().passing.lock().await;
        let patience = self.desk().patience();
        let mut sent = 0;
        loop {
            let now = self.now();
            let items = self.store().outbox_claim(AT_ONCE, now + lease(patience), now).await?;
            if items.is_empty() {
                break;
            }
            let mut sending = JoinSet::new();
            for item in items {
                let gate = self.clone();
                sending.spawn(async move { gate.deliver_item(item, patience).await }.in_current_span());
            }
            while let Some(done) = sending.join_next().await {
                sent += usize::from(done.unwrap_or(false));
            }
        }
        self.purge_outbox().await?;
        Ok(sent)
    }

    /// Whether mails can be sent at present, and where to; what is wrong otherwise.
    ///
    /// # Errors
    ///
    /// A line that says what is wrong.
    pub async fn check_mail(&self) -> Result<String, String> {
        match tokio::time::timeout(self.desk().timeout, self.desk().mailer.check()).await {
            Ok(checked) => checked.map_err(|error| error.to_string()),
            Err(_) => Err("the mail server did not answer in time".to_owned()),
        }
    }

    /// Sends a letter once that is in no outbox, and says what the other side answered.
    pub(super) async fn try_once(&self, letter: &Message) -> Result<String, String> {
        let (mailer, letter) = (self.desk().mailer.clone(), letter.clone());
        // A mailer that panics has failed, no more.
        let trying = tokio::spawn(async move { mailer.try_out(&letter).await });
        let stop = trying.abort_handle();
        match tokio::time::timeout(self.desk().timeout, trying).await {
            Ok(Ok(answer)) => answer.map_err(|error| error.to_string()),
            Ok(Err(_)) => Err("the mailer panicked".to_owned()),
            Err(_) => {
                stop.abort();
                Err(format!("no answer within {} s", self.desk().timeout.as_secs_f64()))
            }
        }
    }

    /// Sends what a request has written, or sees to it that the worker does; whether nothing has failed so far.
    pub(super) async fn deliver_parcels(&self, parcels: Vec<Parcel>) -> bool {
        if !self.desk().inline {
            self.desk().wake.notify_one();
            return true;
        }
        // Tasks of their own: what was begun is finished even if the client goes away.
        let mut sending = JoinSet::new();
        for parcel in parcels {
            let (gate, patience) = (self.clone(), self.desk().patience_of_requests(&parcel));
            sending.spawn(async move { gate.deliver(&parcel, 1, patience, true).await }.in_current_span());
        }
        let waiting = tokio::spawn(async move {
            let mut all = true;
            while let Some(sent) = sending.join_next().await {
                all &= sent.unwrap_or(false);
            }
            all
        });
        waiting.await.unwrap_or(false)
    }

    async fn deliver_item(&self, item: OutboxItem, patience: Duration) -> bool {
        match Parcel::read(&item) {
            Some(parcel) => self.deliver(&parcel, item.attempts, patience, false).await,
            None => {
                self.failed(&item.id, &item.kind, item.attempts, &Trouble::new("it cannot be read", true)).await;
                false
            }
        }
    }

    /// Tries to send something and notes the result; whether it was sent.
    async fn deliver(&self, parcel: &Parcel, attempts: i64, patience: Duration, for_request: bool) -> bool {
        let (id, name) = (parcel.id(), parcel.name());
        if let Some(due) = self.held(parcel).await {
            measure::message(name, "held");
            tracing::debug!(id, "a {name} waits, as too many were sent");
            if let Err(error) = self.store().outbox_hold(id, "limits.mails_in_all is reached", due).await {
                tracing::warn!(id, %error, "the outbox cannot be written");
            }
            return false;
        }
        let mut trouble = match self.attempt(parcel, patience).await {
            Ok(()) => {
                measure::message(name, "sent");
                tracing::info!(id, "a {name} was sent");
                let noted = self.store().outbox_sent(id, self.desk().keeps, self.now()).await;
                if let Err(error) = noted {
                    tracing::warn!(id, %error, "a {name} that was sent will be sent again");
                }
                return true;
            }
            Err(trouble) => trouble,
        };
        // Whoever waits is told that there is no code; it must not come after all.
        trouble.is_permanent |= for_request && matches!(parcel, Parcel::Text(_));
        self.failed(id, name, attempts, &trouble).await;
        false
    }

    /// Until when a letter waits, where too many were sent; nothing if it is counted and may go.
    async fn held(&self, parcel: &Parcel) -> Option<OffsetDateTime> {
        let Parcel::Letter(letter) = parcel else { return None };
        let (now, limits) = (self.now(), self.limits());
        // What only changes to accounts write is not kept back by what strangers have written.
        let key = if letter.is_notice { "mails/notices" } else { "mails/others" };
        let wait = limits.cap("mails_in_all", key, &limits.mails, now).await?;
        Some(now + wait + spread(&letter.id, now - letter.written_at))
    }

    async fn attempt(&self, parcel: &Parcel, patience: Duration) -> Result<(), Trouble> {
        if parcel.is_stale(self.now()) {
            return Err(Trouble::new("the code in it has expired", true));
        }
        // A mailer that panics has failed, no more.
        let sending = tokio::spawn(parcel.send(&self.desk().mailer, self.desk().gateway()));
        let stop = sending.abort_handle();
        match tokio::time::timeout(patience, sending).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Trouble::new("the mailer panicked", false)),
            Err(_) => {
                stop.abort();
                Err(Trouble::new(format_args!("no answer within {} s", patience.as_secs_f64()), false))
            }
        }
    }

    async fn failed(&self, id: &str, name: &str, attempts: i64, trouble: &Trouble) {
        let gives_up = trouble.is_permanent || attempts >= MOST_ATTEMPTS;
        let error = trouble.text.as_str();
        measure::message(name, if gives_up { "given_up" } else { "retried" });
        if gives_up {
            tracing::error!(id, attempts, error, "a {name} was given up; it stays in the outbox");
        } else {
            tracing::warn!(id, attempts, error, "a {name} was not sent; it is tried again");
        }
        let due = (!gives_up).then(|| next_due(attempts, self.now()));
        if let Err(error) = self.store().outbox_failed(id, error, due).await {
            tracing::warn!(id, %error, "the outbox cannot be written");
        }
    }

    /// Forgets old letters, and counts of attempts that are over, once an hour.
    async fn purge_outbox(&self) -> Result<(), StoreError> {
        let now = self.now();
        let last = self.desk().purged_at.load(Ordering::Relaxed);
        if now.unix_timestamp() >= last.saturating_add(PURGE_EVERY) {
            self.desk().purged_at.store(now.unix_timestamp(), Ordering::Relaxed);
            self.store().outbox_purge(now - time::Duration::seconds(KEPT)).await?;
            self.store().purge_limits(now).await?;
        }
        Ok(())
    }

    /// Starts what empties the outbox; it ends with the gate.
    pub(crate) fn start_worker(&self) {
        let (wake, inner) = (Arc::clone(&self.desk().wake), Arc::downgrade(&self.0));
        tokio::spawn(work(inner, wake));
    }
}

async fn work(gate: Weak<Inner>, wake: Arc<Notify>) {
    let mut failing = false;
    loop {
        // Not at once: a program that is started for one command leaves the outbox alone.
        let _ = tokio::time::timeout(INTERVAL, wake.notified()).await;
        let Some(inner) = gate.upgrade() else { return };
        match Lychgate(inner).deliver_due().await {
            Ok(_) => failing = false,
            Err(error) if failing => tracing::debug!(%error, "the outbox cannot be read"),
            Err(error) => {
                failing = true;
                tracing::warn!(%error, "the outbox cannot be read; it is tried again every few seconds");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_later_and_later() {
        let now = OffsetDateTime::UNIX_EPOCH;
        let waits: Vec<i64> = (0..=13).map(|attempts| (next_due(attempts, now) - now).whole_seconds()).collect();
        assert_eq!(waits, [10, 10, 60, 300, 1800, 7200, 21600, 21600, 21600, 21600, 21600, 21600, 21600, 21600]);
    }

    #[test]
    fn a_claim_outlasts_an_attempt() {
        for seconds in [0.01, 10.0, 600.0] {
            let patience = Duration::from_secs_f64(seconds);
            assert!(lease(patience).as_seconds_f64() > patience.as_secs_f64() + 30.0);
        }
    }
}
