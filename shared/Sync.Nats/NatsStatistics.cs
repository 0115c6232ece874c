namespace Sync.Nats;

/// <summary>What a connection did since it was constructed. All values only grow.</summary>
public readonly record struct NatsStatistics
{
    /// <summary>Messages received.</summary>
    public long MessagesIn { get; init; }

    /// <summary>Bytes received, with the protocol's own.</summary>
    public long BytesIn { get; init; }

    /// <summary>Publishes handed to the socket.</summary>
    public long MessagesOut { get; init; }

    /// <summary>Bytes handed to the socket, with the protocol's own.</summary>
    public long BytesOut { get; init; }

    /// <summary>Publishes in a write that failed: they may or may not have arrived, and are not sent again.</summary>
    public long PublishesLostInFlight { get; init; }

    /// <summary>Accepted publishes that were dropped unsent: by policy, or with their connection.</summary>
    public long PublishesDiscarded { get; init; }

    /// <summary>Connections made after the first one.</summary>
    public long Reconnects { get; init; }

    /// <summary>Messages dropped because a consumer was too slow; each drop is told to that consumer.</summary>
    public long MessagesOverflowed { get; init; }

    /// <summary>Times that a consumer fell behind its limits.</summary>
    public long SlowConsumerEpisodes { get; init; }

    /// <summary>Permission violations told by the server.</summary>
    public long PermissionErrors { get; init; }

    /// <summary>Those of them that refused a message; answers to inboxes (<c>_INBOX.</c>) do not count.</summary>
    public long PublishesDenied { get; init; }

    /// <summary>All errors told by the server.</summary>
    public long ServerErrors { get; init; }

    /// <summary>Exceptions thrown by callbacks and event handlers.</summary>
    public long CallbackErrors { get; init; }

    /// <summary>Messages for subscriptions that are gone: normal for a moment after an unsubscribe.</summary>
    public long MessagesUnrouted { get; init; }

    /// <summary>Events not raised because handlers were too slow.</summary>
    public long EventsDropped { get; init; }
}
