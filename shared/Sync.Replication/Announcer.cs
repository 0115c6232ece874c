namespace Sync.Replication;

/// <summary>Tells the observers and cells of one replica about its changes, in order, outside the replica's gate.
/// <para>Why it is safe: all fields but <c>_turn</c> are guarded by the replica's gate. At most one thread tells at a time:
/// whoever takes the turn, under the gate. Others leave their change in the backlog and mark the turn as awaited, also
/// under the gate; the backlog is bounded: when full the oldest is dropped and the next one carries the number. The teller
/// gives back a turn that nobody marked by one exchange, without the gate; a marked one under it. A listener that joins
/// in the middle is told only what was published after it joined. After <see cref="StopAsync"/> nothing more is begun, and its task completes when the call in progress has
/// returned.</para></summary>
internal sealed class Announcer<T>(Lock gate, Replica<T> replica) : IThreadPoolWorkItem
{
    private const int BacklogMax = 1024;

    // The turn to tell: with nobody; taken; taken, and something waits for its end.
    private const int Free = 0, Taken = 1, Awaited = 2;
    private readonly Queue<Item> _backlog = new();
    private Listener[] _listeners = [];
    private TaskCompletionSource? _quiet;
    private long _published, _missed, _errors;
    private int _tellingThread;
    private int _turn;
    private bool _isStopped;

    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>Under the gate: notes a change.</summary>
    /// <param name="change">The change.</param>
    /// <param name="item">Set when the result is true.</param>
    /// <returns>True when the caller must call <see cref="Tell"/> (or <see cref="TellLater"/>) with the item once it
    /// has left the gate.</returns>
    public bool Add(in ReplicaChange<T> change, ref Item item)
    {
        if (_listeners.Length == 0 || _isStopped) return false;
        _published++;
        if (IsTold())
        {
            Enqueue(new Item(change, _published));
            return false;
        }
        item = new Item(change, _published);
        Volatile.Write(ref _turn, Taken); // only whoever holds the gate takes it
        return true;
    }

    /// <summary>Outside the gate: tells, until the backlog is empty.</summary>
    public void Tell(in Item first)
    {
        var thread = Environment.CurrentManagedThreadId;
        _tellingThread = thread;
        Notify(first);
        while (!TryLeave())
        {
            _tellingThread = thread;
            Item item;
            lock (gate)
            {
                if (!TryNext(out item)) return;
            }
            Notify(item);
        }
    }

    /// <summary>Outside the gate: tells from the thread pool.</summary>
    public void TellLater(in Item first)
    {
        lock (gate)
        {
            // Only the owner of the turn may put it back in front, and nobody else takes from the backlog meanwhile. Of a
            // full one it is the oldest, which is dropped.
            if (_backlog.Count >= BacklogMax) _missed++;
            else
            {
                var later = _backlog.Count;
                _backlog.Enqueue(first);
                for (; later > 0; later--) _backlog.Enqueue(_backlog.Dequeue());
            }
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Item item;
        lock (gate)
        {
            if (!TryNext(out item)) return;
        }
        Tell(item);
    }

    /// <summary>Adds a listener; disposing the result removes it. Idempotent.</summary>
    public IDisposable Subscribe(IObserver<ReplicaChange<T>> observer)
    {
        Listener listener;
        lock (gate)
        {
            listener = new Listener(this, observer, _published);
            if (!_isStopped)
            {
                _listeners = [.. _listeners, listener];
                return listener;
            }
        }
        observer.OnCompleted();
        return listener;
    }

    /// <summary>Under the gate: nothing more is begun.</summary>
    /// <returns>Completes when the call in progress has returned; at once when it is the caller's own.</returns>
    public Task StopAsync()
    {
        _isStopped = true;
        _backlog.Clear();
        if (!IsTold() || _tellingThread == Environment.CurrentManagedThreadId) return Task.CompletedTask;
        _quiet ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _quiet.Task;
    }

    /// <summary>After <see cref="StopAsync"/>: the observers' last call.</summary>
    public void Complete()
    {
        Listener[] listeners;
        lock (gate) (listeners, _listeners) = (_listeners, []);
        foreach (var listener in listeners)
        {
            try
            {
                listener.Observer.OnCompleted();
            }
            catch (Exception error)
            {
                Failed(error);
            }
        }
    }

    // Under the gate. True: the teller comes to the gate before it gives the turn back.
    private bool IsTold() => Volatile.Read(ref _turn) switch
    {
        Free => false,
        Awaited => true,
        _ => Interlocked.CompareExchange(ref _turn, Awaited, Taken) == Taken,
    };

    // The thread is forgotten first: behind the exchange the turn may be another's.
    private bool TryLeave()
    {
        _tellingThread = 0;
        return Interlocked.CompareExchange(ref _turn, Free, Taken) == Taken;
    }

    private void Enqueue(in Item item)
    {
        if (_backlog.Count >= BacklogMax)
        {
            _backlog.Dequeue();
            _missed++;
        }
        _backlog.Enqueue(item);
    }

    private bool TryNext(out Item item)
    {
        if (!_isStopped && _backlog.TryDequeue(out item))
        {
            Volatile.Write(ref _turn, _backlog.Count > 0 ? Awaited : Taken);
            if (_missed == 0) return true;
            item = item with { Change = item.Change with { Missed = _missed } };
            _missed = 0;
            return true;
        }
        item = default;
        _tellingThread = 0;
        Volatile.Write(ref _turn, Free);
        _quiet?.TrySetResult();
        return false;
    }

    private void Notify(in Item item)
    {
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            if (item.Ordinal <= listener.After || Volatile.Read(ref _isStopped)) continue;
            try
            {
                listener.Observer.OnNext(item.Change);
            }
            catch (Exception error)
            {
                Failed(error);
            }
        }
    }

    private void Failed(Exception error)
    {
        Interlocked.Increment(ref _errors);
        replica.ObserverFailed(error);
    }

    private void Remove(Listener listener)
    {
        lock (gate) _listeners = Array.FindAll(_listeners, other => other != listener);
    }

    internal readonly record struct Item(ReplicaChange<T> Change, long Ordinal);

    private sealed class Listener(Announcer<T> owner, IObserver<ReplicaChange<T>> observer, long after) : IDisposable
    {
        public IObserver<ReplicaChange<T>> Observer => observer;
        public long After => after;

        public void Dispose() => owner.Remove(this);
    }
}
