namespace Sync.Nats;

/// <summary>A received message that owns its bytes.</summary>
public readonly record struct NatsMsg
{
    /// <summary>Subject it was published to; for a pure gap notice the subscription's subject.</summary>
    public required string Subject { get; init; }

    /// <summary>Where an answer is expected, or null.</summary>
    public string? ReplyTo { get; init; }

    /// <summary>Headers, or null.</summary>
    public NatsHeaders? Headers { get; init; }

    /// <summary>The payload.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The memory of a large answer to a request; null = none to give back. Disposing it spares the next answer
    /// an allocation; nobody may look at <see cref="Data"/> afterwards. Optional and idempotent.</summary>
    public IDisposable? DataOwner { get; init; }

    /// <summary>Messages of this subscription that were dropped directly before this one because the consumer was too
    /// slow. 0 is the usual case; else the consumer has a gap and must resync.</summary>
    public long DroppedBefore { get; init; }

    /// <summary>True: no message at all, only the notice that <see cref="DroppedBefore"/> messages were dropped
    /// here.</summary>
    public bool IsGapNotice { get; init; }

    internal NatsConnection? Connection { get; init; }


    /// <summary>Publishes an answer to <see cref="ReplyTo"/>.</summary>
    /// <param name="data">Payload of the answer.</param>
    /// <param name="headers">Headers, or null.</param>
    /// <param name="cancellationToken">Ends a wait for room.</param>
    /// <returns>Completes when the answer is in the send buffer.</returns>
    /// <exception cref="NatsException">The message expects no answer, or the publish failed.</exception>
    public ValueTask ReplyAsync(
        ReadOnlyMemory<byte> data = default, NatsHeaders? headers = null,
        CancellationToken cancellationToken = default) =>
        ReplyTo is not null && Connection is not null
            ? Connection.PublishAsync(ReplyTo, data, headers, cancellationToken: cancellationToken)
            : throw new NatsException(NatsError.InvalidName, "The message has no reply subject");
}
