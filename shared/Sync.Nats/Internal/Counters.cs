namespace Sync.Nats.Internal;

/// <summary>
/// The numbers of one connection, and the same ones for the meter. The read loop and the sender add once per batch;
/// each of their fields has one writer at a time, the others are rare and use interlocked adds.
/// </summary>
internal sealed class Counters
{
    private long _messagesIn;
    private long _bytesIn;
    private long _messagesOut;
    private long _bytesOut;
    private long _lostInFlight;
    private long _reconnects;
    private long _overflowed;
    private long _slowConsumers;
    private long _discarded;
    private long _permissionErrors;
    private long _publishesDenied;
    private long _serverErrors;
    private long _callbackErrors;
    private long _unrouted;
    private long _eventsDropped;

    public void In(long messages, long bytes)
    {
        Interlocked.Add(ref _messagesIn, messages);
        Interlocked.Add(ref _bytesIn, bytes);
        NatsMetrics.MessagesIn.Add(messages);
        NatsMetrics.BytesIn.Add(bytes);
    }

    public void Out(long messages, long bytes)
    {
        Interlocked.Add(ref _messagesOut, messages);
        Interlocked.Add(ref _bytesOut, bytes);
        NatsMetrics.MessagesOut.Add(messages);
        NatsMetrics.BytesOut.Add(bytes);
    }

    public void LostInFlight(long messages)
    {
        Interlocked.Add(ref _lostInFlight, messages);
        NatsMetrics.LostInFlight.Add(messages);
    }

    public void Reconnected()
    {
        Interlocked.Increment(ref _reconnects);
        NatsMetrics.Reconnects.Add(1);
    }

    public void Overflowed()
    {
        Interlocked.Increment(ref _overflowed);
        NatsMetrics.Overflowed.Add(1);
    }

    public void SlowConsumer()
    {
        Interlocked.Increment(ref _slowConsumers);
        NatsMetrics.SlowConsumers.Add(1);
    }

    public void Discarded(long messages)
    {
        if (messages == 0)
            return;
        Interlocked.Add(ref _discarded, messages);
        NatsMetrics.Discarded.Add(messages);
    }

    public void PermissionError()
    {
        Interlocked.Increment(ref _permissionErrors);
        NatsMetrics.PermissionErrors.Add(1);
    }

    public long PublishesDenied => Volatile.Read(ref _publishesDenied);

    public void PublishDenied() => Interlocked.Increment(ref _publishesDenied);

    public void ServerError()
    {
        Interlocked.Increment(ref _serverErrors);
        NatsMetrics.ServerErrors.Add(1);
    }

    public void CallbackError()
    {
        Interlocked.Increment(ref _callbackErrors);
        NatsMetrics.CallbackErrors.Add(1);
    }

    public void Unrouted() => Interlocked.Increment(ref _unrouted);

    public void EventDropped() => Interlocked.Increment(ref _eventsDropped);

    public NatsStatistics Read() => new()
    {
        MessagesIn = Volatile.Read(ref _messagesIn),
        BytesIn = Volatile.Read(ref _bytesIn),
        MessagesOut = Volatile.Read(ref _messagesOut),
        BytesOut = Volatile.Read(ref _bytesOut),
        PublishesLostInFlight = Volatile.Read(ref _lostInFlight),
        PublishesDiscarded = Volatile.Read(ref _discarded),
        Reconnects = Volatile.Read(ref _reconnects),
        MessagesOverflowed = Volatile.Read(ref _overflowed),
        SlowConsumerEpisodes = Volatile.Read(ref _slowConsumers),
        PermissionErrors = Volatile.Read(ref _permissionErrors),
        PublishesDenied = PublishesDenied,
        ServerErrors = Volatile.Read(ref _serverErrors),
        CallbackErrors = Volatile.Read(ref _callbackErrors),
        MessagesUnrouted = Volatile.Read(ref _unrouted),
        EventsDropped = Volatile.Read(ref _eventsDropped),
    };
}
