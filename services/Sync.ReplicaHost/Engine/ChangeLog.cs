using Sync.Contracts;
using Sync.Replication;

namespace Sync.ReplicaHost.Engine;

/// <summary>A change that streams are told of, without its value: a stream reads what is held when it gets to it.</summary>
internal readonly record struct ChangeNote(CollectionChangeKind Kind, SyncedKey Key, Sequence Sequence, FeedPosition At);

/// <summary>The last changes of a scope, once for all streams: each reads on by a cursor of its own, so a slow one costs
/// nothing and delays nobody. Full-policy: the oldest is overwritten, and a cursor that still needed it is lost. One writer at
/// a time; any number of readers. The lock guards all fields.</summary>
internal sealed class ChangeLog(int kept)
{
    private readonly Lock _gate = new();
    private readonly ChangeNote[] _ring = new ChangeNote[kept];
    private TaskCompletionSource? _waiting;
    private long _head;
    private long _lostBefore;

    /// <summary>The cursor behind the last change.</summary>
    public long Head
    {
        get { lock (_gate) return _head; }
    }

    public void Add(in ChangeNote note)
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _ring[(int)(_head++ % kept)] = note;
            (waiting, _waiting) = (_waiting, null);
        }
        waiting?.TrySetResult();
    }

    /// <summary>Changes did not come here: every cursor is lost.</summary>
    public void Lose()
    {
        TaskCompletionSource? waiting;
        lock (_gate)
        {
            _lostBefore = ++_head;
            (waiting, _waiting) = (_waiting, null);
        }
        waiting?.TrySetResult();
    }

    /// <summary>Reads on.</summary>
    /// <param name="cursor">Moved behind what is read.</param>
    /// <param name="notes">Receives as many as fit.</param>
    /// <returns>How many; -1 = the cursor is lost, begin again.</returns>
    public int Read(ref long cursor, Span<ChangeNote> notes)
    {
        lock (_gate)
        {
            if (cursor < _lostBefore || cursor < _head - kept) return -1;
            var count = (int)Math.Min(notes.Length, _head - cursor);
            for (var index = 0; index < count; index++) notes[index] = _ring[(int)(cursor++ % kept)];
            return count;
        }
    }

    /// <summary>Completes when there is something behind the cursor.</summary>
    public Task WaitAsync(long cursor)
    {
        lock (_gate)
        {
            if (_head > cursor) return Task.CompletedTask;
            return (_waiting ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }
}
