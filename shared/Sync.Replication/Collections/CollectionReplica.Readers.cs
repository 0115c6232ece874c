using System.Runtime.CompilerServices;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Those who wait, and those who read changes.</summary>
public sealed partial class CollectionReplica<T>
{
    private const int NotesAtOnce = 256;
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);

    /// <summary>The cursor behind the last change, for <see cref="ReadChanges"/>. Take it, read what is held, then read on from
    /// it: nothing is missed between the two, and what comes twice is the same.</summary>
    public long ChangesHead => _log.Head;

    /// <summary>Reads changes behind a cursor, without waiting.</summary>
    /// <param name="cursor">Moved behind what is read.</param>
    /// <param name="notes">Receives as many as fit.</param>
    /// <returns>How many; -1 = the reader was too slow and changes behind the cursor are gone: take a new cursor, and read what
    /// is held again.</returns>
    public int ReadChanges(ref long cursor, Span<CollectionNote> notes) => _log.Read(ref cursor, notes);

    /// <summary>Completes with true when there is a change behind the cursor, with false when the replica is
    /// disposed.</summary>
    public Task<bool> WhenChangedAsync(long cursor, CancellationToken cancellation = default) =>
        _log.WaitAsync(cursor, cancellation);

    /// <summary>Changes from now on, in order. A value is what is held when the change is read: as new as the change, or newer.
    /// A reader that falls further behind than the changes kept gets one <see cref="CollectionChangeKind.Reset"/> and goes on
    /// from there: it must read again what is held. Ends when the replica is disposed.</summary>
    public async IAsyncEnumerable<CollectionChange<T>> WatchAsync(
        [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var cursor = ChangesHead;
        var notes = new CollectionNote[NotesAtOnce];
        while (await _log.WaitAsync(cursor, cancellation).ConfigureAwait(false))
        {
            var count = ReadChanges(ref cursor, notes);
            if (count < 0)
            {
                cursor = ChangesHead;
                yield return new(CollectionChangeKind.Reset, default, default, Sequence.Unknown, default, false);
            }
            for (var index = 0; index < count; index++)
            {
                var note = notes[index];
                var value = note.Kind == CollectionChangeKind.Put ? ValueOf(note.Key) : default;
                yield return new(note.Kind, note.Key, value, note.Sequence, note.At, note.IsLoad);
            }
        }
    }

    /// <summary>The same as <see cref="WatchAsync"/> for observers: each has a pump of its own, so a slow one delays nobody.
    /// Completes when the replica is disposed. What an observer throws ends its subscription and is logged.</summary>
    public IObservable<CollectionChange<T>> Changes => new ChangesOf(this);

    /// <summary>Completes when every feed of the scope was loaded once.</summary>
    /// <exception cref="SyncException">There are more records than the bound (<see cref="SyncErrorCode.Exhausted"/>), or the
    /// replica is disposed.</exception>
    public Task WhenLoadedAsync(CancellationToken cancellation = default) => WaitAsync(
        core => core.Status == CollectionStatus.Full
            ? throw new SyncException(SyncErrorCode.Exhausted,
                $"{Scope} has more records than Sync:Collection:RecordsMax, {_options.Rules.RecordsMax}")
            : core.Status != CollectionStatus.Loading,
        cancellation);

    /// <summary>Completes when no load, gap or check is under way.</summary>
    /// <exception cref="SyncException">The replica is disposed.</exception>
    public Task WhenIdleAsync(CancellationToken cancellation = default) => WaitAsync(
        core => core.Status is CollectionStatus.Ok or CollectionStatus.Skew or CollectionStatus.Full, cancellation);

    /// <summary>Completes when the replica is current as of a position, as of a receipt: read your writes. It asks the writer
    /// when the position does not arrive soon.</summary>
    /// <param name="position">Of a feed of the scope, and of its history.</param>
    /// <param name="timeout">Null = no limit.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SyncException">Another feed or history (<see cref="SyncErrorCode.Invalid"/>), not in time
    /// (<see cref="SyncErrorCode.Exhausted"/>, transient), or disposed.</exception>
    public async Task WaitForAsync(
        FeedPosition position, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        var reached = WaitAsync(core => HasReached(core, position), cancellation);
        var started = _parts.Time.GetTimestamp();
        for (var patience = _options.WaitAskAfter; !reached.IsCompleted; patience = AskAgainAfter)
        {
            var left = timeout - _parts.Time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero)
                throw new SyncException(SyncErrorCode.Exhausted,
                    $"{Scope} is not known to be current as of {position} after {timeout}", isTransient: true);
            using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var pause = Task.Delay(left < patience ? left.Value : patience, _parts.Time, soon.Token);
            if (await Task.WhenAny(reached, pause).ConfigureAwait(false) == reached) await soon.CancelAsync().ConfigureAwait(false);
            else Step(static (core, at, effects, _) => core.Check(at, effects), 0);
        }
        await reached.ConfigureAwait(false);
    }

    private bool HasReached(CollectionCore<T> core, FeedPosition position)
    {
        if (core.Status == CollectionStatus.Loading && core.History.Value == 0) return false;
        var freshness = core.FreshnessOf(position.Feed);
        if (!freshness.IsKnown && !core.FeedStatuses.Any(feed => feed.Feed is null || feed.Feed == position.Feed))
            throw new SyncException(SyncErrorCode.Invalid,
                $"{position} is of a feed that {Scope} has no part in; wait with a receipt of a vault in it");
        if (core.History.Value != 0 && core.History != position.History)
            throw new SyncException(SyncErrorCode.Invalid, $"{position} is of another history than {Scope}: {core.History}");
        return freshness.IsKnown && freshness.At.Position >= position.Position;
    }

    private async Task WaitAsync(Func<CollectionCore<T>, bool> isOver, CancellationToken cancellation)
    {
        TaskCompletionSource? done;
        lock (_gate)
        {
            if (_isDisposed != 0) throw Gone();
            done = _waits.Add(isOver);
        }
        if (done is null) return;
        try
        {
            await done.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _waits.Remove(done);
        }
    }

    private sealed class ChangesOf(CollectionReplica<T> replica) : IObservable<CollectionChange<T>>
    {
        public IDisposable Subscribe(IObserver<CollectionChange<T>> observer)
        {
            ArgumentNullException.ThrowIfNull(observer);
            var end = new CancellationTokenSource();
            var changes = replica.WatchAsync(end.Token).GetAsyncEnumerator(CancellationToken.None);
            // The cursor is taken here, before Subscribe returns: what changes behind it is told.
            var first = changes.MoveNextAsync();
            _ = Task.Run(() => PumpAsync(changes, first, observer), CancellationToken.None);
            return new Ending(end);
        }

        private async Task PumpAsync(
            IAsyncEnumerator<CollectionChange<T>> changes, ValueTask<bool> first, IObserver<CollectionChange<T>> observer)
        {
            try
            {
                for (var more = await first.ConfigureAwait(false); more; more = await changes.MoveNextAsync().ConfigureAwait(false))
                    observer.OnNext(changes.Current);
                observer.OnCompleted();
            }
            catch (OperationCanceledException)
            {
                // Unsubscribed.
            }
            catch (Exception error)
            {
                replica.Hub.Log.CollectionObserverFailed(replica.Scope, error);
            }
            finally
            {
                await changes.DisposeAsync().ConfigureAwait(false);
            }
        }
    }

    private sealed class Ending(CancellationTokenSource end) : IDisposable
    {
        // Not disposed: its pump may still look at it; it has no timer and holds nothing.
        public void Dispose() => end.Cancel();
    }
}
