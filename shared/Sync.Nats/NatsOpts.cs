using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Sync.Nats;

/// <summary>
/// Everything a connection can be told. Immutable; checked when a <see cref="NatsConnection"/> is constructed.
/// Printing it shows no secrets.
/// </summary>
public sealed record NatsOpts
{
    /// <summary>All defaults.</summary>
    public static NatsOpts Default { get; } = new();

    /// <summary>Seed servers, separated by commas: <c>nats://host:port</c>, <c>tls://host:port</c> or <c>host:port</c>
    /// (port 4222 if absent). User and password may stand in front of the host. Default:
    /// nats://127.0.0.1:4222.</summary>
    public string Url { get; init; } = "nats://127.0.0.1:4222";

    /// <summary>Name shown in the server's monitoring. Default: "sync". At most 256 characters.</summary>
    public string Name { get; init; } = "sync";

    /// <summary>User name. Null (default): what the URL says, else none.</summary>
    public string? Username { get; init; }

    /// <summary>Password. Null (default): what the URL says, else none.</summary>
    public string? Password { get; init; }

    /// <summary>Token in place of user and password. Null (default): none.</summary>
    public string? Token { get; init; }

    /// <summary>Asked for credentials at each connect, so that expired ones are replaced. Null (default): the fixed
    /// ones. Must not block.</summary>
    public Func<NatsCredentials>? CredentialsCallback { get; init; }

    /// <summary>TLS settings. Null (default): TLS only if the URL says tls:// or the server requires it.</summary>
    public NatsTlsOpts? Tls { get; init; }

    /// <summary>First tokens of reply subjects; one per user, since who may read it reads the replies.
    /// Replies arrive under <c>{InboxPrefix}.{random}.</c>. Default: "_INBOX".</summary>
    public string InboxPrefix { get; init; } = "_INBOX";

    /// <summary>Limit of each step of a connect: TCP, INFO, TLS, CONNECT. Default 2 s; 10 ms to 5 min.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Default limit of a request. Default 5 s; 1 ms to 1 h.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait of a publish for room in the buffer. Default 5 s; 1 ms to 1 h.</summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time without a byte from the server after which it is pinged. Default 10 s; 10 ms to 10 min.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Unanswered pings after which the connection counts as dead. Default 2; 1 to 10.</summary>
    public int MaxPingOut { get; init; } = 2;

    /// <summary>True: <see cref="NatsConnection.ConnectAsync"/> returns after the first failed round and goes on
    /// trying. False (default): it fails.</summary>
    public bool RetryOnInitialConnect { get; init; }

    /// <summary>Wait after the first failed round over all servers; doubles with each round. Default 100 ms; 1 ms to
    /// 1 min.</summary>
    public TimeSpan ReconnectWaitMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Upper bound of that wait. Default 2 s; at least <see cref="ReconnectWaitMin"/>, at most 10
    /// min.</summary>
    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A random time up to this is added before each round, so that clients do not come back in one wave.
    /// Default 100 ms; 0 to 1 min.</summary>
    public TimeSpan ReconnectJitter { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Rounds over all servers before giving up after a loss. Default -1 = never gives up.</summary>
    public int MaxReconnectRounds { get; init; } = -1;

    /// <summary>True (default): the same refusal of credentials twice from one server ends the connection for
    /// good.</summary>
    public bool StopOnRepeatedAuthError { get; init; } = true;

    /// <summary>True: servers are tried in the order given. False (default): shuffled.</summary>
    public bool NoRandomize { get; init; }

    /// <summary>True: servers that the connected server names are not used. Default false.</summary>
    public bool IgnoreDiscoveredServers { get; init; }

    /// <summary>Bytes of unsent publishes kept while the connection is down; also the bound for those that wait.
    /// Default 8 MiB; 64 KiB to 1 GiB.</summary>
    public int PendingBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Calls of PublishAsync that may wait for room at once. Default 1,024; 1 to 1,000,000.</summary>
    public int PendingWaitersMax { get; init; } = 1024;

    /// <summary>What a publish does when the buffer is full while the connection is down. Default: wait.</summary>
    public NatsPendingPolicy PendingPolicy { get; init; } = NatsPendingPolicy.Wait;

    /// <summary>True (default): publishes while the connection is down are buffered and sent after the reconnect.
    /// False: they fail at once, and what was not yet sent when the connection is lost is dropped, so that nothing
    /// crosses from one <see cref="NatsConnection.Epoch"/> into the next.</summary>
    public bool BufferWhileDisconnected { get; init; } = true;

    /// <summary>Bytes that one write to the socket carries at most under load. Default 128 KiB; 4 KiB to 4
    /// MiB.</summary>
    public int WriterBatchBytes { get; init; } = 128 * 1024;

    /// <summary>Size of the receive buffer; it grows for larger messages. Default 128 KiB; 4 KiB to 4 MiB.</summary>
    public int ReaderBufferBytes { get; init; } = 128 * 1024;

    /// <summary>Default of <see cref="NatsSubOpts.MessagesMax"/>: 65,536; 1 to 10,000,000.</summary>
    public int SubscriptionMessagesMax { get; init; } = 65_536;

    /// <summary>Default of <see cref="NatsSubOpts.BytesMax"/>: 64 MiB; 1 to 16 GiB.</summary>
    public long SubscriptionBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>Subscriptions at once. Default 200,000; 1 to 1,000,000.</summary>
    public int SubscriptionsMax { get; init; } = 200_000;

    /// <summary>Requests in flight at once. Default 65,536; 1 to 1,000,000.</summary>
    public int RequestsMax { get; init; } = 65_536;

    /// <summary>Largest control line accepted from the server, except INFO, and sent to it. Default 4,096 bytes; 512
    /// to 64 KiB.</summary>
    public int ControlLineBytesMax { get; init; } = 4096;

    /// <summary>Largest message (headers and payload) accepted from the server. Default 8 MiB; 1 KiB to 64
    /// MiB.</summary>
    public int MessageBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Largest header block accepted from the server. Default 64 KiB; 64 bytes to 1 MiB.</summary>
    public int HeaderBytesMax { get; init; } = 64 * 1024;

    /// <summary>Clock and timers. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Source of jitter and shuffling; used by one task at a time. Null (default): an own one.</summary>
    public Random? Random { get; init; }

    /// <summary>Where the connection logs to. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>The options without anything secret.</summary>
    /// <returns>Text for logs.</returns>
    public override string ToString() =>
        $"NatsOpts {{ Url = {Internal.ServerAddress.Redact(Url)}, Name = {Name}, Username = {Username}, " +
        $"Tls = {Tls is not null}, InboxPrefix = {InboxPrefix} }}";
}
