using Sync.Contracts;

namespace Sync.Replication;

/// <summary>How a wait for a position stands.</summary>
public enum FeedWaitState
{
    /// <summary>Not yet known to be current as of the position.</summary>
    Waiting,

    /// <summary>Current as of the position.</summary>
    Reached,

    /// <summary>The position is of another feed or history: it will never be reached.</summary>
    Elsewhere,
}

/// <summary>One caller that waits until a replica is known to be current as of a position.</summary>
/// <param name="member">The replica.</param>
/// <param name="target">The position.</param>
public sealed class FeedWait(FeedMember member, FeedPosition target)
{
    /// <summary>The replica.</summary>
    public FeedMember Member { get; } = member;

    /// <summary>The position.</summary>
    public FeedPosition Target { get; } = target;

    /// <summary>How it stands.</summary>
    public FeedWaitState State { get; internal set; }

    internal TimeSpan AskAt { get; set; }
}

/// <summary>Callers that read their own writes. Pure: time is an input. A wait that is not met soon asks the writer
/// instead of waiting for the next beat, and again each second, so a lost answer does not strand it.</summary>
/// <param name="tracker">Says how fresh a replica is.</param>
/// <param name="askAfter">How long it waits for what is on its way anyway.</param>
public sealed class FeedWaits(FeedTrackerCore tracker, TimeSpan askAfter)
{
    /// <summary>Most waits at a time; one more is refused.</summary>
    public const int CountMax = 100_000;

    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);
    private readonly List<FeedWait> _waits = [];

    /// <summary>Waits that are not over.</summary>
    public int Count => _waits.Count;

    /// <summary>When <see cref="Advance"/> asks next; null = nobody waits.</summary>
    public TimeSpan? NextDue { get; private set; }

    /// <summary>Begins a wait.</summary>
    /// <returns>False when there are too many.</returns>
    public bool TryAdd(FeedWait wait, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(wait);
        if (Look(wait, now)) return true;
        if (_waits.Count >= CountMax) return false;
        wait.AskAt = now + askAfter;
        _waits.Add(wait);
        if (NextDue is null || wait.AskAt < NextDue) NextDue = wait.AskAt;
        return true;
    }

    /// <summary>The caller gave up.</summary>
    public void Remove(FeedWait wait) => _waits.Remove(wait);

    /// <summary>Looks at all waits again: after a beat, an answer, an apply that somebody waits for, or in
    /// time.</summary>
    /// <param name="now">The time.</param>
    /// <param name="over">Receives waits that are over.</param>
    /// <param name="asks">Receives waits whose replica is to be refetched now, with the wait's position as
    /// need.</param>
    public void Advance(TimeSpan now, List<FeedWait> over, List<FeedWait> asks)
    {
        NextDue = null;
        var kept = 0;
        for (var index = 0; index < _waits.Count; index++)
        {
            var wait = _waits[index];
            if (Look(wait, now))
            {
                over.Add(wait);
                continue;
            }
            if (wait.AskAt <= now)
            {
                wait.AskAt = now + AskAgainAfter;
                asks.Add(wait);
            }
            if (NextDue is null || wait.AskAt < NextDue) NextDue = wait.AskAt;
            _waits[kept++] = wait;
        }
        _waits.RemoveRange(kept, _waits.Count - kept);
    }

    private bool Look(FeedWait wait, TimeSpan now)
    {
        var freshness = tracker.FreshnessOf(wait.Member, now);
        if (wait.Member.Feed is { } feed && feed != wait.Target.Feed) wait.State = FeedWaitState.Elsewhere;
        else if (IsOther(wait.Member.History, wait.Target.History)) wait.State = FeedWaitState.Elsewhere;
        else if (freshness.IsKnown && freshness.At.Position >= wait.Target.Position) wait.State = FeedWaitState.Reached;
        return wait.State != FeedWaitState.Waiting;
    }

    private static bool IsOther(HistoryId left, HistoryId right) =>
        left.Value != 0 && right.Value != 0 && left != right;
}
