namespace Sync.Replication;

/// <summary>Tells the observers and cells of one replica about its changes, in order, outside the replica's gate.
/// <para>Why it is safe: all fields are guarded by the replica's gate. At most one thread tells at a time
/// (<c>_isTelling</c>); others leave their change in the backlog, which is bounded: when full the oldest is dropped
/// and the next one carries the number. A listener that joins in the middle is told only what was published after it
/// joined. After <see cref="StopAsync"/> nothing more is begun, and its task completes when the call in progress has
/// returned.</para></summary>
internal sealed class Announcer<T>(Lock gate, Replica<T> replica) : IThreadPoolWorkItem
{
    private const int BacklogMax = 1024;
    private readonly Queue<Item> _backlog = new();
    private Listener[] _listeners = [];
    private TaskCompletionSource? _quiet;
    private long _published, _missed, _errors;
    private int _tellingThread;
    private bool _isTelling, _isStopped;

    public long Errors => Interlocked.Read(ref _errors);

    /// <summary>Under the gate: notes a change.</summary>
    /// <returns>True when the caller must call <see cref="Tell"/> (or <see cref="TellLater"/>) with the item once it
    /// has left the gate.</returns>
    public bool Add(in ReplicaChange<T> change, out Item item)
    {
        item = default;
        if (_listeners.Length == 0 || _isStopped) return false;
        item = new Item(change, ++_published);
        if (!_isTelling)
        {
            _isTelling = true;
            return true;
        }
        Enqueue(item);
        return false;
    }

    /// <summary>Outside the gate: tells, until the backlog is empty.</summary>
    public void Tell(in Item first)
    {
        _tellingThread = Environment.CurrentManagedThreadId;
        var item = first;
        while (true)
        {
            Notify(item);
            lock (gate)
            {
                if (!TryNext(out item)) return;
            }
        }
    }

    /// <summary>Outside the gate: tells from the thread pool.</summary>
    public void TellLater(in Item first)
    {
        lock (gate)
        {
            // Only the owner of the turn may put it back in front, and nobody else takes from the backlog meanwhile.
            var later = _backlog.Count;
            Enqueue(first);
            for (; later > 0; later--) _backlog.Enqueue(_backlog.Dequeue());
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
        if (!_isTelling || _tellingThread == Environment.CurrentManagedThreadId) return Task.CompletedTask;
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
            if (_missed == 0) return true;
            item = item with { Change = item.Change with { Missed = _missed } };
            _missed = 0;
            return true;
        }
        item = default;
        (_isTelling, _tellingThread) = (false, 0);
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
