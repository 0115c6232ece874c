using System.Threading.Channels;

namespace Sync.Replication;

/// <summary>Keeps a cell on the value.</summary>
internal sealed class ValueToCell<T>(ICell<T> cell) : IObserver<ReplicaChange<T>>
{
    public void OnNext(ReplicaChange<T> value)
    {
        if (value.Kind != ReplicaChangeKind.Status) cell.Set(value.Value);
    }

    public void OnCompleted() { }

    public void OnError(Exception error) { }
}

/// <summary>Keeps a cell on the metadata.</summary>
internal sealed class MetadataToCell<T>(ICell<ReplicaMetadata> cell) : IObserver<ReplicaChange<T>>
{
    public void OnNext(ReplicaChange<T> value) => cell.Set(value.Metadata);

    public void OnCompleted() { }

    public void OnError(Exception error) { }
}

/// <summary>One <c>WatchAsync</c>: a bounded buffer that keeps the newest. When its reader is slow the oldest are
/// dropped, and the next change that it reads says how many. Safe: the channel is, and the counter is only added to
/// and exchanged.</summary>
internal sealed class ReplicaWatch<T> : IObserver<ReplicaChange<T>>
{
    private readonly Channel<ReplicaChange<T>> _buffer;
    private long _dropped;

    public ReplicaWatch(int capacity) => _buffer = Channel.CreateBounded<ReplicaChange<T>>(
        new BoundedChannelOptions(capacity)
        {
            FullMode = BoundedChannelFullMode.DropOldest,
            SingleReader = true,
            SingleWriter = true,
        },
        _ => Interlocked.Increment(ref _dropped));

    public void OnNext(ReplicaChange<T> value) => _buffer.Writer.TryWrite(value);

    public void OnCompleted() => _buffer.Writer.TryComplete();

    public void OnError(Exception error) => _buffer.Writer.TryComplete(error);

    public async IAsyncEnumerable<ReplicaChange<T>> ReadAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var change in _buffer.Reader.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            var dropped = Interlocked.Exchange(ref _dropped, 0);
            yield return dropped == 0 ? change : change with { Missed = change.Missed + dropped };
        }
    }
}
