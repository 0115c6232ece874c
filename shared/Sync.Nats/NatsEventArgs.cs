namespace Sync.Nats;

/// <summary>Something happened to the connection. Events are raised one after the other, never on the read
/// loop.</summary>
/// <param name="server">Address of the server, without secrets.</param>
/// <param name="epoch">Epoch of the connection.</param>
/// <param name="message">What happened, for people.</param>
public class NatsEventArgs(string server, long epoch, string message) : EventArgs
{
    /// <summary>Address of the server, without secrets.</summary>
    public string Server { get; } = server;

    /// <summary>Epoch of the connection; 0 if none was ever made.</summary>
    public long Epoch { get; } = epoch;

    /// <summary>What happened, for people.</summary>
    public string Message { get; } = message;
}

/// <summary>An error told by the server, or a call that failed for good.</summary>
/// <param name="error">The error.</param>
public sealed class NatsErrorEventArgs(NatsException error) : EventArgs
{
    /// <summary>The error.</summary>
    public NatsException Error { get; } = error;
}

/// <summary>A consumer fell behind: messages are dropped until it catches up.</summary>
/// <param name="subscription">Whose consumer it is.</param>
public sealed class NatsSlowConsumerEventArgs(NatsSubscription subscription) : EventArgs
{
    /// <summary>The subscription.</summary>
    public NatsSubscription Subscription { get; } = subscription;
}
