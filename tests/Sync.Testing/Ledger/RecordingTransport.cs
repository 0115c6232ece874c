using Sync.Contracts;

namespace Sync.Testing.Ledger;

/// <summary>A bus that only remembers what reached it, and can lose its connection. Safe from any thread: one
/// lock.</summary>
public sealed class RecordingTransport : ITransport
{
    private readonly Lock _gate = new();
    private readonly Dictionary<FeedId, List<object>> _seen = [];
    private readonly Dictionary<FeedId, int> _flushed = [];
    private readonly List<(Func<bool> Condition, TaskCompletionSource Met)> _waits = [];
    private long _epoch = 1;
    private bool _isDown;

    /// <inheritdoc/>
    public long ConnectionEpoch => Interlocked.Read(ref _epoch);

    /// <inheritdoc/>
    public int KeyCount => 0;

    /// <summary>What arrived for a feed, in order: envelopes and beats.</summary>
    public IReadOnlyList<object> Seen(FeedId feed)
    {
        lock (_gate) return [.. _seen.GetValueOrDefault(feed, [])];
    }

    /// <summary>Different positions that arrived for a feed.</summary>
    public IReadOnlySet<long> Positions(FeedId feed) =>
        Seen(feed).OfType<Envelope>().Select(envelope => envelope.Position.Value).ToHashSet();

    /// <summary>Completes when a condition over what arrived holds.</summary>
    public Task WhenAsync(Func<bool> condition)
    {
        lock (_gate)
        {
            if (condition()) return Task.CompletedTask;
            var met = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waits.Add((condition, met));
            return met.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    /// <summary>Loses the connection: everything fails until it is back, and what arrived since the last flush never
    /// did.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            _isDown = true;
            foreach (var (feed, seen) in _seen)
            {
                var flushed = _flushed.GetValueOrDefault(feed);
                seen.RemoveRange(flushed, seen.Count - flushed);
            }
        }
    }

    /// <summary>The connection is back.</summary>
    public void Heal()
    {
        lock (_gate) _isDown = false;
        Interlocked.Increment(ref _epoch);
    }

    /// <inheritdoc/>
    public ValueTask PublishAsync(SyncedKey key, Envelope envelope, CancellationToken cancellation = default) =>
        Take(envelope.Feed, envelope);

    /// <inheritdoc/>
    public ValueTask PublishBeatAsync(Beat beat, CancellationToken cancellation = default) => Take(beat.Feed, beat);

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation = default)
    {
        lock (_gate)
        {
            if (_isDown) return ValueTask.FromException(Down());
            foreach (var (feed, seen) in _seen) _flushed[feed] = seen.Count;
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(SyncedKey key, IEnvelopeHandler handler,
        CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeAsync(
        SyncedPattern pattern, IEnvelopeHandler handler, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> SubscribeBeatsAsync(IBeatHandler handler,
        CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => default;

    private ValueTask Take(FeedId feed, object message)
    {
        lock (_gate)
        {
            if (_isDown) return ValueTask.FromException(Down());
            if (!_seen.TryGetValue(feed, out var seen)) _seen.Add(feed, seen = []);
            seen.Add(message);
            _waits.RemoveAll(wait =>
            {
                if (!wait.Condition()) return false;
                wait.Met.TrySetResult();
                return true;
            });
            return default;
        }
    }

    private static SyncException Down() => new(SyncErrorCode.BusUnavailable, "The bus is down.", isTransient: true);
}
