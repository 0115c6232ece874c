namespace Sync.Nats;

/// <summary>Limits of one subscription; null means the connection's default.</summary>
public sealed record NatsSubOpts
{
    /// <summary>The subscription ends after this many messages, counted over reconnects. Null (default): never. At
    /// least 1.</summary>
    public long? MaxMsgs { get; init; }

    /// <summary>Messages that may wait for the consumer (channel subscriptions). At least 1.</summary>
    public int? MessagesMax { get; init; }

    /// <summary>Payload and header bytes that may wait for the consumer (channel subscriptions). At least 1.</summary>
    public long? BytesMax { get; init; }

    internal void Validate()
    {
        if (MaxMsgs < 1)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsSubOpts.MaxMsgs is {MaxMsgs}; must be at least 1 message");
        if (MessagesMax < 1)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsSubOpts.MessagesMax is {MessagesMax}; must be at least 1 message");
        if (BytesMax < 1)
            throw new NatsException(NatsError.InvalidOptions,
                $"NatsSubOpts.BytesMax is {BytesMax}; must be at least 1 byte");
    }
}
