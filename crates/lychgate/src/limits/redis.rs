//! Counts in Redis or Valkey, which many machines share.

use std::{fmt, time::Duration};

use lychgate_store::{Counting, RateRule, RateState};
use redis::{
    Client, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use time::OffsetDateTime;

use super::store::{LimitStore, Spent, StoreFuture, Unreachable};

/// How long an answer may take: a request waits for it.
const ANSWER: Duration = Duration::from_millis(500);

/// The sums of `lychgate_store::RateRule`, done where nobody comes between. All numbers are handed in, the time too;
/// the clock of the server only decides when a key is forgotten, which is twice as late as it could be.
const SPEND: &str = r"
local kept = redis.call('HMGET', KEYS[1], 'spent', 'former', 'edge')
local how, cost, now, edge_now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local span, weight, most, ttl = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8]
local has = kept[3]
local spent, former, edge = tonumber(kept[1] or 0), tonumber(kept[2] or 0), tonumber(kept[3] or 0)
local admitted
if how == 'gcra' then
    if not has or edge <= now then edge = now elseif edge > now + span then edge = now + span end
    spent, former = 0, 0
    admitted = edge + cost <= now + span
    if admitted then edge = edge + cost end
elseif how == 'fixed' then
    if not has or edge <= now or edge > now + span then spent, former, edge = 0, 0, edge_now end
    admitted = spent + cost <= most
    if admitted then spent = spent + cost end
else
    local weighs = 256
    if has and edge == edge_now then weighs = weight
    elseif has and edge == edge_now + span then weighs = 256
    elseif has and edge == edge_now - span then spent, former, edge, weighs = 0, spent, edge_now, weight
    else spent, former, edge, weighs = 0, 0, edge_now, weight end
    admitted = spent + math.floor((former * weighs + 255) / 256) + cost <= most
    if admitted then spent = spent + cost end
end
if admitted then
    redis.call('HSET', KEYS[1], 'spent', string.format('%.0f', spent), 'former', string.format('%.0f', former),
        'edge', string.format('%.0f', edge))
    redis.call('PEXPIRE', KEYS[1], ttl)
    return {1, spent, former, edge}
end
if not has then return {0} end
return {0, tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3])}
";

/// Counts in Redis.
pub(crate) struct Redis {
    connection: ConnectionManager,
    script: Script,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis").finish_non_exhaustive()
    }
}

impl Redis {
    /// The server at `url`, `redis://`, `rediss://` or `redis+unix://`; it is connected to when first asked.
    ///
    /// # Errors
    ///
    /// If the URL cannot be understood.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let client = Client::open(url).map_err(|error| error.to_string())?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_response_timeout(Some(ANSWER))
            .set_connection_timeout(Some(ANSWER));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(|error| error.to_string())?;
        Ok(Self { connection, script: Script::new(SPEND) })
    }
}

fn unreachable(error: &RedisError) -> Unreachable {
    Unreachable(error.to_string())
}

fn state(numbers: &[i64]) -> Option<RateState> {
    match *numbers {
        [spent, before, edge] => Some(RateState { spent, before, edge }),
        _ => None,
    }
}

impl LimitStore for Redis {
    fn spend<'a>(&'a self, key: &'a str, rule: &'a RateRule, cost: u32, now: OffsetDateTime) -> StoreFuture<'a, Spent> {
        Box::pin(async move {
            let sums = rule.sums(cost, now);
            let how = match rule.counting() {
                Counting::Fixed => "fixed",
                Counting::Sliding => "sliding",
                Counting::Gcra => "gcra",
            };
            let forgotten = (sums.until - sums.now) / 500 + 1000;
            let mut connection = self.connection.clone();
            let mut call = self.script.key(key);
            call.arg(how).arg(sums.cost).arg(sums.now).arg(sums.edge).arg(sums.span).arg(sums.weight);
            call.arg(sums.most).arg(forgotten);
            let numbers: Vec<i64> = call.invoke_async(&mut connection).await.map_err(|error| unreachable(&error))?;
            let (admitted, rest) = numbers.split_first().unwrap_or((&0, &[]));
            Ok(Spent { admitted: *admitted == 1, state: state(rest) })
        })
    }

    fn look<'a>(&'a self, key: &'a str) -> StoreFuture<'a, Option<RateState>> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let mut command = redis::cmd("HMGET");
            command.arg(key).arg("spent").arg("former").arg("edge");
            let found: Result<Vec<Option<i64>>, RedisError> = command.query_async(&mut connection).await;
            let found = found.map_err(|error| unreachable(&error))?;
            Ok(found.into_iter().collect::<Option<Vec<i64>>>().and_then(|numbers| state(&numbers)))
        })
    }
}
