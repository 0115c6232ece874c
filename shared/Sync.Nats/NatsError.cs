namespace Sync.Nats;

/// <summary>What went wrong, stable over versions. <see cref="NatsException.Error"/> carries it.</summary>
public enum NatsError
{
    /// <summary>Not one of the others.</summary>
    Unknown = 0,

    /// <summary>No server could be reached, or a handshake failed or took too long.</summary>
    ConnectFailed = 1,

    /// <summary>The server refused the credentials, or they expired.</summary>
    Authentication = 2,

    /// <summary>TLS could not be agreed on or the certificate is not trusted.</summary>
    Tls = 3,

    /// <summary>There is no connection now and this call does not wait for one.</summary>
    NotConnected = 4,

    /// <summary>The connection was lost during the call: whether its effect took place is unknown.</summary>
    ConnectionLost = 5,

    /// <summary>The connection object was closed or disposed.</summary>
    Closed = 6,

    /// <summary>The publish was bound to an epoch of the connection that is over; nothing was sent.</summary>
    StaleEpoch = 7,

    /// <summary>The buffer of unsent publishes, or the number of waiters for it, is at its limit; nothing was
    /// sent.</summary>
    PendingFull = 8,

    /// <summary>The time limit of the call passed.</summary>
    Timeout = 9,

    /// <summary>Nobody answers requests on that subject.</summary>
    NoResponders = 10,

    /// <summary>The server does not allow this user to publish to or subscribe to the subject.</summary>
    PermissionDenied = 11,

    /// <summary>Subject, queue group or header not allowed; nothing was sent.</summary>
    InvalidName = 12,

    /// <summary>Headers and payload together exceed the server's max_payload; nothing was sent.</summary>
    PayloadTooLarge = 13,

    /// <summary>The peer broke the protocol or one of this client's limits.</summary>
    Protocol = 14,

    /// <summary>A limit of this client (subscriptions, requests in flight) is reached.</summary>
    LimitReached = 15,

    /// <summary>An option is out of its range.</summary>
    InvalidOptions = 16,
}
