namespace Sync.Nats;

/// <summary>Every failure this client reports. Decide by <see cref="Error"/>, never by the text.</summary>
public sealed class NatsException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="error">What went wrong.</param>
    /// <param name="message">For people; holds no secrets.</param>
    /// <param name="inner">The cause, or null.</param>
    public NatsException(NatsError error, string message, Exception? inner = null)
        : base(message, inner) => Error = error;

    /// <summary>What went wrong.</summary>
    public NatsError Error { get; }

    /// <summary>True when the same call may succeed later without a change.</summary>
    public bool IsTransient => Error is NatsError.ConnectFailed or NatsError.NotConnected or NatsError.ConnectionLost
        or NatsError.PendingFull or NatsError.Timeout or NatsError.NoResponders or NatsError.LimitReached;
}
