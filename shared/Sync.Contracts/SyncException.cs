namespace Sync.Contracts;

/// <summary>Stable codes of what can go wrong.</summary>
public enum SyncErrorCode
{
    /// <summary>The bus cannot be reached, or the connection was lost before the answer.</summary>
    BusUnavailable,

    /// <summary>No answer came in time: whether the request was carried out is not known.</summary>
    NoAnswer,

    /// <summary>The writer or the ledger answered with an error.</summary>
    Refused,

    /// <summary>The database cannot be reached or failed.</summary>
    LedgerUnavailable,

    /// <summary>What was read contradicts an invariant (a hole in a feed, a broken chain). Nothing is served from it.</summary>
    Corrupt,

    /// <summary>An option or a call is wrong; the message says which and what is allowed.</summary>
    Invalid,

    /// <summary>The caller's bound was reached (a queue is full, a wait timed out).</summary>
    Exhausted,

    /// <summary>The component is stopping or disposed.</summary>
    Stopped,

    /// <summary>A write is committed or not, and nobody can say now: repeat it with the same idempotency key.</summary>
    UnknownOutcome,

    /// <summary>Nobody answers requests there (no responders): the request was certainly not carried out.</summary>
    NoResponder,
}

/// <summary>The one family of exceptions.</summary>
public sealed class SyncException : Exception
{
    /// <summary>Says what happened and what to do.</summary>
    public SyncException(SyncErrorCode code, string message, bool isTransient = false, Exception? inner = null)
        : base(message, inner)
    {
        Code = code;
        IsTransient = isTransient;
    }

    /// <summary>Stable code.</summary>
    public SyncErrorCode Code { get; }

    /// <summary>Why a write was refused; null when this is about something else.</summary>
    public Refusal? Refusal { get; init; }

    /// <summary>True when the same call may succeed later without a change.</summary>
    public bool IsTransient { get; }
}

/// <summary>Source of fact ids and idempotency keys: UUIDs of version 7, increasing.</summary>
public interface IIdSource
{
    /// <summary>The next id.</summary>
    /// <param name="now">Milliseconds of this instant go into the id.</param>
    Guid Next(Timestamp now);
}
