using Microsoft.Extensions.Logging;
using Sync.Contracts;
using Sync.Nats;

namespace Sync.Transport.Internal;

/// <summary>The client's words as this system's, and back: the one place that a change of the client touches besides
/// <see cref="NatsBus"/>.</summary>
internal static class NatsMapping
{
    public static NatsOpts ToOpts(BusOptions options, ILoggerFactory loggers, TimeProvider time) => new()
    {
        Url = options.Url,
        Name = options.Name,
        Username = options.Username,
        Password = options.Password,
        Token = options.Token,
        Tls = options.Tls is { } tls ? new NatsTlsOpts { CaFile = tls.CaFile, CertFile = tls.CertFile, KeyFile = tls.KeyFile } : null,
        InboxPrefix = options.InboxPrefix,
        RetryOnInitialConnect = options.RetryOnInitialConnect,
        ConnectTimeout = options.ConnectTimeout,
        PublishTimeout = options.PublishTimeout,
        // Requests bring their own limit; a flush uses this one.
        RequestTimeout = options.FlushTimeout,
        PingInterval = options.PingInterval,
        ReconnectWaitMin = options.ReconnectWaitMin,
        ReconnectWaitMax = options.ReconnectWaitMax,
        PendingBytesMax = options.PendingBytesMax,
        SubscriptionsMax = options.SubscriptionsMax,
        // A message kept over a reconnect would arrive under an epoch in which nobody published it.
        BufferWhileDisconnected = false,
        TimeProvider = time,
        LoggerFactory = loggers,
    };

    public static NatsHeaders? ToNats(BusHeaders? headers)
    {
        if (headers is null) return null;
        var nats = new NatsHeaders();
        foreach (var (name, value) in headers.Pairs) nats.Add(name, value);
        return nats;
    }

    public static BusHeaders? ToBus(NatsHeaders? headers) => headers is null ? null : BusHeaders.FromReceived(headers);

    public static bool IsOurs(Exception exception) => exception is NatsException or ObjectDisposedException;

    public static SyncException ToSync(Exception exception)
    {
        if (exception is not NatsException nats)
            return new SyncException(SyncErrorCode.Stopped, "the bus is disposed", false, exception);
        var (code, transient) = nats.Error switch
        {
            NatsError.NoResponders => (SyncErrorCode.NoResponder, true),
            NatsError.PermissionDenied => (SyncErrorCode.Refused, false),
            NatsError.InvalidName or NatsError.PayloadTooLarge or NatsError.InvalidOptions => (SyncErrorCode.Invalid, false),
            NatsError.Closed => (SyncErrorCode.Stopped, false),
            NatsError.LimitReached => (SyncErrorCode.Exhausted, true),
            NatsError.Authentication or NatsError.Tls => (SyncErrorCode.BusUnavailable, false),
            _ => (SyncErrorCode.BusUnavailable, true),
        };
        return new SyncException(code, nats.Message, transient, nats);
    }
}
