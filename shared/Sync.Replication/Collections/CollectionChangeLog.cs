using Sync.Contracts;

namespace Sync.Replication;

/// <summary>A change as readers are told of it, without its value: whoever gets to it reads what is held then, so that a
/// slow reader costs no memory and is never shown what is old.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Key">The record; default at a reset.</param>
/// <param name="Sequence">Of the change; -1 where a snapshot only showed that the record is gone.</param>
/// <param name="At">Where the change is, or where the snapshot stands.</param>
/// <param name="IsLoad">True when it comes from a page of a snapshot.</param>
public readonly record struct CollectionNote(
    CollectionChangeKind Kind, SyncedKey Key, Sequence Sequence, FeedPosition At, bool IsLoad);

/// <summary>The last changes of a collection replica, once for all readers: each reads on by a cursor of its own. When it is
/// full the oldest is overwritten, and a cursor that still needed it is lost. The lock guards all fields; it is held for
/// copies only.</summary>
internal sealed class CollectionChangeLog(int kept)
{
    private const int FirstSize = 256;
    private readonly Lock _gate = new();
    private CollectionNote[] _ring = [];
    private TaskCompletionSource? _waiting;
    private long _head;
    private bool _isClosed;

    /// <summary>The cursor behind the last change.</summary>
    public long Head
    {
        get { lock (_gate) return _head; }
    }

    /// <summary>Adds changes, in order.</summary>
    public void Add<T>(IReadOnlyList<CollectionChange<T>> changes)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            for (var index = 0; index < changes.Count; index++)
            {
                var change = changes[index];
                if (_head >= _ring.Length && _ring.Length < kept) Grow();
                _ring[(int)(_head++ % _ring.Length)] = new(change.Kind, change.Key, change.Sequence, change.At, change.IsLoad);
            }
            (waiting, _waiting) = (_waiting, null);
        }
        waiting?.TrySetResult();
    }

    /// <summary>Nothing more comes.</summary>
    public void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _waiting?.TrySetResult();
        }
    }

    /// <summary>Reads on.</summary>
    /// <param name="cursor">Moved behind what is read.</param>
    /// <param name="notes">Receives as many as fit.</param>
    /// <returns>How many; -1 = the cursor is lost.</returns>
    public int Read(ref long cursor, Span<CollectionNote> notes)
    {
        lock (_gate)
        {
            if (cursor < _head - _ring.Length) return -1;
            var count = (int)Math.Min(notes.Length, _head - cursor);
            for (var index = 0; index < count; index++) notes[index] = _ring[(int)(cursor++ % _ring.Length)];
            return count;
        }
    }

    /// <summary>Completes with true when there is something behind the cursor, with false when nothing more comes.</summary>
    public async Task<bool> WaitAsync(long cursor, CancellationToken cancellation)
    {
        while (true)
        {
            Task more;
            lock (_gate)
            {
                if (_head > cursor) return true;
                if (_isClosed) return false;
                more = (_waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            await more.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    // Doubles while it has not wrapped, so that a place is its number and nothing moves.
    private void Grow() => Array.Resize(ref _ring, Math.Min(kept, Math.Max(FirstSize, _ring.Length * 2)));
}
