using Sync.Contracts;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>How to reach the broker; bound from the section <see cref="Section"/>. Printing it shows no secrets.</summary>
public sealed record BusOptions
{
    /// <summary>The configuration section: <c>Sync:Nats</c>.</summary>
    public const string Section = "Sync:Nats";

    /// <summary>Servers, separated by commas: <c>nats://host:port</c> or <c>tls://host:port</c>. Default <c>nats://127.0.0.1:4222</c>.</summary>
    public string Url { get; init; } = "nats://127.0.0.1:4222";

    /// <summary>Name shown in the server's monitoring. Default <c>sync</c>; 1 to 256 characters.</summary>
    public string Name { get; init; } = "sync";

    /// <summary>User name; null (default) = none.</summary>
    public string? Username { get; init; }

    /// <summary>Password; null (default) = none.</summary>
    public string? Password { get; init; }

    /// <summary>Token instead of user and password; null (default) = none.</summary>
    public string? Token { get; init; }

    /// <summary>TLS; null (default) = only where the URL or the server demands it.</summary>
    public BusTlsOptions? Tls { get; init; }

    /// <summary>First tokens of this client's own reply subjects. Who may read them reads the answers, so give each user
    /// its own. Default <c>_INBOX</c>.</summary>
    public string InboxPrefix { get; init; } = "_INBOX";

    /// <summary>First tokens of the reply subjects that responders answer to: what all users' <see cref="InboxPrefix"/> begin
    /// with. Default <c>_INBOX</c>.</summary>
    public string ReplyPrefix { get; init; } = "_INBOX";

    /// <summary>True: <see cref="SyncBus.ConnectAsync"/> returns although no server answers yet, and goes on trying.
    /// False (default): it fails.</summary>
    public bool RetryOnInitialConnect { get; init; }

    /// <summary>Limit of each step of a connect. Default 2 s; 10 ms to 5 min.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Longest wait of a publish for room in the send buffer. Default 5 s; 1 ms to 1 h.</summary>
    public TimeSpan PublishTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for a flush to be confirmed. Default 5 s; 1 ms to 1 h.</summary>
    public TimeSpan FlushTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for a subscription to be confirmed, a reconnect in between included. Default 10 s; 1 ms to 1 h.</summary>
    public TimeSpan SubscribeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Silence of the server after which it is asked. Default 10 s; 10 ms to 10 min.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Wait before the second attempt of a reconnect; doubles. Default 100 ms; 1 ms to 1 min.</summary>
    public TimeSpan ReconnectWaitMin { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Upper bound of that wait. Default 500 ms: 2 s of it would use up most of the 3 s in which replicas are to agree
    /// again when a network heals; <see cref="ReconnectWaitMin"/> to 10 min.</summary>
    public TimeSpan ReconnectWaitMax { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Bytes of publishes that wait to be sent. Default 8 MiB; 64 KiB to 1 GiB.</summary>
    public int PendingBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Subscriptions of this connection. Default 200,000; 1 to 1,000,000.</summary>
    public int SubscriptionsMax { get; init; } = 200_000;

    /// <summary>Refuses what is out of range.</summary>
    /// <exception cref="SyncException"><see cref="SyncErrorCode.Invalid"/>, with the option, its value and the range.</exception>
    public void Validate()
    {
        if (string.IsNullOrWhiteSpace(Url)) throw Invalid("Sync:Nats:Url is empty; give nats://host:port");
        if (string.IsNullOrWhiteSpace(Name)) throw Invalid("Sync:Nats:Name is empty; give 1..256 characters");
        if (Token is not null && (Username ?? Password) is not null)
            throw Invalid("Sync:Nats:Token and Sync:Nats:Username are both given; give one");
        Bounds.CheckPrefix("Sync:Nats:InboxPrefix", InboxPrefix);
        Bounds.CheckPrefix("Sync:Nats:ReplyPrefix", ReplyPrefix);
        Bounds.Check("Sync:Nats:ConnectTimeout", ConnectTimeout, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(5));
        Bounds.Check("Sync:Nats:PublishTimeout", PublishTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Bounds.Check("Sync:Nats:FlushTimeout", FlushTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Bounds.Check("Sync:Nats:SubscribeTimeout", SubscribeTimeout, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1));
        Bounds.Check("Sync:Nats:PingInterval", PingInterval, TimeSpan.FromMilliseconds(10), TimeSpan.FromMinutes(10));
        Bounds.Check("Sync:Nats:ReconnectWaitMin", ReconnectWaitMin, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1));
        Bounds.Check("Sync:Nats:ReconnectWaitMax", ReconnectWaitMax, ReconnectWaitMin, TimeSpan.FromMinutes(10));
        Bounds.Check("Sync:Nats:PendingBytesMax", PendingBytesMax, 64 * 1024, 1024 * 1024 * 1024, "bytes");
        Bounds.Check("Sync:Nats:SubscriptionsMax", SubscriptionsMax, 1, 1_000_000, "subscriptions");
    }

    /// <summary>Name, user and prefix: neither the URL, which may hold a password, nor a secret.</summary>
    public override string ToString() => $"BusOptions {{ Name = {Name}, Username = {Username}, InboxPrefix = {InboxPrefix} }}";

    private static SyncException Invalid(string message) => new(SyncErrorCode.Invalid, message);
}

/// <summary>TLS to the broker. When given, the connection never falls back to plain text.</summary>
public sealed record BusTlsOptions
{
    /// <summary>PEM file of the authorities trusted; null (default) = the system's.</summary>
    public string? CaFile { get; init; }

    /// <summary>PEM file of the client's certificate; null (default) = none.</summary>
    public string? CertFile { get; init; }

    /// <summary>PEM file of its key; null = in the same file.</summary>
    public string? KeyFile { get; init; }
}
