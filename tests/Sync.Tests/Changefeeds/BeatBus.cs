using Sync.Contracts;
using Sync.Transport;

namespace Sync.Tests.Changefeeds;

/// <summary>A transport on which only the test beats.</summary>
internal sealed class BeatBus : ITransport
{
    private readonly InProcessTransport _inner = new();
    private readonly TaskCompletionSource _heard = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long ConnectionEpoch => _inner.ConnectionEpoch;

    public int KeyCount => _inner.KeyCount;

    /// <summary>Says that the feed is as long as a receipt tells.</summary>
    public async Task BeatAsync(Receipt receipt)
    {
        await _heard.Task;
        await _inner.PublishBeatAsync(new Beat
        {
            Feed = receipt.Feed,
            History = receipt.History,
            Prev = new Position(receipt.Position.Value - 1),
            Position = receipt.Position,
        });
    }

    public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default) =>
        _inner.PublishAsync(key, envelope, cancellation);

    public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default) =>
        _inner.PublishBeatAsync(beat, cancellation);

    public ValueTask FlushAsync(CancellationToken cancellation = default) => _inner.FlushAsync(cancellation);

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default) =>
        _inner.SubscribeAsync(key, handler, cancellation);

    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default) =>
        _inner.SubscribeAsync(pattern, handler, cancellation);

    public async ValueTask<IAsyncDisposable> SubscribeBeatsAsync(
        IBeatHandler handler, CancellationToken cancellation = default)
    {
        var subscription = await _inner.SubscribeBeatsAsync(handler, cancellation);
        _heard.TrySetResult();
        return subscription;
    }

    public ValueTask DisposeAsync() => _inner.DisposeAsync();
}
