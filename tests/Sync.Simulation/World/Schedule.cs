namespace Sync.Simulation;

/// <summary>Virtual time: what is to happen, by due time, then by a drawn tie-break, so that what falls together comes
/// in any order. A history ends: what goes on without time passing, or for too many steps, is a violation.</summary>
internal sealed class Schedule(SimRandom ties)
{
    /// <summary>Most steps at one point of time; histories have up to some 130.</summary>
    public const int StepsAtOnceMax = 2000;

    /// <summary>Most steps of a history; they have up to some 30,000.</summary>
    public const int StepsMax = 200_000;

    private readonly PriorityQueue<Action, (TimeSpan Due, ulong Tie, long Order)> _queue = new();
    private long _order;
    private int _stepsAtOnce;

    public TimeSpan Now { get; private set; }

    public long Steps { get; private set; }

    public void After(TimeSpan delay, Action act) => At(Now + (delay > TimeSpan.Zero ? delay : TimeSpan.Zero), act);

    public void At(TimeSpan due, Action act) => _queue.Enqueue(act, (due < Now ? Now : due, ties.Next(), ++_order));

    /// <summary>Runs everything that is due up to a time.</summary>
    /// <exception cref="Violation">It does not come to an end.</exception>
    public void RunUntil(TimeSpan end)
    {
        while (_queue.TryPeek(out _, out var next) && next.Due <= end)
        {
            _stepsAtOnce = next.Due == Now ? _stepsAtOnce + 1 : 1;
            Now = next.Due;
            Steps++;
            if (_stepsAtOnce > StepsAtOnceMax)
                throw new Violation(Invariants.Ends, $"{_stepsAtOnce} steps without time passing");
            if (Steps > StepsMax) throw new Violation(Invariants.Ends, $"{Steps} steps by {Now}");
            _queue.Dequeue()();
        }
        Now = end;
    }
}
