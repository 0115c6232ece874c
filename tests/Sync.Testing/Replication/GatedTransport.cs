using System.Collections.Concurrent;
using Sync.Contracts;

namespace Sync.Testing.Replication;

/// <summary>A transport whose key subscriptions are confirmed when the test says so, and that reports disruptions on
/// demand; all else is the transport it wraps, which stays the caller's.</summary>
public sealed class GatedTransport(ITransport inner) : ITransport
{
    private readonly ConcurrentBag<(SyncedKey Key, IEnvelopeHandler Handler)> _handlers = [];
    private readonly TaskCompletionSource _confirmed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _subscribing = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the first key subscription was asked for.</summary>
    public Task Subscribing => _subscribing.Task;

    /// <inheritdoc/>
    public long ConnectionEpoch => inner.ConnectionEpoch;

    /// <inheritdoc/>
    public int KeyCount => inner.KeyCount;

    /// <summary>Lets all key subscriptions through, from now on.</summary>
    public void Confirm() => _confirmed.TrySetResult();

    /// <summary>Tells the handlers of one key, or of all, that something may have been missed.</summary>
    public void Disrupt(Disruption disruption, SyncedKey? only = null)
    {
        foreach (var (key, handler) in _handlers)
            if (only is null || key == only) handler.Disrupted(disruption);
    }

    /// <inheritdoc/>
    public async ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedKey key, IEnvelopeHandler handler, CancellationToken cancellation = default)
    {
        _handlers.Add((key, handler));
        _subscribing.TrySetResult();
        await _confirmed.Task.WaitAsync(cancellation).ConfigureAwait(false);
        return await inner.SubscribeAsync(key, handler, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default) =>
        inner.PublishAsync(key, envelope, cancellation);

    /// <inheritdoc/>
    public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default) =>
        inner.PublishBeatAsync(beat, cancellation);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation = default) => inner.FlushAsync(cancellation);

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default) =>
        inner.SubscribeAsync(pattern, handler, cancellation);

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler, CancellationToken cancellation = default) =>
        inner.SubscribeBeatsAsync(handler, cancellation);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
