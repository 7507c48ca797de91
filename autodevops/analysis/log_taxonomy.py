"""What kind of error a line speaks of, by the sentences that servers, drivers and runtimes really write.

A table, in order: the first kind that fits is the line's, so that what is specific (a pool that is exhausted) stands
above what is general (a timeout). The sentences are those of the sources named beside them. A kind says what was
seen, not who is at fault: that a connection is refused speaks about the peer at least as much as about the writer.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

_STATUS: Final = r"(?:status(?: code)?|HTTP(?:/\d\.\d)?\"?|code|error|returned|got)[ :=\"']{1,3}"
_NAME: Final = r"(?-i:\b[A-Z][A-Z0-9]*_[A-Z0-9_]+)"  # as environment variables are called
_FAILED_TO: Final = r"(?:failed|unable|could not|cannot|can't|error) (?:to )?"

_SENTENCES: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("threads exhausted", (
        r"unable to create (?:new )?native thread",  # the JVM
        r"can't start new thread",  # CPython
        r"failed to create new OS thread",  # Go
        r"pthread_create(?:\(\))? failed|failed to create (?:a )?thread|can't create thread",
        r"fork: (?:retry: )?resource temporarily unavailable|cannot fork",
        r"fork/exec \S+: resource temporarily unavailable",
        r"too many threads",
    )),
    ("memory exhausted", (
        r"OutOfMemoryError|Java heap space|GC overhead limit exceeded",
        r"JavaScript heap out of memory|Allocation failed - ",  # V8
        r"runtime: out of memory|cannot allocate memory|std::bad_alloc|\bMemoryError\b|\bENOMEM\b",
        r"System\.OutOfMemoryException|failed to allocate memory|out of shared memory",
        r"OOM command not allowed when used memory",  # Redis at maxmemory
        r"Allowed memory size of \d+ bytes exhausted",  # PHP
        r"Could not reserve enough space for \S+ object heap",  # the JVM
        r"was sent SIGKILL! Perhaps out of memory",  # gunicorn, of a worker
    )),
    ("file descriptors exhausted", (
        r"too many open files|\bEMFILE\b|\bENFILE\b|no file descriptors available",
        # inotify's limit of watches says ENOSPC, as a full disk does
        r"number of file watchers reached|inotify watch limit|inotify_add_watch\S*:? .{0,80}no space left on device",
    )),
    ("disk full", (
        r"no space left on device|\bENOSPC\b|disk quota exceeded|\bEDQUOT\b|not enough space on the disk",
        r"disk (?:is )?full|could not extend file|The table '[^']*' is full|\bErrcode: 28\b",
        r"flood[- ]stage (?:disk )?watermark",  # Elasticsearch
        r"operating system error number 28\b",  # InnoDB
        r"unable to persist to disk|MISCONF Redis is configured to save RDB",
        r"\bDiskFull\b",
    )),
    ("data unusable", (
        r"database files are incompatible with server|The data directory was initialized by PostgreSQL version",
        r"could not locate a valid checkpoint record|invalid page in block",
        r"lock file \"postmaster\.pid\" already exists",
        r"directory \"[^\"]*\" exists but is not empty",  # initdb
        r"Can't handle RDB format version|Wrong signature trying to load DB|Unexpected EOF reading RDB",  # Redis
        r"Short read or OOM loading DB|Bad file format reading the append only file",
        r"\bInnoDB: .{0,80}(?:corrupt|Data structure corruption)|Invalid MySQL server downgrade",
        r"Could not open mysql\.plugin table|privilege tables: Table '[^']*' doesn't exist",
    )),
    ("read-only database", (
        r"cannot execute [\w ]+ in a read-only transaction",  # PostgreSQL
        r"READONLY You can't write against a read only",  # Redis
        r"running with the --(?:super-)?read-only option|super[-_]read[-_]only",  # MySQL
        r"attempt to write a readonly database|\bSQLITE_READONLY\b",
        r"Mongo\w*Error: not (?:primary|master)\b",
        r"\bNotWritablePrimary\b|\bNotPrimaryNoSecondaryOk\b|node is not primary|\bNotMaster|not master and slaveOk",
        r"index read-only|FORBIDDEN/\d+/index|database is in (?:a )?read[- ]only|read[- ]only replica",
    )),
    ("read-only file system", (r"read[- ]only file ?system|\bEROFS\b",)),
    ("clock skew", (
        r"token (?:is )?not (?:yet valid|valid yet)|token used before issued|\bImmatureSignatureError\b|jwt not active",
        r"\bRequestTimeTooSkewed\b|difference between the request time and the (?:current|server's) time is too large",
        r"before the nbf \(not before\) time|issued in the future|\(iat\) .{0,30}in the future|iat .{0,20}future",
        r"clock skew too (?:great|large)|signature not yet current|signature expired: .{0,40}is now earlier",
        r"certificate is not yet valid|\bCERT_NOT_YET_VALID\b|is before \d{4}-\d\d-\d\dT|\bCertificateNotYetValid",
        r"clocks? (?:is|are) (?:not |out of )sync|clock (?:drift|skew) (?:detected|of|between)",
    )),
    ("certificate expired", (
        r"certificate has expired|certificate (?:is )?expired|\bCERT_HAS_EXPIRED\b|\bCertificateExpired",
        r"alert certificate expired",
    )),
    ("certificate for another name", (
        r"certificate is valid for .{1,200}, not |certificate is not valid for|doesn't contain any IP SANs",
        r"\bERR_TLS_CERT_ALTNAME_INVALID\b|does not match certificate's altnames|doesn't match (?:either of )?'",
        r"No subject alternative (?:names|DNS name)|No name matching .{1,200} found|\bNameMismatch\b",
        r"hostname mismatch|IP address mismatch|CertificateNotValidForName|is not valid for .{0,30}host ?name",
        r"certificate for \"[^\"]*\" does not match host ?name",  # libpq
        r"no alternative certificate subject name matches",  # curl
    )),
    ("certificate not trusted", (
        r"signed by unknown authority|unable to get (?:local )?issuer certificate|self[- ]signed certificate",
        r"\bUNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT\w*)\b|\bDEPTH_ZERO_SELF_SIGNED_CERT\b",
        r"PKIX path building failed|unable to find valid certification path|\bUntrustedRoot\b|\bUnknownIssuer\b",
        r"certificate[ _]verify[ _]failed|unknown[ _](?:certificate )?(?:ca|authority)\b|tls: bad certificate",
        r"remote certificate (?:is|was) (?:invalid|rejected)|failed to verify certificate|certificate required",
        r"unable to verify the first certificate|doesn't have a known issuer",  # Node, wget
    )),
    ("protocol mismatch", (
        r"first record does not look like a TLS handshake|server gave HTTP response to HTTPS client",
        r"HTTP request (?:was sent )?to (?:an )?HTTPS (?:port|server)|wrong version number",
        r"Unsupported or unrecognized SSL message|http2: frame too large|server does not support SSL",
        r"malformed HTTP (?:response|status|version)|HTTP/1\.x transport connection broken: malformed",
        r"unexpected HTTP/1|Received HTTP/0\.9|invalid HTTP (?:version|request line)|packet length too (?:long|big)",
        r"Unrecognized SSL message|server refused TLS connection",  # the JVM, pgx
        r"SSL is not enabled on the server|rejected SSL upgrade|\bERR_SSL_WRONG_VERSION_NUMBER\b",  # pq, asyncpg, Node
    )),
    ("too many connections", (
        r"sorry, too many clients already|remaining connection slots are reserved",  # PostgreSQL
        r"too many connections|max_user_connections|max_client_conn",  # MySQL, PgBouncer
        r"max number of clients reached",  # Redis
        r"connection refused because too many open connections",  # MongoDB
        r"\bORA-(?:00020|12519|12520)\b|too many clients",
    )),
    ("connection pool exhausted", (
        r"Connection is not available, request timed out",  # HikariCP
        r"QueuePool limit of size \d+ overflow \d+ reached|couldn't get a connection after",  # SQLAlchemy, psycopg
        r"connection pool (?:is )?(?:exhausted|full|timeout)|pool (?:has been |is )?exhausted|PoolTimeout\b",
        r"could not obtain a (?:database )?connection (?:from the pool )?within",  # Active Record
        r"Timeout acquiring a connection|ResourceRequest timed out|fetching a new connection from the connection pool",
        r"timeout exceeded when trying to connect",  # node-postgres
        r"Timeout waiting for (?:a )?connection from pool|pool error Timeout waiting for idle object",
        r"prior to obtaining a connection from the pool",  # ADO.NET
        r"MongoWaitQueueFull|Timed out while checking out a connection|no connections? (?:in|from) (?:the )?pool",
        r"could not obtain a connection from the pool within|\bquery_wait_timeout\b",  # Active Record, PgBouncer
    )),
    ("lock contention", (
        r"deadlock detected|Deadlock found when trying to get lock|\bORA-00060\b|was deadlocked on lock",
        r"Lock wait timeout exceeded|canceling statement due to lock timeout|could not obtain lock on",
        r"database is locked|\bSQLITE_BUSY\b|could not serialize access|\bWriteConflict\b|\bLockTimeout\b",
        r"\b\w*(?:Deadlock|LockAcquisition|LockTimeout|CannotAcquireLock)\w*Exception\b",
    )),
    ("database credentials refused", (
        r"password authentication failed for user|no pg_hba\.conf entry|no password supplied|SCRAM authentication",
        r"FATAL: +role \"[^\"]*\" (?:does not exist|is not permitted to log in)",
        r"Access denied for user '|\bER_ACCESS_DENIED_ERROR\b",
        r"\bWRONGPASS\b|\bNOAUTH\b|ERR invalid password|without any password configured",  # Redis
        r"\bACCESS_REFUSED\b|\bSaslAuthenticationException\b|SASL authentication failed|Login failed for user '",
        r"\bbad auth\b|\bAuthenticationFailed\b|code[\"': ]+18\b.{0,40}auth|Login was refused using authentication",
        r"\bORA-01017\b|unable to authenticate user|missing authentication credentials for REST request",
        r"invalid username-password pair|username or password not allowed",  # Redis, RabbitMQ
        r"Connection Refused: (?:not authori[sz]ed|bad user ?name)",  # MQTT
    )),
    ("migration failed", (
        r"(?:relation|table|column|type|index|schema) [\"'`]?[\w.$]+[\"'`]? (?:of relation [\"\w.]+ )?already exists",
        r"Table '[^']+' already exists|Duplicate column name '|\bDuplicate(?:Table|Column|Object)\b|\bORA-00955\b",
        r"failed migration|migration (?:failed|checksum mismatch)|Migrations have failed|Dirty database version",
        r"Can't locate revision|migration directory is corrupt|migration table is already locked|\bMigrationLocked\b",
        r"Could not acquire change log lock|Validate failed: Migrations|all later migrations canceled",
    )),
    ("schema missing", (
        r"(?:relation|column|table|schema|function|type) [\"'`]?[\w.$]+[\"'`]? (?:of relation [\"\w.]+ )?"
        r"does not exist",
        r"Table '[^']+' doesn't exist|Unknown column '|Unknown (?:database|table) '|Invalid (?:object|column) name '",
        r"no such (?:table|column): |\bORA-00942\b|\bUndefined(?:Table|Column)\b|missing (?:table|column) \[",
        r"database \"[^\"]*\" does not exist",
        r"pending migrations?|migrations? (?:are|is) pending|unapplied migration",
        r"ns does not exist|\bindex_not_found_exception\b|\bUNKNOWN_TOPIC_OR_PARTITION\b",
        r"NOT_FOUND - no (?:queue|exchange)",
        r"vhost '?[\w./-]+'? not found|no such database: ",  # RabbitMQ, PgBouncer
    )),
    ("unknown host", (
        r"no such host|name or service not known|nodename nor servname|name does not resolve|\bNXDOMAIN\b",
        r"\bUnknownHostException\b|\bENOTFOUND\b|\bEAI_AGAIN\b|getaddrinfo (?:failed|EAI)|\bgaierror\b",
        r"temporary failure in name resolution|no address associated with hostname|NameResolutionError",
        r"could not (?:translate host name|resolve host)|couldn't resolve (?:host|server)|cannot resolve host",
        r"host not found in upstream|could not be resolved \(|failed to lookup address information",
        r"Unknown MySQL server host|DNS resolution failed|produced zero addresses|No resolvable bootstrap urls",
        r"lookup \S+(?: on \S+)?: (?:server misbehaving|i/o timeout|read udp)|name resolution (?:failed|error)",
        r"Unknown server host '|\bUnresolvedAddressException\b|could not resolve address|\bLookup error\b",
        r"unable to resolve host address|Domain name not found|address lookup failed for",  # wget, gRPC
    )),
    ("port in use", (
        r"address (?:is )?already in use|\bEADDRINUSE\b|port \d+ (?:is|was) already in use|port is already allocated",
        r"Only one usage of each socket address|address in use",
    )),
    ("connection refused", (
        r"connection refused|\bECONNREFUSED\b|actively refused|connect call failed|refused the connection",
        r"Connection to \S+ refused|Can't connect to (?:MySQL )?server on '[^']*' \(111\)|\[Errno 111\]",
        r"Connection to node \S+ \(\S+\) could not be established",  # the Kafka client
        r"Can't connect to (?:\w+ )?server on '[^']*' \((?:111|115)\)",  # MariaDB: ECONNREFUSED, EINPROGRESS
        r"Couldn't connect to server",  # curl
        r"\bjava\.net\.ConnectException$|\bConnectionLoss\b",  # Java's HTTP client says no more; ZooKeeper
        r"the database system is (?:starting up|shutting down|not (?:yet )?accepting connections|in recovery mode)",
        r"LOADING Redis is loading the dataset",
    )),
    ("host unreachable", (
        r"no route to host|\bEHOSTUNREACH\b|network is unreachable|\bENETUNREACH\b|host is unreachable",
    )),
    ("poison message", (
        r"\bRecordDeserializationException\b|Error deserializing (?:key/value|record|message)|unknown magic byte",
        r"\b(?:Serialization|MessageConversion|ListenerExecutionFailed|InvalidProtocolBuffer)Exception\b",
        _FAILED_TO + r"(?:deseriali[sz]e|unmarshal|decode|parse|convert|process)(?:ing)? "
        r"(?:the |a |kafka |amqp |sqs |json |queue )?(?:message|record|event|payload|delivery|job)",
        r"(?:deseriali[sz]ation|unmarshal+ing|decoding) (?:error|failed|failure).{0,60}(?:message|record|offset|event)",
        r"unprocessable (?:message|event|record)|poison (?:message|pill)",
    )),
    ("rate limited", (
        r"too many requests|rate[- ]?limit(?:ed| ?exceeded| reached| hit)\b|exceeded .{0,30}rate limit",
        r"\bRateLimit(?:Error|Exceeded)|rate exceeded|limiting requests, excess",
        r"\bThrottling(?:Exception|Error)?\b|\bRequestLimitExceeded\b|ProvisionedThroughputExceeded|\bSlowDown\b",
        _STATUS + r"429\b|\b429 (?:Client Error|Too)",
        r"quota exceeded for|\bRESOURCE_EXHAUSTED\b.{0,60}(?:quota|rate)|request was (?:denied due to )?throttl",
    )),
    ("environment missing", (
        r"\b(?:environment variable|env(?:ironment)? var|env)s?\b[^.\n]{0,60}"
        r"(?:not set|missing|required|not found|undefined|must be|not defined|is empty|unset)",
        r"(?:missing|required|unset|undefined) (?:required )?(?:environment variable|env(?: var)?\b|configuration key)",
        r"\bKeyError(?:: |\(|: key not found: )['\"](?-i:[A-Z][A-Z0-9_]{2,})['\"]",
        r"key not found: \"(?-i:[A-Z][A-Z0-9_]{2,})\"|required key (?-i:[A-Z][A-Z0-9_]+) missing value",
        _NAME + r"[\"'`]? (?:environment variable )?(?:is|was|are) "
        r"(?:not (?:set|defined|provided)|required|missing|undefined)",
        _NAME + r"[\"'`]? (?:must|needs to|has to|should) (?:not )?be (?:set|provided|defined|specified|empty)",
        _NAME + r"[\"'`]? not (?:set|found|defined)|(?:missing|undefined|unset|set)[: ]+[\"'`]?" + _NAME,
        r"Could not resolve placeholder '|unbound variable|parameter (?:null or )?not set",
        r"on an `Err` value: NotPresent",  # Rust
        _NAME + r"[\"'`]?: \[ ?['\"](?:Required|Invalid input: expected \w+, received undefined)['\"]",  # zod
        r"validation errors? for \w*Settings\b.{0,200}field required",  # pydantic
        r"(?:superuser password|password option) is not specified|one of the following as an environment variable",
        r"'url' attribute is not specified|is missing or not configured",
        r"(?-i:[A-Z][A-Z0-9_]+) setting must not be empty|(?-i:\b[A-Z][A-Z0-9_]+): (?:must be set|parameter not set)",
        r"validation errors? for \w+\s.{0,400}Field required|\btype=missing, input_value=\{",  # pydantic
        r"\buri\b[^\n]{0,60}must be a string, got \"undefined\"|client password must be a string",  # mongoose, pg
        r"input: 'undefined'|The url cannot be null",  # Node's URL, JDBC
    )),
    ("configuration invalid", (
        r"(?:invalid|bad|malformed|unsupported|unrecogni[sz]ed) config(?:uration)?\b",
        r"config(?:uration)? (?:file )?(?:is )?(?:invalid|not found|missing)",
        _FAILED_TO + r"(?:load|read|parse|open|find|reading|loading|parsing|locate) "
        r"(?:the )?(?:\S+ )?config(?:uration)?\b",
        r"(?:open|stat|read) \S*(?:conf\S*|\.ya?ml|\.toml|\.ini|\.properties|\.env): no such file",
        r"yaml: (?:line \d+|unmarshal errors)|\bImproperlyConfigured\b|unknown directive",
        r"Config File \"[^\"]*\" Not Found|config file error|syntax error in (?:file|config)|unknown keyword '",
        r"unknown variable '|could not load \S+\.conf|validation errors? for \w*Settings\b",  # MySQL, pydantic
        r"\bConfigException: Missing required|bootstrap check failure|error initializing config",  # Kafka, Envoy
        r"\[emerg\].{0,20}(?:invalid|unexpected|unknown|duplicate|no \")|No configuration setting found for key",
        r"Failed to configure a DataSource|Failed to bind properties under",
        r"\byaml\.\w+\.\w+Error\b|\bYAMLException\b|\bPsych::SyntaxError\b",  # PyYAML, js-yaml, Ruby
        r"\bTOMLDecodeError\b|\bMissingSectionHeaderError\b|Source contains parsing errors",
        r"While parsing config|configuration file \S+ contains errors|Error\(s\) found in configuration file",
        r"Syntax error on line \d+ of [^:]+:(?! Cannot load)|Invalid command '[^']*', perhaps",
        r"Unknown configuration variable",
        r"unexpected end of file, expecting \"|unrecognized: '|failed_to_prepare_configuration",
        r"\bassigning (?-i:[A-Z_]+) to \w+: converting",  # envconfig
        r"Parse error on line \d+|invalid value for parameter|unrecogni[sz]ed configuration parameter",
        r"Cannot open configuration file|Could not parse SQLAlchemy URL|unsupported protocol scheme|No scheme supplied",
        r"No connection adapters were found for|\bERR_INVALID_URL\b|Invalid scheme, expected connection string",
        r"\bInvalidURI\b|No suitable driver$",
        r"can(?:no|')t assign requested address|\bEADDRNOTAVAIL\b|Errno 99\b",  # to listen where it is not
        r"key values mismatch|\bKEY_VALUES_MISMATCH\b|private key does not match public key",
        r"keystore password was incorrect|Environment variable \"[^\"]+\" invalid|Invalid environment variables",
        r"Invalid (?:maximum|initial) heap size",
    )),
    ("invalid arguments", (
        r"flag provided but not defined|unknown (?:shorthand )?flag|unrecogni[sz]ed (?:arguments?|option)",
        r"(?:unknown|invalid|illegal|bad) option|no such option|unexpected argument",
        r"unknown command|the following arguments are required|Missing script: |Unrecognized VM option",
    )),
    ("module missing", (
        r"\bModuleNotFoundError\b|No module named|Cannot find (?:module|package)|\bERR_MODULE_NOT_FOUND\b",
        r"\bClassNotFoundException\b|\bNoClassDefFoundError\b|error while loading shared libraries",
        r"cannot load such file|version `\w+_[\d.]+' not found|Error relocating \S+: ",  # Ruby, glibc, musl
        r"You must install or update \.NET|find any compatible framework version|can't open file '",  # .NET, CPython
        r"Could not load file or assembly|Could not find or load main class|Unable to access jarfile",
        r"cannot import name '|cannot open shared object file|Can't locate \S+ in @INC|could not find driver",
        r"Class \"[\w\\]+\" not found|\bBundler::GemNotFound\b|Could not find gem '|\bUnsatisfiedLinkError\b",
        r"\bUnsupportedClassVersionError\b|Invalid or corrupt jarfile|Cannot load \S+ into server",
        r"No suitable driver found for|\bNoSuchModuleError\b",
    )),
    ("API access forbidden", (
        r"is forbidden: User \"[^\"]+\" cannot|forbidden: .{0,20}system:serviceaccount:",
        r"\bAccessDenied(?:Exception)?\b(?!: /)|has no permissions to run the",
        r"not authorized to perform|\bPermissionDenied\b|code = PermissionDenied",
        r"permission denied for (?:table|relation|schema|database|sequence)",
        r"\bAuthorization(?:Failed|PermissionMismatch)\b",
        r"\bTOPIC_AUTHORIZATION_FAILED\b|TopicAuthorizationException|\bNOPERM\b|command denied to user '",
        _STATUS + r"403\b|\b403 (?:Client Error|Forbidden)",
        r"permission denied for (?:view|function) |\bInsufficientPrivilege\b",
        r"An error occurred \(403\)|exceptions\.Forbidden\b",  # botocore, hvac
    )),
    ("credentials refused", (
        _STATUS + r"401\b|\b401 (?:Client Error|Unauthorized)",
        r"invalid[ _](?:credentials|client|api[ _]key|password|token|grant)|incorrect (?:password|api key)",
        r"\bbad credentials\b",
        r"authentication (?:failed|failure|error|required)|unauthenticated\b|code = Unauthenticated|login failed",
        r"\bInvalidClientTokenId\b|\bSignatureDoesNotMatch\b|\bInvalidAccessKeyId\b",
        r"security token .{0,30}(?:invalid|expired)",
        r"\bExpiredToken\b|token (?:has |is )expired|\bjwt expired\b|\bUnauthorizedError\b",
        r"\b401 \"Unauthorized|Unable to locate credentials|Could not load credentials from any providers",
    )),
    ("permission denied", (
        r"permission denied|\bEACCES\b|\bEPERM\b|operation not permitted|access is denied|access denied",
        r"must be (?:accessible|readable|owned) by (?:the )?owner|has (?:invalid permissions|wrong ownership)",
        r"(?:can't|cannot|how to) run (?:\S+ )?as root|\"root\" execution of|\bAccessDeniedException: /",
    )),
    ("consumer lagging", (
        r"consumer poll timeout has expired|\bCommitFailedException\b|poll\(\) (?:is )?longer than|max\.poll\.interval",
        r"(?:consumer|replication|queue|message)[ _-]?lag (?:is |of |exceeds? |above |too )|falling behind",
        r"lagging behind",
        r"queue (?:\S+ )?is full|backlog (?:is )?(?:growing|full|exceeded|too)",
    )),
    ("timeout", (
        r"i/o timeout|context deadline exceeded|deadline[ _]?exceeded|\bETIMEDOUT\b|\bESOCKETTIMEDOUT\b",
        r"(?:connection|connect|read|request|operation|handshake|query|call|upstream|socket|write|response)"
        r"\b.{0,20}timed out",
        r"\b\w*Timeout(?:Error|Exception)\b|\b(?:Read|Connect)Timeout\b",
        r"timed out (?:after|waiting|while|reading|connecting)",
        r"statement timeout|upstream request timeout|gateway time-?out|timeout (?:of \d+ ?ms )?(?:was )?exceeded",
        r"ServerSelectionTimeout|timeout (?:while|waiting|expired|reached|awaiting|occurred)|^timed out$|\btimed out\b",
        r"Can't connect to (?:\w+ )?server on '[^']*' \(110\)|terminated due to connection timeout",
    )),
    ("connection reset", (
        r"connection reset|\bECONNRESET\b|broken pipe|\bEPIPE\b|socket hang up|connection closed unexpectedly",
        r"server closed the connection unexpectedly|unexpected EOF|premature (?:EOF|close)",
        r"remote end closed connection",
        r"transport is closing|stream (?:was )?reset|connection (?:was )?aborted",
    )),
    ("upstream failure", (
        r"bad gateway|service (?:temporarily )?unavailable|no healthy upstream|no live upstreams",
        r"upstream connect error",
        _STATUS + r"50[234]\b|code = Unavailable",
        r"circuit ?breaker .{0,40}(?:open|trip)|\bCallNotPermittedException\b",
        r"\b50[0234] (?:Server Error|Internal Server Error|\")",
    )),
    ("retries exhausted", (
        r"max(?:imum)? (?:number of )?retr(?:y|ies)(?: attempts?)?(?: was| were| has been| have been)? "
        r"(?:exceeded|reached)",
        r"retr(?:y|ies)(?: attempts?)?(?: have been| were)? exhausted|giving up after|\bRetryError\b",
        r"exhausted (?:all )?retries",
        r"(?:failed|gave up) after \d+ (?:attempts|retries|tries)|no more retries",
    )),
    ("null value", (
        r"\bNullPointer\w*|nil pointer dereference|'NoneType' object|undefined is not|cannot read propert(?:y|ies) of",
        r"\bNullReferenceException\b|undefined method .{1,80} for nil|null reference",
    )),
    ("wrong format", (r"exec format error",)),
    ("file missing", (
        r"no such file or directory|\bFileNotFound\w*|\bENOENT\b|(?:command|executable file) not found",
        r"\bNoSuchFileException\b|unable to open database file|can't cd to|cannot open \S+: No such file",
        r"unable to stat|Unable to open pwfile",
    )),
)  # fmt: skip

KINDS: Final[tuple[str, ...]] = tuple(kind for kind, _ in _SENTENCES)
_PARTS: Final = dict(_SENTENCES)
_LONGEST: Final = 4000  # characters read of one error


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    """Compiled when first asked for: all of them are a fifteenth of a first investigation's time."""
    return re.compile("|".join(f"(?:{part})" for part in _PARTS[kind]), re.IGNORECASE)


def categorise(*texts: str) -> str:
    """The kind of error that the texts speak of, or an empty string. More specific kinds win over general ones."""
    return _kind_of(" ".join(texts)[:_LONGEST])


@lru_cache(maxsize=1024)
def _kind_of(text: str) -> str:
    """Kept: a window's error lines are a few sentences hundreds of times over, and to try all kinds takes 1 ms."""
    return next((kind for kind in KINDS if _pattern(kind).search(text)), "")
