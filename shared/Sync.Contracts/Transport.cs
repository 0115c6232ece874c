namespace Sync.Contracts;

/// <summary>Moves envelopes and beats between writers and replicas. A dumb pipe: it keeps no last value, validates nothing,
/// dedupes nothing; a subscriber sees only what is published after its subscription completed. Order is kept per key (not
/// between a key and a pattern subscription). Every implementation passes <c>TransportCompliance</c>.</summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Hands an envelope to every current subscriber of the key; without one it is a no-op and never throws for that.
    /// From inside a handler it is queued behind the delivery in progress.</summary>
    /// <exception cref="SyncException">The bus refuses or cannot take it (<see cref="SyncErrorCode.BusUnavailable"/>).</exception>
    ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default);

    /// <summary>Hands a beat to every current subscriber of its feed, behind all envelopes published before it.</summary>
    ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default);

    /// <summary>Completes when the bus has taken everything published before it.</summary>
    /// <exception cref="SyncException">The connection was lost in between: nothing is confirmed.</exception>
    ValueTask FlushAsync(CancellationToken cancellation = default);

    /// <summary>Follows one key. Completes when the bus is known to deliver. The same handler on the same key again is the
    /// same one subscription, delivered once. Disposing is idempotent and never removes a later subscription.</summary>
    ValueTask<IAsyncDisposable> SubscribeAsync(SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default);

    /// <summary>Follows a pattern; otherwise as for one key.</summary>
    ValueTask<IAsyncDisposable> SubscribeAsync(SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default);

    /// <summary>Follows the beats of all feeds; otherwise as for one key.</summary>
    ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler, CancellationToken cancellation = default);

    /// <summary>Changes whenever the bus connection was lost or the bus refused a message. What was published and flushed under one unchanged number is with
    /// the bus; after a change everything published since the last flush may be lost.</summary>
    long ConnectionEpoch { get; }

    /// <summary>Keys and patterns with a subscriber: returns to where it was when sessions have gone.</summary>
    int KeyCount { get; }
}

/// <summary>Takes what a subscription delivers, off the bus's read loop, one call at a time per subscription. An exception
/// is counted and logged, and harms nobody else.</summary>
public interface IEnvelopeHandler
{
    /// <summary>An envelope arrived. Several subscribers of a key get the same instance.</summary>
    void Receive(Envelope envelope);

    /// <summary>Something may have been missed; ordered with the envelopes around it.</summary>
    void Disrupted(Disruption disruption);
}

/// <summary>Takes beats; otherwise as <see cref="IEnvelopeHandler"/>.</summary>
public interface IBeatHandler
{
    /// <summary>A beat arrived.</summary>
    void Receive(Beat beat);

    /// <summary>Beats may have been missed.</summary>
    void Disrupted(Disruption disruption);
}

/// <summary>Why messages may have been missed.</summary>
public enum Disruption
{
    /// <summary>The bus connection was lost and is back: everything on it may have missed something.</summary>
    Reconnected,

    /// <summary>A bounded queue overflowed: older envelopes were dropped, the newest of each key was kept where it could be.</summary>
    Overflow,

    /// <summary>Bytes arrived that could not be decoded.</summary>
    Undecodable,
}

/// <summary>Turns envelopes into bytes and back. MessagePack is the default; JSON serves debugging.</summary>
public interface IEnvelopeCodec
{
    /// <summary>Writes one envelope.</summary>
    void Encode(Envelope envelope, System.Buffers.IBufferWriter<byte> destination);

    /// <summary>Reads one envelope; the result owns its memory. Never throws for bad input.</summary>
    ParseResult<Envelope> Decode(ReadOnlySpan<byte> bytes);

    /// <summary>Writes one beat.</summary>
    void Encode(Beat beat, System.Buffers.IBufferWriter<byte> destination);

    /// <summary>Reads one beat. Never throws for bad input.</summary>
    ParseResult<Beat> DecodeBeat(ReadOnlySpan<byte> bytes);
}
