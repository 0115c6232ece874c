namespace Sync.Testing;

/// <summary>A clock that stands still until the test moves it. Timers fire inside <see cref="Advance"/>, on the thread that
/// advances, in the order of their due times, each seeing the clock at its own due time; so a run is repeatable.
/// Safe from any thread: one lock guards clock and timers, and it is never held while a callback runs.</summary>
public sealed class ManualTimeProvider : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly SortedSet<ManualTimer> _armed = new(ManualTimer.ByDue);
    private readonly List<(int Count, TaskCompletionSource Reached)> _watches = [];
    private DateTimeOffset _now;
    private long _order;

    /// <summary>Starts at 2026-01-01T00:00:00Z unless told otherwise.</summary>
    public ManualTimeProvider(DateTimeOffset? start = null) =>
        _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Timers that are waiting to fire.</summary>
    public int ArmedCount
    {
        get { lock (_gate) return _armed.Count; }
    }

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    /// <inheritdoc/>
    public override long GetTimestamp() => GetUtcNow().UtcTicks;

    /// <summary>Moves the clock on and fires what falls due, also what a callback arms within the span.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        DateTimeOffset end;
        lock (_gate) end = _now + by;
        while (TakeDue(end) is { } timer) timer.Fire();
    }

    /// <summary>Completes once at least that many timers are armed: how a test knows that the code under test waits.</summary>
    public Task WhenArmedAsync(int count = 1)
    {
        lock (_gate)
        {
            if (_armed.Count >= count) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _watches.Add((count, reached));
            return reached.Task;
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? TakeDue(DateTimeOffset end)
    {
        lock (_gate)
        {
            if (_armed.Min is not { } timer || timer.Due > end)
            {
                _now = end > _now ? end : _now;
                return null;
            }
            _armed.Remove(timer);
            if (timer.Due > _now) _now = timer.Due;
            if (timer.Period > TimeSpan.Zero) Arm(timer, timer.Due + timer.Period);
            return timer;
        }
    }

    private void Arm(ManualTimer timer, DateTimeOffset due)
    {
        timer.Due = due;
        timer.Order = ++_order;
        _armed.Add(timer);
        for (var index = _watches.Count - 1; index >= 0; index--)
        {
            if (_watches[index].Count > _armed.Count) continue;
            _watches[index].Reached.TrySetResult();
            _watches.RemoveAt(index);
        }
    }

    private bool Change(ManualTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_gate)
        {
            if (timer.IsDisposed) return false;
            _armed.Remove(timer);
            timer.Period = period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : period;
            if (dueTime != Timeout.InfiniteTimeSpan) Arm(timer, _now + dueTime);
            return true;
        }
    }

    private void Remove(ManualTimer timer)
    {
        lock (_gate)
        {
            timer.IsDisposed = true;
            _armed.Remove(timer);
        }
    }

    private sealed class ManualTimer(ManualTimeProvider owner, TimerCallback callback, object? state) : ITimer
    {
        public static readonly IComparer<ManualTimer> ByDue = Comparer<ManualTimer>.Create(
            (left, right) => left.Due != right.Due ? left.Due.CompareTo(right.Due) : left.Order.CompareTo(right.Order));

        public DateTimeOffset Due { get; set; }
        public TimeSpan Period { get; set; }
        public long Order { get; set; }
        public bool IsDisposed { get; set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period) => owner.Change(this, dueTime, period);

        public void Dispose() => owner.Remove(this);

        public ValueTask DisposeAsync()
        {
            owner.Remove(this);
            return ValueTask.CompletedTask;
        }
    }
}
