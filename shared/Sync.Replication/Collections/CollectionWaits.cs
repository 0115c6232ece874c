using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Callers that wait for a collection replica to be loaded, quiet, or current as of a position. Guarded by the
/// replica's gate; whoever is released is told outside of it.</summary>
internal sealed class CollectionWaits<T>(CollectionCore<T> core)
{
    private const int CountMax = 100_000;
    private readonly List<Waiter> _waiters = [];

    public bool IsEmpty => _waiters.Count == 0;

    /// <summary>Begins a wait.</summary>
    /// <param name="isOver">Looks at the core: true = over; throws what the caller is to get.</param>
    /// <returns>Null when it is over already.</returns>
    public TaskCompletionSource? Add(Func<CollectionCore<T>, bool> isOver)
    {
        if (isOver(core)) return null;
        if (_waiters.Count >= CountMax)
            throw new SyncException(SyncErrorCode.Exhausted, $"{CountMax} callers wait for this replica already", true);
        var waiter = new Waiter(isOver, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        _waiters.Add(waiter);
        return waiter.Done;
    }

    /// <summary>A caller gave up.</summary>
    public void Remove(TaskCompletionSource done) => _waiters.RemoveAll(waiter => waiter.Done == done);

    /// <summary>Looks after each step of the core.</summary>
    public void Look() => _waiters.RemoveAll(waiter =>
    {
        try
        {
            return waiter.IsOver(core) && waiter.Done.TrySetResult();
        }
        catch (SyncException error)
        {
            return waiter.Done.TrySetException(error);
        }
    });

    /// <summary>The replica is gone.</summary>
    public void End(SyncException error)
    {
        foreach (var waiter in _waiters) waiter.Done.TrySetException(error);
        _waiters.Clear();
    }

    private sealed record Waiter(Func<CollectionCore<T>, bool> IsOver, TaskCompletionSource Done);
}
