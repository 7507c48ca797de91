"""Which kinds of edit make which kinds of failure: a shorter timeout makes deadlines, a dropped guard null errors.

Each row pairs what telemetry says with what a diff does. An edit counts only by what it changes on balance: lines that
speak of timeouts on both sides with the same values are a move, not a change. A row alone is a good reason to look,
not a proof; names that diff and telemetry share are the stronger tie.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

Side: TypeAlias = Literal["dropped", "introduced", "value", "lowered", "raised", "any", "exchanged"]
"""What must differ on the lines that match: fewer of them, more of them, their numbers, or any of these; `exchanged`
where one of the words that match stands for another, which suits rows whose words are all calls of one matter."""

_ESCAPED_OR_UPPER = re.compile(r"(\\.)|[A-Z]+")


@dataclass(frozen=True)
class Mechanism:
    """`sign` is looked for in what telemetry says, in lower case, which costs a quarter of not minding the case; `edit`
    in the changed lines. Both are compiled when first asked for."""

    name: str
    said: str
    changed: str
    side: Side
    does: str  # completes "it ..."

    @cached_property
    def sign(self) -> re.Pattern[str]:
        return re.compile(_ESCAPED_OR_UPPER.sub(lambda part: part[1] or part[0].lower(), self.said))

    @cached_property
    def edit(self) -> re.Pattern[str]:
        return re.compile(self.changed, re.IGNORECASE)


_row = Mechanism
MECHANISMS: Final = (
    _row("deadline", r"deadline|timed? ?out|timeout",
         r"timeout|deadline", "any", "changes a timeout"),
    _row("null value", r"nil pointer|null ?pointer|null ?reference|NoneType|undefined is not|cannot read propert"
         r"|nil map|AttributeError|unwrap\(\)|is not a function|of null\b|of undefined",
         r"(?<!err )[!=]= nil|\bis None|\bis not None|[!=]==? ?null|[!=]==? ?undefined|\b(hasOwnProperty|isPresent"
         r"|orElse|Optional|unwrap_or|getattr)|\?\.|\?\?|\.get\(|, ok :?=", "dropped",
         "drops a guard against missing values"),
    _row("connections", r"too many (clients|connections)|pool (is )?(exhausted|timeout|full)|connection pool|QueuePool"
         r"|remaining connection slots|HikariPool|waiting for (a )?(free )?connection|acquir\w+ (a )?connection"
         r"|conn(ection)?s?_(in_use|active|wait|open)|pool_(wait|in_use|util)",
         r"max_?(open|idle|conn|pool)|pool_?size|maximum_?pool|set_?max_?(open|idle)|connection_?limit"
         r"|lifetime", "value",
         "changes the size of a connection pool"),
    _row("connections", r"too many (clients|connections)|pool (is )?(exhausted|timeout|full)|connection pool|QueuePool"
         r"|remaining connection slots|waiting for (a )?(free )?connection|idle in transaction|too many open files"
         r"|EMFILE|file descriptor|conn(ection)?s?_(in_use|active|wait|open)|goroutines?|threads?_(count|active)",
         r"\.(close|release|rollback|put|stop|cancel|done|shutdown)\(|\bdefer\b|finally|\bwith \w+.*(conn|session"
         r"|open)",
         "dropped", "no longer closes what it opens"),
    _row("connections", r"too many (clients|connections)|pool (is )?(exhausted|timeout|full)|connection pool"
         r"|TIME_WAIT|cannot assign requested address|ephemeral port|too many open files",
         r"(new|create|open|connect)_?(client|pool|session|connection|channel)\(|sql\.open"
         r"|http\.client\{", "introduced",
         "opens connections of its own"),
    _row("memory", r"out of memory|OutOfMemory|\boom\b|OOMKilled|heap|memory_(working|usage|rss|bytes)|MemoryError|rss"
         r"|exit code 137|gc (overhead|pause)|allocat",
         r"evict|max_?(size|entries|items|len)|\blru\b|\bttl\b|expire|\.(delete|remove|pop|clear|close|release|reset)\("
         r"|\bdelete\(|\blimit\b|truncate|\bcap\b", "dropped", "no longer bounds what it keeps in memory"),
    _row("memory", r"out of memory|OutOfMemory|\boom\b|OOMKilled|heap|memory_(working|usage|rss|bytes)|MemoryError|rss"
         r"|exit code 137|gc (overhead|pause)|pause full|full gc|stop.the.world|allocat",
         r"append\(|\.push\(|\.add\(|read_?all\(|\.read\(\)|readlines|to_?list\(|fetch_?all|cache\[|= make\(|= new Map"
         r"|map\[|= \{\}|= \[\]|static |global |deep_?copy|new \w*(Map|Dictionary|Cache|Queue)\b|HashMap::new"
         r"|(compute|put)_?if_?absent\(|get_?or_?(add|put|insert)\(|lru_cache|@cache\b|memoi[sz]e", "introduced",
         "keeps more in memory"),
    _row("memory", r"out of memory|OutOfMemory|\boom\b|OOMKilled|heap|MemoryError|exit code 137",
         r"memory|-Xmx|heap|GOMEMLIMIT", "lowered", "allows less memory"),
    _row("memory", r"out of memory|OutOfMemory|\boom\b|OOMKilled|heap|MemoryError|exit code 137",
         r"max_?(size|entries|items)|cache_\w*(size|entries)|buffer_?size|batch_?size|page_?size|workers|threads",
         "raised", "keeps more in memory"),
    _row("queries", r"slow (query|request)|db_quer|db[._](calls|statement|rows)|rows_examined|queries_per"
         r"|full (table )?scan"
         r"|seq(uential)? scan|SELECT |query (time|took|latency)|statement timeout|n\+1",
         r"\b(limit|where|top|fetch first)\b|paginat|page_?size|per_?page|\bindex\b|preload|joinedload|select_related"
         r"|prefetch|includes\(|batch|\bin \(|any\(|dataloader"
         r"|cache", "dropped", "drops what kept its queries few or small"),
    _row("queries", r"slow (query|request)|db_quer|db[._](calls|statement|rows)|rows_examined|queries_per"
         r"|full (table )?scan"
         r"|seq(uential)? scan|SELECT |query (time|took|latency)|statement timeout|n\+1",
         r"(?<!url)\.(query|queryrow|queryrowcontext|querycontext|exec|execute|find|find_?by|find_?one|find_?all"
         r"|get_?item|scan"
         r"|fetch\w*|raw|aggregate)\(|\bselect\b.*\bfrom\b|\bjoin\b|order by|like '%|\bcount\(", "introduced",
         "asks its database more"),
    _row("queries", r"slow (query|request)|db_quer|db[._](calls|statement|rows)|seq(uential)? scan|full (table )?scan",
         r"(drop|remove)[ _]?index|disable.*index", "introduced", "drops an index"),
    _row("certificates", r"x509|certificate|\btls\b|handshake|\bssl\b",
         r"\btls|cert|\bca_?|verify|\bssl|min_?version|cipher|insecure|sni|server_?name", "any",
         "changes how connections are secured"),
    _row("settings", r"(environment|env|config(uration)?|setting|variable|option|flag|key)\b.{0,60}"
         r"(not set|missing|required|not found|undefined|invalid|unknown|empty)|missing (required )?(env|config"
         r"|setting|key)"
         r"|KeyError|failed to (load|parse) config",
         r"getenv|environ|process\.env|os\.env|config|viper|settings|env:|valueFrom|secretKeyRef|configMapKeyRef"
         r"|must_?get",
         "any", "changes what it reads from its settings"),
    _row("address", r"no such host|ENOTFOUND|name resolution|connection refused|ECONNREFUSED|dial tcp|unreachable"
         r"|no route|connect(ion)? (error|failed)|bad address",
         r"\w:\d{2,5}\b|\bhost|\burl\b|_url|endpoint|\bport\b|\baddr|https?://|\bdns\b|\.svc|localhost|listen", "any",
         "changes an address"),
    _row("retries", r"\b429\b|too many (concurrent )?requests|rate.?limit|retr(y|ies)|attempts?\W{1,3}\d|thundering"
         r"|storm|overload|circuit|shed(ding|s)? load|load.?shed|request_rate|rps",
         r"retr(y|ies)|attempts?\b|backoff|jitter|rate\W?_?limit|limiter|throttl|permits|\bqps\b|\brps\b|burst|interval|\bconcurrency\b|circuit|threshold",
         "any", "changes how often it asks"),
    _row("queue", r"consumer.?lag|lag\b|backlog|queue.?(depth|full|age|size|length)|rebalanc|max\.poll|unacked"
         r"|redeliver"
         r"|oldest.?message|visibility|dead.?letter|\bdlq\b|records?_lag|messages?_(behind|pending)",
         r"batch|prefetch|\bconcurrency\b|workers?|\bpoll|auto_?commit|\back\b|nack|visibility|group_?id"
         r"|max_?poll"
         r"|in_?flight|fetch_?(min|max)|session_timeout", "any", "changes how it reads its queue"),
    _row("disk", r"no space left|disk.?(full|usage|space)|ENOSPC|inode|volume.*full|filesystem",
         r"\blog|level|debug|dump|\btmp|temp|retention|rotat|spool|write_?file|open\(.*['\"][wa]|persist|wal", "any",
         "changes what is written to disk"),
    _row("probe", r"(readiness|liveness|startup|health).{0,20}(probe|check)|unhealthy|probe failed|not ready",
         r"health|ready|probe|\bport|initial_?delay|period|failure_?threshold|/live", "any", "changes a health check"),
    _row("clock", r"expired|expires|not (yet )?valid|skew|in the (future|past)|too (old|early)|offset-(naive|aware)"
         r"|time ?zone|daylight|invalid (date|time)|wrong (day|date|hour)|\b(iat|nbf)\b",
         r"utc_?now|utcfromtimestamp|datetime\.now|time_?zone|tz_?info|zone_?(id|offset)|(local|offset|zoned)_?date_?time"
         r"|localtime|gmtime|\btz\b|as_?timezone|str[pf]time|time\.(now|local|utc|parse|unix)|\.utc\(|\.in\(\w*loc"
         r"|date\.now|new Date\b|to_?iso_?string|\bDateTime(Offset)?\.\w+|Local::now|Utc::now|epoch", "exchanged",
         "changes how it reads the clock"),
    _row("characters", r"signature|hmac|checksum|digest|invalid byte|utf-?8|Unicode(De|En)codeError|illegal character"
         r"|charset|invalid character|incorrect string value|unmappable|malformed",
         r"latin-?1|iso-?8859-?\d*|utf-?(8|16)|charset|\.(en|de)code\(|get_?bytes\(|\bascii\b|from_utf8\w*|base64"
         r"|to_?string\(['\"]\w+|Buffer\.from|Encoding\.\w+|codepage", "exchanged",
         "changes how text and bytes become one another"),
    _row("rounding", r"not balance|out of balance|imbalance|rounding|differ\w*\W.{0,20}\b0\.0\d|off by (a |one )?cent",
         r"\b(Big)?Decimal\b|\bdouble\b|\bfloat(32|64)?\b|round\w*\(|set_?scale|quantize|to_?fixed\(|half_(up|even|down)",
         "exchanged", "changes how amounts are rounded"),
    _row("waiting", r"threads? .{0,30}(blocked|waiting)|blocked (in|on|by)|work items waiting|event loop (lag|block)"
         r"|fsync",
         r"f(data)?sync\b|flush\w*\(|sync_all\(|immediate_?flush|\block ?\(|synchronized|\.force\(|\.(Wait|Result)\b",
         "introduced", "makes requests wait for a disk or for each other"),
    _row("size", r"\b413\b|too (large|long|big)|exceeds? (the )?(max|limit|size|length|allowed)|larger than max"
         r"|(size|length|limit) .{0,30}exceeded",
         r"max_?\w*(size|bytes|[mk]i?b|length|upload|body|message|payload|items)|client_max_body|(body|size)_?limit",
         "lowered", "allows less at once"),
    _row("size", r"\b413\b|too (large|long|big|many (parameters|variables))|exceeds? (the )?(max|limit|size|length)"
         r"|larger than max|max_allowed_packet|(size|length|limit) .{0,30}exceeded",
         r"batch|chunk|bulk|page_?size", "raised", "sends more at once"),
    _row("headers", r"headers?\W.{0,40}(missing|required|not (set|present|found|allowed)|absent)"
         r"|(missing|required|without|lacks?|no) (\w+ ){0,2}(headers?\b|x-[a-z-]+|authorization|cookie|metadata)",
         r"headers?\b|\bx-[a-z-]+|metadata|cookie|forwarded|proxy_(set|pass)_header", "exchanged",
         "changes which headers it passes on"),
    _row("loops", r"still (running|fetching|processing)|exceeds? (its|the) (window|schedule|interval|slot)|overran"
         r"|infinite|endless|never (ends|finish\w*|completes)|stack ?overflow|maximum (call stack|recursion)"
         r"|RecursionError|too many (redirects|iterations|pages)|same (cursor|page|token)",
         r"\b(cursor|next\w*|(page_?)?token|continuation\w*|offset|marker)\s*(\+?=|:=)(?!=)|\+\+|[+-]= ?1\b|\bbreak\b"
         r"|depth|visited", "dropped", "no longer moves on to what comes next"),
    _row("cache key", r"mismatch|belongs to (another|a different)|(wrong|another|other) (user|tenant|customer|currency"
         r"|locale|language|account)|inconsistent|stale",
         r"key\w*\([^()]*,|\bkey\w*\s*[:=(].*?(\$\{|\{\w|%[sdv])", "dropped", "leaves a part out of a key"),
    _row("contract", r"KeyError|missing (required )?(field|property|key|parameter|argument)|(unknown|unrecogni[sz]ed)"
         r" (field|property|enum|value|name)|could not be converted|no (enum constant|such (field|property|key))"
         r"|value .{0,60}was not found|is not a valid enum",
         r"rename(_all)?\s*=|json:\"|@Json(Property|Alias|Naming)|\[Json\w+|SerializedName|@SerialName|by_alias"
         r"|\balias(_generator)?\s*=|@json\w*\(|\benum\b", "any", "changes the names under which it exchanges data"),
    _row("dependency", r"panic: |undefined symbol|ImportError|ModuleNotFound|NoSuchMethod|NoClassDef|ClassNotFound"
         r"|incompatible|duplicate registration|version (conflict|mismatch)|cannot find (module|package)|GLIBC"
         r"|unsupported"
         r"|deprecated|breaking|no longer|LinkageError"
         r"|abi", r"\d+\.\d+", "value", "takes another version of a dependency"),
)  # fmt: skip
