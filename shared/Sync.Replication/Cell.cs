namespace Sync.Replication;

/// <summary>Holder of a current value. An application may pass its UI framework's own, so that what reads it is
/// drawn again.</summary>
/// <typeparam name="T">The value.</typeparam>
public interface ICell<T>
{
    /// <summary>The value, tracked: whoever is being computed now depends on it from here on.</summary>
    T? Get();

    /// <summary>The value, untracked.</summary>
    T? Peek();

    /// <summary>Sets the value. Called by one thread at a time, in the order of the changes.</summary>
    void Set(T? value);
}

/// <summary>The default cell: the value, and the trackers that read it. Any thread may read; one lock guards value
/// and readers, and it is never held while a tracker is told.</summary>
/// <typeparam name="T">The value.</typeparam>
public sealed class Cell<T> : ICell<T>
{
    private readonly Lock _gate = new();
    private HashSet<CellTracker>? _readers;
    private T? _value;

    /// <inheritdoc/>
    public T? Get()
    {
        var tracker = CellTracker.Current;
        lock (_gate)
        {
            if (tracker is not null) (_readers ??= []).Add(tracker);
            return _value;
        }
    }

    /// <inheritdoc/>
    public T? Peek()
    {
        lock (_gate) return _value;
    }

    /// <inheritdoc/>
    public void Set(T? value)
    {
        HashSet<CellTracker>? readers;
        lock (_gate)
        {
            _value = value;
            (readers, _readers) = (_readers, null);
        }
        if (readers is null) return;
        foreach (var reader in readers) reader.Invalidate();
    }
}

/// <summary>Runs a computation and says, once, when a cell that it read has changed. A computation that wants to
/// follow runs again and tracks again, so a cell that it no longer reads holds it no longer than to its next
/// change.</summary>
public sealed class CellTracker
{
    [ThreadStatic]
    private static CellTracker? t_current;

    private readonly Action _invalidated;
    private int _isTold;

    private CellTracker(Action invalidated) => _invalidated = invalidated;

    internal static CellTracker? Current => t_current;

    /// <summary>Runs a computation.</summary>
    /// <param name="compute">Reads cells by <see cref="ICell{T}.Get"/>, on this thread.</param>
    /// <param name="invalidated">Called once, by whoever sets a cell that was read; must be quick.</param>
    /// <typeparam name="TResult">What it computes.</typeparam>
    public static TResult Track<TResult>(Func<TResult> compute, Action invalidated)
    {
        ArgumentNullException.ThrowIfNull(compute);
        ArgumentNullException.ThrowIfNull(invalidated);
        var outer = t_current;
        t_current = new CellTracker(invalidated);
        try
        {
            return compute();
        }
        finally
        {
            t_current = outer;
        }
    }

    internal void Invalidate()
    {
        if (Interlocked.Exchange(ref _isTold, 1) == 0) _invalidated();
    }
}
