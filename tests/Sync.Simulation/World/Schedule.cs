namespace Sync.Simulation;

/// <summary>Virtual time: what is to happen, by due time, then by a drawn tie-break, so that what falls together comes
/// in any order.</summary>
internal sealed class Schedule(SimRandom ties)
{
    private readonly PriorityQueue<Action, (TimeSpan Due, ulong Tie, long Order)> _queue = new();
    private long _order;

    public TimeSpan Now { get; private set; }

    public long Steps { get; private set; }

    public void After(TimeSpan delay, Action act) => At(Now + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero), act);

    public void At(TimeSpan due, Action act) => _queue.Enqueue(act, (due < Now ? Now : due, ties.Next(), ++_order));

    /// <summary>Runs everything that is due up to a time.</summary>
    public void RunUntil(TimeSpan end)
    {
        while (_queue.TryPeek(out _, out var next) && next.Due <= end)
        {
            Now = next.Due;
            Steps++;
            _queue.Dequeue()();
        }
        Now = end;
    }
}
